// Bytes as format 1 has them on the wire. A change that makes them others needs a new version and a golden file of its
// own; this one stays, and must still be read. GRP_GOLDEN=write makes the file of a new format.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Message } from '../../src/messages.ts';
import type { Payload } from '../../src/types.ts';
import { decodeHello, encodeHello } from '../../src/wire/frames.ts';
import { decodeMessage, encodeMessage } from '../../src/wire/messages.ts';
import { PayloadCodec } from '../../src/wire/payload.ts';

interface Case {
  readonly value: object;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const payloads = new PayloadCodec();
const position = { index: 16, term: 2 };
const configuration = { voters: ['n1', 'n2'], outgoing: ['n3'], learners: ['n4'], addresses: { n1: '10.0.0.1:7950' } };
const command: Payload = { type: 'command', session: 5, sequence: 6, acknowledged: 4, command: Uint8Array.of(9, 8, 7) };
const snapshot = { id: 's-1', index: 16, term: 2, configuration, sizeBytes: 1_000 };
const messages: Readonly<Record<string, Message>> = {
  'vote-request': { type: 'vote-request', term: 3, isPreVote: true, isTransfer: false, last: position, priority: 4 },
  'vote-response': { type: 'vote-response', term: 3, isPreVote: true, isGranted: true },
  'append-request': {
    type: 'append-request',
    term: 3,
    previous: position,
    entries: [{ index: 17, term: 3, payload: command }],
    commit: 16,
    round: 99,
    rank: 1,
    recovery: { life: 2, through: 12 },
  },
  'append-response': {
    type: 'append-response',
    term: 3,
    match: 17,
    round: 99,
    mismatch: { previous: 16, hint: position },
    recoveringLife: 2,
    isLowOnSpace: true,
    priority: 4,
  },
  'snapshot-request': { type: 'snapshot-request', term: 3, snapshot, offset: 512, bytes: Uint8Array.of(1), round: 7 },
  'snapshot-response': { type: 'snapshot-response', term: 3, id: 's-1', nextOffset: 513, round: 7 },
  'timeout-now': { type: 'timeout-now', term: 3 },
  'read-index-request': { type: 'read-index-request', term: 3, ticket: 11 },
  'read-index-response': { type: 'read-index-response', term: 3, ticket: 11, index: 17 },
  'recovery-request': { type: 'recovery-request', term: 3, life: 2 },
  'recovery-response': { type: 'recovery-response', term: 3, life: 2, last: position, isLeader: true },
};
const hello = { group: 'chat', from: 'n1', to: 'n2', address: '10.0.0.1:7950' as never };
/** These are on the disk, too: the entries of the log. */
const entries: Readonly<Record<string, Payload>> = {
  'entry: command': command,
  'entry: configuration': { type: 'configuration', configuration },
};
const cases: Readonly<Record<string, Case>> = {
  hello: { value: hello, write: () => encodeHello(hello), read: decodeHello },
  ...Object.fromEntries(
    Object.entries(messages).map(([name, value]) => [
      name,
      {
        value,
        write: () => encodeMessage(value, payloads),
        read: (bytes: Uint8Array) => plain(decodeMessage(bytes, payloads)),
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [
      name,
      { value, write: () => payloads.encode(value), read: (bytes: Uint8Array) => plain(payloads.decode(bytes)) },
    ]),
  ),
};

/** Commands keep the bytes that they were read from: here only what they say counts. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if ('type' in value && value.type === 'command') {
    const { type, session, sequence, acknowledged, command: bytes } = value as Payload & { readonly type: 'command' };
    return { type, session, sequence, acknowledged, command: Uint8Array.from(bytes) };
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

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
