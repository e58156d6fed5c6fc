import { crc32 as zlibCrc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from '../src/index.ts';
import { compressLzw, decompressLzw } from '../src/lzw.ts';
import { fromHex, testRandom, toHex } from './vectors.ts';

const mebibyte = 1_048_576;

test('what is compressed comes back', () => {
  const few = fc
    .array(fc.constantFrom(1, 2, 3), { maxLength: 5_000, size: 'max' })
    .map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.oneof(few, fc.uint8Array({ maxLength: 5_000, size: 'max' })), (input) => {
      expect(decompressLzw(compressLzw(input), input.length)).toEqual(input);
    }),
  );
});

test('long inputs fill the table, clear it and come back', () => {
  const random = testRandom(7);
  const noise = Uint8Array.from({ length: 100_000 }, () => random.nextU32());
  const words = Uint8Array.from({ length: 300_000 }, (_, index) => (index * index) >> 9);
  const same = new Uint8Array(2 * mebibyte).fill(9); // each code stands for itself as it is made
  for (const input of [noise, words, same]) {
    const packed = compressLzw(input);
    const back = decompressLzw(packed, input.length);
    expect(typeof back !== 'string' && Buffer.compare(back, input)).toBe(0);
  }
});

test('every length around a change of the code width comes back', () => {
  for (let length = 0; length < 600; length++) {
    const input = Uint8Array.from({ length }, (_, index) => index ^ (index >> 8));
    expect(decompressLzw(compressLzw(input), 600)).toEqual(input);
  }
});

test('an empty input is a clear code and an end code, as Go writes it', () => {
  expect(toHex(compressLzw(new Uint8Array(0)))).toBe('000302');
  expect(decompressLzw(fromHex('000302'), 0)).toEqual(new Uint8Array(0));
});

test('no more comes out than is allowed, to the byte', () => {
  const packed = compressLzw(new Uint8Array(10 * mebibyte));
  expect(packed.length).toBeLessThan(40_000);
  expect(decompressLzw(packed, 10 * mebibyte - 1)).toBe('too-long');
  expect(decompressLzw(packed, 10 * mebibyte)).toHaveLength(10 * mebibyte);
});

test.each([
  ['nothing', ''],
  ['no end code', '000200'],
  ['a code that is not made yet', '00f7ff'],
  ['a code above the first right after a clear code', '000502'],
])('%s is refused', (_, hex) => {
  expect(decompressLzw(fromHex(hex), 1_000)).toBe('compress');
});

test('any bytes either expand within the limit or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000, size: 'max' }), fc.nat(5_000), (input, bytesMax) => {
      const output = decompressLzw(input, bytesMax);
      const held = typeof output === 'string' ? 0 : output.buffer.byteLength;
      expect(held).toBeLessThanOrEqual(bytesMax);
    }),
    { numRuns: 1_000 },
  );
});

test('crc32 agrees with zlib', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000, size: 'max' }), (bytes) => {
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
    }),
  );
});
