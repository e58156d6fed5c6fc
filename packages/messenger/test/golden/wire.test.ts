// Bytes as format 1 has them on the wire. A change that makes them others needs a new version and a golden file of its
// own; this one stays, and must still be read. GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { NodeId } from '@grp/core';
import type { ChatMessage } from '../../src/api.ts';
import {
  decodeFrame,
  decodeHello,
  decodePing,
  decodePong,
  encodeHello,
  encodePing,
  encodePong,
  frameHead,
} from '../../src/frames.ts';
import { decodeHistory, decodeHistoryAsk, encodeHistory, encodeHistoryAsk } from '../../src/history.ts';
import { decodePayload, encodePayload } from '../../src/payload.ts';

interface Case {
  readonly value: object;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const hello = { ticket: 'a ticket', nonce: new Uint8Array(16).fill(7), isAsking: true };
const payload = { text: 'tea? ☕', sentAt: 12.5, wallMs: 1_700_000_000_000 };
const message = {
  type: 'message',
  group: 'g',
  order: 'total',
  from: 'ann',
  fromId: 'ann#1' as NodeId,
  sequence: 4,
  view: 2,
  wallMs: 5,
  text: 'hi',
};
const history = { view: 3, messages: [{ ...message, isOwn: false, isReplay: true }] };
const options = { group: 'g', order: 'total', self: 'bob#1' as NodeId, countMax: 10, textBytesMax: 100 } as const;
const cases: Readonly<Record<string, Case>> = {
  'frame head': {
    value: { kind: 'hello', group: 'grp', body: new Uint8Array(0) },
    write: () => frameHead('hello', 'grp'),
    read: decodeFrame,
  },
  hello: { value: hello, write: () => encodeHello(hello), read: decodeHello },
  ping: { value: { askedAt: 1.5 }, write: () => encodePing({ askedAt: 1.5 }), read: decodePing },
  pong: {
    value: { askedAt: 1.5, answeredAt: 2 },
    write: () => encodePong({ askedAt: 1.5, answeredAt: 2 }),
    read: decodePong,
  },
  text: { value: payload, write: () => encodePayload(payload), read: (bytes) => decodePayload(bytes, 4_096) },
  'history ask': {
    value: { view: 3, count: 50 },
    write: () => encodeHistoryAsk({ view: 3, count: 50 }),
    read: decodeHistoryAsk,
  },
  history: {
    value: history,
    write: () => encodeHistory(3, history.messages as unknown as readonly ChatMessage[]),
    read: (bytes) => decodeHistory(bytes, options),
  },
};

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
