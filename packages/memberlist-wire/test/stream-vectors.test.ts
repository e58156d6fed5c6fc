import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import {
  decodeSerf,
  encodeStream,
  isMalformed,
  StreamReader,
  type StreamMessage,
  type Wrapping,
} from '../src/index.ts';
import { fromHex, keyringOf, toHex, vector } from './vectors.ts';

const none = new Uint8Array(0);

interface Case {
  readonly id: string;
  readonly node: { readonly name: string; readonly port: number; readonly meta: string; readonly versions: string };
}

const cases: readonly Case[] = [
  { id: 'tcp-pushpull-join-compressed', node: { name: 'n2', port: 18_002, meta: 'ff80', versions: '010502020505' } },
  { id: 'enc-tcp-pushpull', node: { name: 'e2', port: 26_002, meta: 'ff80', versions: '010502020505' } },
  { id: 'label+enc-tcp', node: { name: 'g2', port: 26_002, meta: '', versions: '010502000000' } },
];

function wrappingOf(id: string): Wrapping {
  const { key, label } = vector(id);
  return { keyring: key === undefined ? undefined : keyringOf(key), label };
}

/** The whole stream: a label is written before the rest. */
function streamBytes(id: string): Uint8Array {
  const { labelWrite = '', hex } = vector(id);
  return fromHex(labelWrite + hex);
}

function read(bytes: Uint8Array, wrapping: Wrapping, pieceBytes: number): StreamMessage {
  const reader = new StreamReader(wrapping);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const result = reader.push(bytes.subarray(at, at + pieceBytes));
    if (result === undefined) continue;
    if (isMalformed(result)) throw new Error(result.malformed);
    expect(at + pieceBytes).toBeGreaterThanOrEqual(bytes.length); // not before the last piece
    return result;
  }
  throw new Error('the stream ended early');
}

test.each(cases)('$id decodes, in one piece and byte by byte', ({ id, node }) => {
  const expected = {
    name: node.name,
    address: `127.0.0.1:${node.port}` as Address,
    meta: fromHex(node.meta),
    incarnation: 1,
    state: 'alive',
    versions: fromHex(node.versions),
  };
  for (const pieceBytes of [1, 7, 10_000]) {
    const message = read(streamBytes(id), wrappingOf(id), pieceBytes);
    expect(message).toMatchObject({ type: 'push-pull', join: true, nodes: [expected] });
  }
});

test.each(['tcp-pushpull-join-compressed', 'enc-tcp-pushpull'])(
  '%s encodes to the same bytes inside the seal',
  (id) => {
    const { hex, plaintext = hex } = vector(id);
    const message = read(streamBytes(id), wrappingOf(id), 10_000);
    expect(toHex(encodeStream(message, { compress: true }))).toBe(plaintext);
  },
);

test('what compressing makes longer is sent as it is, where memberlist compresses it all the same', () => {
  const { plaintext = '' } = vector('label+enc-tcp');
  const message = read(streamBytes('label+enc-tcp'), wrappingOf('label+enc-tcp'), 10_000);
  const bytes = encodeStream(message, { compress: true });
  expect([bytes.length, fromHex(plaintext).length]).toEqual([93, 117]);
  expect(read(fromHex(plaintext), {}, 10_000)).toEqual(message);
});

test.each(cases)('$id reads back what we would send', ({ id }) => {
  const message = read(streamBytes(id), wrappingOf(id), 10_000);
  for (const compress of [false, true]) {
    const bytes = encodeStream(message, { ...wrappingOf(id), compress });
    expect(read(bytes, wrappingOf(id), 10_000)).toEqual(message);
  }
});

test.each(['tcp-pushpull-join-compressed', 'enc-tcp-pushpull'])('the user state of %s is a Serf push-pull', (id) => {
  const message = read(streamBytes(id), wrappingOf(id), 10_000);
  const name = id.startsWith('enc') ? 'e2' : 'n2';
  expect(message.type === 'push-pull' && decodeSerf(message.userState)).toEqual({
    type: 'push-pull',
    time: 1,
    statusTimes: new Map([[name, 0]]),
    leftMembers: [],
    eventTime: 1,
    events: [],
    queryTime: 1,
  });
});

test('a bare memberlist has no user state', () => {
  const message = read(streamBytes('label+enc-tcp'), wrappingOf('label+enc-tcp'), 10_000);
  expect(message).toMatchObject({ userState: none });
});
