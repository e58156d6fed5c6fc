import { assert, nat, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../src/bytes.ts';
import type { Entry, Message } from '../src/index.ts';
import {
  decodeClientHello,
  decodeClientRequest,
  decodeClientResponse,
  encodeClientHello,
  writeClientRequest,
  writeClientResponse,
  type ClientResponse,
} from '../src/wire/client-frames.ts';
import { decodeHello, encodeHello, FrameReader, FrameWriter, frameBytesMax } from '../src/wire/frames.ts';
import { decodeMessage, encodeMessage } from '../src/wire/messages.ts';
import { PayloadCodec } from '../src/wire/payload.ts';

const configuration = {
  voters: ['a', 'b'],
  outgoing: ['c'],
  learners: ['d'],
  addresses: { a: '10.0.0.1:1', d: '[::1]:2' },
};
const last = { index: 2 ** 40, term: 3 };
const entries: Entry[] = [
  { index: 8, term: 3, payload: { type: 'no-op' } },
  { index: 9, term: 4, payload: { type: 'register' } },
  { index: 10, term: 4, payload: { type: 'configuration', configuration } },
  {
    index: 11,
    term: 4,
    payload: { type: 'command', session: 9, sequence: 1, acknowledged: 1, command: new Uint8Array([1, 2, 3]) },
  },
];
const snapshot = { id: 'x', index: 5, term: 2, configuration, sizeBytes: 9 };

const messages: Message[] = [
  { type: 'vote-request', term: 4, isPreVote: true, isTransfer: false, last, priority: -3 },
  { type: 'vote-request', term: 4, isPreVote: false, isTransfer: true, last, priority: 7 },
  { type: 'vote-response', term: 4, isPreVote: false, isGranted: true },
  { type: 'append-request', term: 4, previous: { index: 7, term: 3 }, entries, commit: 7, round: 99, rank: 2 },
  {
    type: 'append-request',
    term: 4,
    previous: { index: 0, term: 0 },
    entries: [],
    commit: 0,
    round: 1,
    rank: 0,
    recovery: { life: 0xffff_ffff, through: 12 },
  },
  { type: 'append-response', term: 4, match: 11, round: 99, isLowOnSpace: true, priority: 0 },
  {
    type: 'append-response',
    term: 4,
    match: 0,
    round: 1,
    mismatch: { previous: 7, hint: { index: 3, term: 1 } },
    recoveringLife: 77,
    isLowOnSpace: false,
    priority: -1,
  },
  { type: 'snapshot-request', term: 4, snapshot, offset: 3, bytes: new Uint8Array([7]), round: 3 },
  { type: 'snapshot-response', term: 4, id: 'x', nextOffset: 4, round: 3 },
  { type: 'timeout-now', term: 4 },
  { type: 'read-index-request', term: 4, ticket: 5 },
  { type: 'read-index-response', term: 4, ticket: 5, index: 11 },
  { type: 'read-index-response', term: 4, ticket: 5 },
  { type: 'recovery-request', term: 4, life: 6 },
  { type: 'recovery-response', term: 4, life: 6, last, isLeader: true },
];

test.each(messages)('$type there and back', (message) => {
  const bytes = encodeMessage(message, new PayloadCodec());
  expect(decodeMessage(bytes, new PayloadCodec())).toEqual(message);
  for (let length = 0; length < bytes.length; length++)
    expect(decodeMessage(bytes.subarray(0, length), new PayloadCodec())).toBeUndefined();
});

test('whatever the bytes are, nothing throws', () => {
  let decoded = 0;
  const attempt = (bytes: Uint8Array): void => {
    if (decodeMessage(bytes, new PayloadCodec()) !== undefined) decoded++;
    if (decodeHello(bytes) !== undefined) decoded++;
  };
  assert(
    property(uint8Array({ maxLength: 200 }), nat(20), (bytes, kind) => {
      attempt(bytes);
      attempt(new Uint8Array([kind, ...bytes]));
    }),
    { numRuns: 2_000 },
  );
  expect(decoded).toBeLessThan(400);
});

test('entries whose terms fall, or rise above the leader’s, are no message', () => {
  const bad = (terms: readonly number[]): Uint8Array =>
    encodeMessage(
      {
        type: 'append-request',
        term: 4,
        previous: { index: 1, term: 2 },
        entries: terms.map((term, index) => ({ index: index + 2, term, payload: { type: 'no-op' } })),
        commit: 0,
        round: 0,
        rank: 0,
      },
      new PayloadCodec(),
    );
  expect(decodeMessage(bad([2, 4]), new PayloadCodec())).toBeDefined();
  for (const terms of [[1], [3, 2], [5]]) expect(decodeMessage(bad(terms), new PayloadCodec())).toBeUndefined();
});

test('frames: cut anywhere, joined anyhow; a length beyond the limit ends it', () => {
  const bodies = [new Uint8Array([1]), new Uint8Array(0), new Uint8Array(300).fill(7)];
  const writer = new FrameWriter();
  for (const body of bodies) writer.frame((frame) => frame.raw(body));
  const bytes = writer.take();
  for (const size of [1, 2, 3, 5, 64, bytes.length]) {
    const reader = new FrameReader();
    const frames: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) frames.push(...(reader.push(bytes.subarray(at, at + size)) ?? []));
    expect(frames).toEqual(bodies);
  }
  const long = new Uint8Array(4);
  new DataView(long.buffer).setUint32(0, frameBytesMax + 1);
  expect(new FrameReader().push(long)).toBeUndefined();
});

