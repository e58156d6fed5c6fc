// Bytes as format 1 has them on the wire. A change that makes them others needs a new version and a golden file of its
// own; this one stays, and must still be read. GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../../src/index.ts';

interface Case {
  readonly value: object;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const marks = { have: 7, decided: 6, delivered: 5, floor: 4 };
const messages: Readonly<Record<string, Message>> = {
  data: {
    type: 'data',
    view: 3,
    stable: 2,
    round: 8,
    firstSequence: 20,
    counter: 41,
    vector: [1, 0, 5],
    payloads: [new TextEncoder().encode('tea?'), new Uint8Array(0)],
  },
  propose: { type: 'propose', view: 3, round: 8, counters: [41, 42], ...marks },
  final: { type: 'final', view: 3, stable: 2, round: 8, keys: [{ counter: 43, proposer: 2 }] },
  ack: { type: 'ack', view: 3, ask: 9, ...marks },
  stable: { type: 'stable', view: 3, stable: 300 },
};
const cases: Readonly<Record<string, Case>> = Object.fromEntries(
  Object.entries(messages).map(([name, value]) => [
    name,
    { value, write: () => encodeMessage(value), read: decodeMessage },
  ]),
);

const file = new URL('./wire-v1.json', import.meta.url);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
if (process.env['GRP_GOLDEN'] === 'write') {
  const written = Object.entries(cases).map(([name, { write }]) => [name, hex(write())]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(written), undefined, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;

test('every golden message has a case', () => expect(Object.keys(golden)).toEqual(Object.keys(cases)));

test.each(Object.entries(cases))('%s', (name, { value, write, read }) => {
  expect(read(Uint8Array.from(Buffer.from(golden[name] ?? '', 'hex')))).toEqual(value);
  expect(hex(write())).toBe(golden[name]);
});
