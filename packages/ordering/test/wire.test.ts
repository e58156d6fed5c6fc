import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../src/index.ts';

const number = fc.integer({ min: 0, max: 2 ** 40 });
const positive = fc.integer({ min: 1, max: 2 ** 40 });
const key = fc.record({ counter: number, proposer: fc.nat(255) });
const round = fc.record({
  round: positive,
  firstSequence: positive,
  counter: number,
  vector: fc.array(number, { maxLength: 8 }),
  payloads: fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 }),
});
const marks = fc
  .tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000), fc.nat(1_000))
  .map(([floor, delivered, decided, have]) => ({
    floor,
    delivered: floor + delivered,
    decided: floor + delivered + decided,
    have: floor + delivered + decided + have,
  }));
const senderState = fc
  .record({
    floor: number,
    floorKey: key,
    keys: fc.array(key, { maxLength: 20 }),
    more: fc.nat(20),
    decided: fc.nat(20),
  })
  .map(({ floor, floorKey, keys, more, decided }) => ({
    floor,
    floorKey,
    keys,
    proposed: floor + keys.length,
    decided: floor + Math.min(decided, keys.length),
    have: floor + keys.length + more,
  }));
const cut = fc.record({
  count: number,
  donor: fc.nat(255),
  firstKey: positive,
  keys: fc.array(key, { maxLength: 20 }),
});
const view = fc.integer({ min: 1_001, max: 2 ** 40 });
const past = fc.nat(1_000);
const constant = <Type extends Message['type']>(type: Type): fc.Arbitrary<Type> => fc.constant(type);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc
    .tuple(view, round)
    .map(([number, body]): Message => ({ type: 'data', view: number, stable: body.round - 1, ...body })),
  fc
    .tuple(view, marks, positive, fc.array(number, { minLength: 1, maxLength: 9 }))
    .map(([number, told, first, counters]): Message => ({
      type: 'propose',
      view: number,
      ...told,
      round: first,
      counters,
    })),
  fc.record({
    type: constant('final'),
    view,
    stable: number,
    round: positive,
    keys: fc.array(key, { minLength: 1, maxLength: 9 }),
  }),
  fc.tuple(view, marks, number).map(([number, told, ask]): Message => ({ type: 'ack', view: number, ...told, ask })),
  fc.record({ type: constant('stable'), view, stable: number }),
  fc.record({
    type: constant('state'),
    view,
    base: past,
    stored: past,
    position: number,
    storedPosition: number,
    clock: number,
    senders: fc.array(senderState, { maxLength: 5 }),
  }),
  fc.record({ type: constant('request'), view }),
  fc.record({
    type: constant('prepare'),
    view,
    base: past,
    position: number,
    clock: number,
    senders: fc.array(cut, { maxLength: 5 }),
  }),
  fc.tuple(view, past, fc.nat(255), positive, fc.nat(1_000)).map(([number, base, sender, from, more]): Message => ({
    type: 'fetch',
    view: number,
    base,
    sender,
    from,
    to: from + more,
  })),
  fc.record({
    type: constant('refill'),
    view,
    base: past,
    sender: fc.nat(255),
    rounds: fc.array(round, { maxLength: 3 }),
  }),
  fc.record({ type: constant('ready'), view, position: number }),
  fc.record({ type: constant('install'), view, position: number }),
);

test('what is encoded is decoded to the same', () => {
  fc.assert(
    fc.property(message, (given) => {
      expect(decodeMessage(encodeMessage(given))).toEqual(given);
    }),
    { numRuns: 500 },
  );
});

test('cut short or extended, a message is refused, and nothing is thrown', () => {
  fc.assert(
    fc.property(message, fc.nat(), (given, at) => {
      const bytes = encodeMessage(given);
      expect(decodeMessage(bytes.subarray(0, at % bytes.length)).type).toBe('malformed');
      expect(decodeMessage(Uint8Array.from([...bytes, 0]))).toEqual({ type: 'malformed', reason: 'trailing' });
    }),
    { numRuns: 300 },
  );
});

test('any bytes give a message or a reason', () => {
  const start = fc.tuple(fc.constant(1), fc.integer({ min: 0, max: 16 }));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const decoded = decodeMessage(Uint8Array.from([...head, ...rest]));
      const again = decoded.type === 'malformed' ? decoded : decodeMessage(encodeMessage(decoded));
      expect(again).toEqual(decoded);
    }),
    { numRuns: 5_000 },
  );
});

test('one changed byte gives a message or a reason', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.nat(255), (given, at, value) => {
      const bytes = encodeMessage(given).slice();
      bytes[at % bytes.length] = value;
      expect(() => decodeMessage(bytes)).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});

test('a count that the bytes cannot hold is refused before any room is made', () => {
  const huge = [0xff, 0xff, 0xff, 0x7f];
  expect(decodeMessage(Uint8Array.from([1, 11 + 1, 5, 1, 0, ...huge]))).toMatchObject({ type: 'malformed' });
  expect(decodeMessage(Uint8Array.from([1, 3, 5, 0, 1, ...huge]))).toMatchObject({ type: 'malformed' });
});

test('a version or a kind of the future is counted as such', () => {
  expect(decodeMessage(Uint8Array.from([2, 1, 1, 0]))).toEqual({ type: 'malformed', reason: 'version' });
  expect(decodeMessage(Uint8Array.from([1, 99, 1, 0]))).toEqual({ type: 'malformed', reason: 'kind' });
});
