import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeCoordinatePayload,
  decodeFilter,
  decodeSerf,
  decodeTags,
  encodeMessage,
  encodeSerf,
  encodeStream,
  isMalformed,
  openDatagram,
  sealDatagram,
  StreamReader,
  type StreamMessage,
  type Wrapping,
} from '../src/index.ts';
import { message, serfMessage, streamMessage } from './arbitraries.ts';
import { heldBytes } from './memory.ts';
import { fromHex, keyringOf, testRandom, vectors } from './vectors.ts';

const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const wrappings: readonly Wrapping[] = [
  {},
  { label: 'blue' },
  { keyring: keyringOf(key) },
  { keyring: keyringOf(key), label: 'blue' },
];

/** Every decoder of the package; what they give is walked, so that a bad view would show. */
function decodeAll(bytes: Uint8Array, wrapping: Wrapping): void {
  const opened = openDatagram(bytes, wrapping);
  if (!isMalformed(opened)) {
    for (const { message } of opened) {
      if (message?.type === 'user') decodeSerf(message.body);
      if (message?.type === 'alive') decodeTags(message.meta);
      if (message?.type === 'ack') decodeCoordinatePayload(message.payload);
    }
  }
  const read = new StreamReader(wrapping).push(bytes);
  if (read !== undefined && !isMalformed(read) && read.type === 'push-pull') decodeSerf(read.userState);
  decodeSerf(bytes);
  decodeTags(bytes);
  decodeFilter(bytes);
  decodeCoordinatePayload(bytes);
}

const mutation = fc.record({
  flips: fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 8 }),
  cutAt: fc.option(fc.nat(), { nil: undefined }),
  repeat: fc.boolean(),
});

function mutate(
  bytes: Uint8Array,
  { flips, cutAt, repeat }: { flips: [number, number][]; cutAt: number | undefined; repeat: boolean },
): Uint8Array {
  const changed = Uint8Array.from(repeat ? [...bytes, ...bytes] : bytes);
  for (const [at, bit] of changed.length === 0 ? [] : flips) {
    const index = at % changed.length;
    changed[index] = (changed[index] as number) ^ (1 << bit);
  }
  return cutAt === undefined ? changed : changed.subarray(0, cutAt % (changed.length + 1));
}

test('no bytes whatever make a decoder throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 600, size: 'max' }),
      fc.nat(14),
      fc.constantFrom(...wrappings),
      (bytes, type, wrapping) => {
        expect(() => decodeAll(bytes, wrapping)).not.toThrow();
        if (bytes.length > 0) bytes[0] = type; // past the first switch more often
        expect(() => decodeAll(bytes, wrapping)).not.toThrow();
      },
    ),
    { numRuns: 3_000 },
  );
});

test('no altered datagram makes a decoder throw', () => {
  const datagram = fc.array(message, { minLength: 1, maxLength: 4 }).chain((messages) =>
    fc
      .record({ wrapping: fc.constantFrom(...wrappings), crc: fc.boolean(), compress: fc.boolean() })
      .map(({ wrapping, ...options }) => ({
        wrapping,
        bytes: sealDatagram(
          messages.map((one) => encodeMessage(one)),
          { ...wrapping, ...options },
        ),
      })),
  );
  fc.assert(
    fc.property(datagram, mutation, ({ bytes, wrapping }, how) => {
      expect(() => decodeAll(mutate(bytes, how), wrapping)).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});

test('no altered stream, and no altered message of Serf, makes a decoder throw', () => {
  fc.assert(
    fc.property(streamMessage, serfMessage, mutation, fc.boolean(), (stream, serf, how, compress) => {
      expect(() => decodeAll(mutate(encodeStream(stream, { compress }), how), {})).not.toThrow();
      expect(() => decodeAll(mutate(encodeSerf(serf), how), {})).not.toThrow();
    }),
    { numRuns: 300 },
  );
});

test('120,000 captured datagrams and streams with flipped bits: never a throw, and a sealed or summed one never opens', () => {
  const random = testRandom(42);
  const packets = vectors.map(({ key, label, labelWrite = '', hex, transport }) => ({
    transport,
    // Bits of a seal or a checksum leave nothing to chance; the label and a bare message are not protected.
    protectedFrom: key === undefined ? (hex.startsWith('0c') ? 0 : undefined) : 0,
    bytes: fromHex(labelWrite + hex),
    wrapping: { keyring: key === undefined ? undefined : keyringOf(key), label } satisfies Wrapping,
  }));
  const before = heldBytes();
  let opened = 0;
  for (let round = 0; round < 120_000; round++) {
    // Sealed ones in one round of twelve: AES in JavaScript is what takes the time.
    const pool = round % 12 === 0 ? packets : packets.filter(({ wrapping }) => wrapping.keyring === undefined);
    const packet = pool[random.nextU32() % pool.length] as (typeof packets)[number];
    const bit = random.nextU32() % (8 * packet.bytes.length);
    const bytes = packet.bytes.slice();
    for (const at of round % 3 === 0 ? [bit, random.nextU32() % (8 * bytes.length)] : [bit]) {
      bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7));
    }
    const result = decodeOne(bytes, packet.transport, packet.wrapping);
    const intact = bytes.every((byte, index) => byte === packet.bytes[index]);
    if (result && packet.protectedFrom === 0 && !intact && bytes[0] === packet.bytes[0]) opened++;
  }
  expect(opened).toBe(0);
  expect(heldBytes() - before).toBeLessThan(16 * 1_048_576);
});

function decodeOne(bytes: Uint8Array, transport: 'tcp' | 'udp', wrapping: Wrapping): boolean {
  if (transport === 'tcp') {
    const reader = new StreamReader(wrapping);
    const half = reader.push(bytes.subarray(0, bytes.length >> 1));
    const result: StreamMessage | ReturnType<StreamReader['push']> =
      half ?? reader.push(bytes.subarray(bytes.length >> 1));
    if (result !== undefined && !isMalformed(result) && result.type === 'push-pull') decodeSerf(result.userState);
    return result !== undefined && !isMalformed(result);
  }
  const parts = openDatagram(bytes, wrapping);
  if (isMalformed(parts)) return false;
  for (const { message } of parts) if (message?.type === 'user') decodeSerf(message.body);
  return true;
}

test('hostile names reach no prototype', () => {
  const meta = fromHex('ff82a95f5f70726f746f5f5fa178ab636f6e7374727563746f72a179');
  const tags = decodeTags(meta);
  expect(Object.keys(tags)).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(tags)).toBeNull();
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  expect((decodeTags(fromHex('ff80')) as Record<string, unknown>)['constructor']).toBeUndefined();
});
