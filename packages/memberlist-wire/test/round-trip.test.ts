import type { Address } from '@grp/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  datagramOverheadBytes,
  compoundOverheadBytes,
  crcOverheadBytes,
  decodeCoordinatePayload,
  decodeFilter,
  decodeSerf,
  decodeTags,
  encodeCoordinatePayload,
  encodeFilter,
  encodeMessage,
  encodeSerf,
  encodeStream,
  encodeTags,
  isMalformed,
  openDatagram,
  partOverheadBytes,
  sealDatagram,
  StreamReader,
  type Message,
  type StreamMessage,
  type Wrapping,
} from '../src/index.ts';
import { message, serfMessage, streamMessage, tags, text } from './arbitraries.ts';
import { keyringOf } from './vectors.ts';

const wrapping: fc.Arbitrary<Wrapping> = fc.record({
  keyring: fc.constantFrom(
    undefined,
    keyringOf('0f'.repeat(16)),
    keyringOf('1e'.repeat(24)),
    keyringOf('2d'.repeat(32)),
  ),
  label: fc.constantFrom(undefined, '', 'blue', 'Grün', 'x'.repeat(255)),
});

test('every message comes back, however the datagram is wrapped', () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 6 }),
      wrapping,
      fc.boolean(),
      fc.boolean(),
      (messages, wrapping, compress, crc) => {
        const parts = messages.map((one) => encodeMessage(one));
        const datagram = sealDatagram(parts, { ...wrapping, compress, crc });
        const opened = openDatagram(datagram, wrapping);
        expect(opened).toEqual(
          messages.map((one, index) => ({ message: one, malformed: undefined, bytes: parts[index]?.length })),
        );
        expect(datagram.length).toBeLessThanOrEqual(sizeOf(parts, wrapping, crc));
        expect(compress || datagram.length === sizeOf(parts, wrapping, crc)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

function sizeOf(parts: readonly Uint8Array[], wrapping: Wrapping, crc: boolean): number {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const compound = parts.length === 1 ? 0 : compoundOverheadBytes + partOverheadBytes * parts.length;
  return bytes + compound + (crc ? crcOverheadBytes : 0) + datagramOverheadBytes(wrapping);
}

test('every message comes back from a stream, in pieces of any size', () => {
  fc.assert(
    fc.property(
      streamMessage,
      wrapping,
      fc.boolean(),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 10 }),
      (sent, wrapping, compress, pieces) => {
        const stream = encodeStream(sent, { ...wrapping, compress });
        expect(readInPieces(stream, wrapping, [...pieces, 1 + stream.length])).toEqual(sent);
      },
    ),
    { numRuns: 200 },
  );
});

function readInPieces(stream: Uint8Array, wrapping: Wrapping, pieces: readonly number[]): StreamMessage | undefined {
  const reader = new StreamReader(wrapping);
  let at = 0;
  for (const size of pieces) {
    const result = reader.push(stream.subarray(at, at + size));
    at += size;
    if (result === undefined) continue;
    if (isMalformed(result)) throw new Error(result.malformed);
    return result;
  }
  return undefined;
}

test('every message of Serf comes back', () => {
  fc.assert(
    fc.property(serfMessage, (sent) => {
      expect(decodeSerf(encodeSerf(sent))).toEqual(sent);
    }),
    { numRuns: 500 },
  );
});

test('tags come back, whatever they are called, and are sorted on the wire', () => {
  fc.assert(
    fc.property(tags, (sent) => {
      const encoded = encodeTags(sent);
      expect(decodeTags(encoded)).toEqual(sent);
      expect(encodeTags(Object.fromEntries(Object.entries(sent).toReversed()))).toEqual(encoded);
    }),
  );
});

test('filters come back', () => {
  const filter = fc.oneof(
    fc.record({ type: fc.constant('nodes' as const), names: fc.array(text, { maxLength: 20 }) }),
    fc.record({ type: fc.constant('tag' as const), tag: text, expression: text }),
  );
  fc.assert(
    fc.property(filter, (sent) => {
      expect(decodeFilter(encodeFilter(sent))).toEqual(sent);
    }),
  );
});

test('coordinates come back', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const coordinate = fc.record({
    vector: fc.array(number, { maxLength: 64 }),
    error: number,
    adjustment: number,
    height: number,
  });
  fc.assert(
    fc.property(coordinate, (sent) => {
      expect(decodeCoordinatePayload(encodeCoordinatePayload(sent))).toEqual(sent);
    }),
  );
});

test('a bare message is neither copied when sealed nor when its payload is opened', () => {
  const part = encodeMessage({ type: 'user', body: new Uint8Array(100).fill(7) });
  const datagram = sealDatagram([part], {});
  expect(datagram).toBe(part);
  expect(openOne(datagram, 'user').body.buffer).toBe(datagram.buffer);
});

test('what gossip brings is not copied: its reader may know it already', () => {
  const address = '10.0.0.1:1' as Address;
  const versions = new Uint8Array(6);
  const sent = encodeMessage({ type: 'alive', incarnation: 1, node: 'a', address, meta: Uint8Array.of(1), versions });
  const received = openOne(sent, 'alive');
  expect([received.meta.buffer, received.versions.buffer]).toEqual([sent.buffer, sent.buffer]);
  expect([...received.meta, ...received.versions]).toEqual([1, 0, 0, 0, 0, 0, 0]);
});

function openOne<Type extends Message['type']>(bytes: Uint8Array, type: Type): Extract<Message, { type: Type }> {
  const opened = openDatagram(bytes, {});
  const received = isMalformed(opened) ? undefined : opened[0]?.message;
  if (received?.type !== type) throw new Error(`not a ${type}`);
  return received as Extract<Message, { type: Type }>;
}
