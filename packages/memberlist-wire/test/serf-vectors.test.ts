import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import {
  decodeCoordinatePayload,
  decodeSerf,
  encodeCoordinatePayload,
  encodeMessage,
  encodeSerf,
  openDatagram,
  sealDatagram,
  type Message,
  type SerfMessage,
} from '../src/index.ts';
import { fromHex, toHex, vector } from './vectors.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const none = new Uint8Array(0);

const cases: readonly (readonly [id: string, crc: boolean, messages: readonly SerfMessage[]])[] = [
  ['udp-serf-leave', true, [{ type: 'leave', time: 3, node: 'n2', prune: false }]],
  [
    'udp-serf-queryresponse',
    false,
    [{ type: 'query-response', time: 1, id: 244_911_108, from: 'n1', flags: 1, payload: none }],
  ],
  [
    'udp-serf-query+event',
    true,
    [
      {
        type: 'query',
        time: 1,
        id: 244_911_108,
        source: { address: '127.0.0.1:18001' as Address, name: 'n1' },
        filters: [],
        flags: 1,
        relayCount: 0,
        timeoutMs: 2_000,
        name: 'load',
        payload: text('please'),
      },
      { type: 'user-event', time: 1, name: 'deploy', payload: text('v1234'), coalesce: true },
    ],
  ],
];

function bodies(id: string): Uint8Array[] {
  const opened = openDatagram(fromHex(vector(id).hex), {});
  if ('malformed' in opened) throw new Error(opened.malformed);
  return opened.map(({ message }) => (message as Extract<Message, { type: 'user' }>).body);
}

test.each(cases)('%s decodes, and encodes byte for byte', (id, crc, messages) => {
  expect(bodies(id).map((body) => decodeSerf(body))).toEqual(messages);
  const parts = messages.map((message) => encodeMessage({ type: 'user', body: encodeSerf(message) }));
  expect(toHex(sealDatagram(parts, { crc }))).toBe(vector(id).hex);
});

test('the join intent within udp-crc-compress-compound decodes', () => {
  const opened = openDatagram(fromHex(vector('udp-crc-compress-compound').hex), {});
  const last = 'malformed' in opened ? undefined : opened.at(-1)?.message;
  expect(last?.type === 'user' && decodeSerf(last.body)).toEqual({ type: 'join', time: 1, node: 'n2' });
});

test('the coordinate of udp-ack-with-vivaldi decodes, and encodes byte for byte', () => {
  const opened = openDatagram(fromHex(vector('udp-ack-with-vivaldi').hex), {});
  const ack = 'malformed' in opened ? undefined : opened[0]?.message;
  const payload = ack?.type === 'ack' ? ack.payload : none;
  const coordinate = decodeCoordinatePayload(payload);
  expect(coordinate?.vector).toHaveLength(8);
  expect(coordinate?.error).toBeCloseTo(1.4325, 3);
  expect(coordinate?.height).toBeCloseTo(1e-5, 6);
  expect(coordinate === undefined ? '' : toHex(encodeCoordinatePayload(coordinate))).toBe(toHex(payload));
});
