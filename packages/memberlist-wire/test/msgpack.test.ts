import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMalformed, openDatagram, type Message } from '../src/index.ts';
import { defineFields, Reader } from '../src/msgpack/reader.ts';
import { Scanner } from '../src/msgpack/scanner.ts';
import { Writer } from '../src/msgpack/writer.ts';
import { fromHex, toHex } from './vectors.ts';

const u64Max = 2 ** 64;

function read<Value>(hex: string, how: (reader: Reader) => Value): Value | string {
  const bytes = fromHex(hex);
  const reader = new Reader(bytes, 0, bytes.length);
  const value = how(reader);
  reader.finish();
  return reader.problem ?? value;
}

test.each([
  ['00', 0],
  ['7f', 127],
  ['cc80', 128],
  ['cd0100', 256],
  ['d20001e240', 123_456],
  ['d10100', 256],
  ['d07f', 127],
  ['cf001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['d3001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['c0', 0],
  ['cf0020000000000000', 'out-of-range'],
  ['cfffffffffffffffff', 'out-of-range'],
  ['d3ffffffffffffffff', 'out-of-range'],
  ['d1ffff', 'out-of-range'],
  ['ff', 'out-of-range'],
  ['cb4000000000000000', 'out-of-range'],
  ['cd01', 'truncated'],
  ['c3', 'type'],
  ['a131', 'type'],
  ['0000', 'trailing'],
  ['', 'truncated'],
])('%s as a whole number is %s', (hex, expected) => {
  expect(read(hex, (reader) => reader.uint(Number.MAX_SAFE_INTEGER))).toBe(expected);
});

test.each([
  ['cb3ff8000000000000', 1.5],
  ['ca3fc00000', 1.5],
  ['d3ffffffffffffffff', -1],
  ['d3fffffffffffffffe', -2],
  ['d0ff', -1],
  ['d18000', -32_768],
  ['d2ffffffff', -1],
  ['e0', -32],
  ['cfffffffffffffffff', u64Max],
  ['05', 5],
])('%s as any number is %s', (hex, expected) => {
  expect(read(hex, (reader) => reader.float())).toBe(expected);
});

test.each([
  ['a26869', 'hi'],
  ['d9026869', 'hi'],
  ['da00026869', 'hi'],
  ['db000000026869', 'hi'],
  ['c4026869', 'hi'],
  ['c500026869', 'hi'],
  ['c6000000026869', 'hi'],
  ['c0', ''],
  ['a0', ''],
  ['a4efbbbf78', '\uFEFFx'],
  ['a2c328', 'text'],
  ['a3eda080', 'text'],
  ['a268', 'truncated'],
  ['dbffffffff68', 'truncated'],
  ['01', 'type'],
])('%s as a text is %j', (hex, expected) => {
  expect(read(hex, (reader) => reader.text())).toBe(expected);
});

test('what is written is the smallest form, and read again', () => {
  const writer = new Writer();
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(70_000), fc.nat(200)), (value) => {
      writer.start().uint(value);
      const bytes = writer.finish();
      const sizes = [0x80, 0x100, 0x1_0000, 0x1_0000_0000, Infinity].map((limit, index) => [
        limit,
        [1, 2, 3, 5, 9][index],
      ]);
      expect(bytes.length).toBe(sizes.find(([limit = 0]) => value < limit)?.[1]);
      expect(read(toHex(bytes), (reader) => reader.uint(Number.MAX_SAFE_INTEGER))).toBe(value);
    }),
  );
});

test.each([-1, 1.5, NaN, Infinity, 2 ** 53])('%s is refused by the writer', (value) => {
  expect(() => new Writer().uint(value)).toThrow(expect.objectContaining({ code: 'WIRE_NUMBER' }));
});

test('a scanner finds the end of any item, however the bytes are cut', () => {
  // map {1: [nil, raw 3, float], raw 2: ext 1, true: map16 {…}}
  const hex = ['8301', '93c0a3616263cb3ff8000000000000', 'a26162', 'd40507', 'c3', 'de00010203'].join('');
  const bytes = fromHex(`${hex}ff`);
  for (let first = 0; first <= bytes.length - 1; first++) {
    const scanner = new Scanner(0);
    expect(scanner.scan(bytes, first)).toBe(first < bytes.length - 1 ? 'more' : 'done');
    expect(scanner.scan(bytes, bytes.length)).toBe('done');
    expect(scanner.offset).toBe(bytes.length - 1);
  }
});

test('every code but one has an end', () => {
  const bytes = new Uint8Array(70_000);
  for (let code = 0; code < 256; code++) {
    bytes.fill(0);
    bytes[0] = code;
    expect(new Scanner(0).scan(bytes, bytes.length)).toBe(code === 0xc1 ? 'bad' : 'done');
  }
});

test('a million nested arrays are as cheap as a flat one', () => {
  const deep = new Uint8Array(1_000_000).fill(0x91);
  expect(new Scanner(0).scan(deep, deep.length)).toBe('more');
  const part = fromHex(`0081a178${'91'.repeat(60_000)}`);
  expect(openDatagram(part, {})).toEqual({ malformed: 'truncated' });
});

test('keys may come in any order, be unknown, be doubled (the last counts) or be missing', () => {
  const decode = (hex: string): Message | string | undefined => {
    const opened = openDatagram(fromHex(hex), {});
    return isMalformed(opened) ? opened.malformed : opened[0]?.message;
  };
  const ping = { type: 'ping', sequence: 5, node: 'n', source: undefined };
  expect(decode('0082a55365714e6f05a44e6f6465a16e')).toEqual(ping);
  expect(decode('0083a34e657793c08100a0cb0000000000000000a44e6f6465a16ea55365714e6f05')).toEqual(ping);
  expect(decode('0083a55365714e6f09a44e6f6465a16ea55365714e6f05')).toEqual(ping);
  expect(decode('0081a44e6f6465a16e')).toEqual({ ...ping, sequence: 0 });
  expect(decode('0082a55365714e6fce00000005a44e6f6465d9016e')).toEqual(ping);
  expect(decode('00de0002a55365714e6f05a44e6f6465a16e')).toEqual(ping);
  expect(decode('0082a55365714e6f05a44e6f6465a16e00')).toBe('trailing');
  expect(decode('0090')).toBe('type');
});

test('a key is its whole name', () => {
  const fields = defineFields('Name', 'Names');
  const keys = (reader: Reader): unknown[] => [reader.key(fields), reader.skip(), reader.key(fields), reader.skip()];
  expect(read('a54e616d657301a44e616d6502', keys)).toEqual(['Names', undefined, 'Name', undefined]);
});