test('the hello of another protocol or version is none', () => {
  const hello = { group: 'raft', from: 'a', to: 'b', address: '10.0.0.1:7950' };
  const bytes = encodeHello(hello);
  expect(decodeHello(bytes)).toEqual(hello);
  expect(decodeHello(bytes.with(0, 1))).toBeUndefined();
  expect(decodeHello(new TextEncoder().encode('GET / HTTP/1.1'))).toBeUndefined();
});

test('what clients ask and are answered comes back as it was, or is nothing', () => {
  const payloads = new PayloadCodec();
  const command = {
    type: 'command',
    session: 7,
    sequence: 2 ** 40,
    acknowledged: 3,
    command: new Uint8Array([1, 2]),
  } as const;
  for (const payload of [command, { type: 'register' } as const]) {
    const writer = new ByteWriter();
    writeClientRequest(writer, { ticket: 300, payload }, payloads);
    const bytes = writer.finish();
    expect(decodeClientRequest(bytes, payloads)).toEqual({ ticket: 300, payload });
    for (let length = 0; length < 3; length++)
      expect(decodeClientRequest(bytes.subarray(0, length), payloads)).toBeUndefined();
  }
  const noOp = new ByteWriter()
    .varint(1)
    .raw(payloads.encode({ type: 'no-op' }))
    .finish();
  expect(decodeClientRequest(noOp, payloads)).toBeUndefined();
  const responses: ClientResponse[] = [
    { type: 'done', index: 9, answer: new Uint8Array([4]) },
    { type: 'session-refused', reason: 'session-expired' },
    { type: 'not-done', reason: 'not-leader', leader: '10.0.0.1:7950' },
    { type: 'unknown' },
  ];
  for (const response of responses) {
    const writer = new ByteWriter();
    writeClientResponse(writer, 5, response);
    expect(decodeClientResponse(writer.finish())).toEqual({ ticket: 5, response });
  }
  expect(decodeClientResponse(new Uint8Array([5, 9]))).toBeUndefined();
  expect(decodeClientHello(encodeClientHello('raft'))).toBe('raft');
  expect(decodeHello(encodeClientHello('raft'))).toBeUndefined();
  expect(decodeClientHello(encodeHello({ group: 'raft', from: 'a', to: 'b', address: 'x:1' }))).toBeUndefined();
});
