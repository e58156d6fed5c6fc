import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import { encodeMessage, openDatagram, sealDatagram, type Message, type Part } from '../src/index.ts';
import { fromHex, keyringOf, toHex, vector } from './vectors.ts';

const meta = fromHex('ff80');
const versions = fromHex('010502020505');
const at = (port: number): Address => `127.0.0.1:${port}` as Address;

function alive(node: string, port: number): Message {
  return { type: 'alive', incarnation: 1, node, address: at(port), meta, versions };
}

const plain: readonly (readonly [
  id: string,
  messages: readonly Message[],
  options: { crc?: boolean; compress?: boolean },
])[] = [
  ['udp-crc-compound-alive', [alive('n2', 18_002), alive('n1', 18_001)], { crc: true }],
  [
    'udp-crc-compress-compound',
    [alive('n1', 18_001), alive('n2', 18_002), { type: 'user', body: fromHex('0182a54c54696d6501a44e6f6465a26e32') }],
    { crc: true, compress: true },
  ],
  ['udp-ping', [{ type: 'ping', sequence: 1, node: 'n1', source: { address: at(18_002), name: 'n2' } }], {}],
  [
    'udp-indirect-ping',
    [
      {
        type: 'indirect-ping',
        sequence: 12,
        target: at(18_003),
        node: 'n3',
        nack: true,
        source: { address: at(18_001), name: 'n1' },
      },
    ],
    {},
  ],
  ['udp-nack', [{ type: 'nack', sequence: 12 }], {}],
  [
    'udp-buddy-ping+suspect',
    [
      { type: 'ping', sequence: 14, node: 'n1', source: { address: at(18_002), name: 'n2' } },
      { type: 'suspect', incarnation: 1, node: 'n3', from: 'n1' },
    ],
    {},
  ],
  ['udp-crc-dead', [{ type: 'dead', incarnation: 1, node: 'n3', from: 'n1' }], { crc: true }],
];

function messagesOf(opened: ReturnType<typeof openDatagram>): readonly (Message | undefined)[] {
  if ('malformed' in opened) throw new Error(opened.malformed);
  return opened.map((part: Part) => part.message);
}

test.each(plain)('%s decodes, and encodes byte for byte', (id, messages, options) => {
  const bytes = fromHex(vector(id).hex);
  expect(messagesOf(openDatagram(bytes, {}))).toEqual(messages);
  expect(
    toHex(
      sealDatagram(
        messages.map((message) => encodeMessage(message)),
        options,
      ),
    ),
  ).toBe(vector(id).hex);
});

test('udp-ack-with-vivaldi decodes, and encodes byte for byte', () => {
  const { hex } = vector('udp-ack-with-vivaldi');
  const [ack] = messagesOf(openDatagram(fromHex(hex), {}));
  expect(ack).toMatchObject({ type: 'ack', sequence: 1 });
  expect(ack?.type === 'ack' && ack.payload.length).toBe(130);
  expect(toHex(encodeMessage(ack as Message))).toBe(hex);
});

test('enc-udp-ping opens with its key', () => {
  const { hex, key = '' } = vector('enc-udp-ping');
  expect(messagesOf(openDatagram(fromHex(hex), { keyring: keyringOf(key) }))).toEqual([
    { type: 'ping', sequence: 1, node: 'e1', source: { address: at(26_002), name: 'e2' } },
  ]);
});

test('label+enc-udp opens with its key and label, and encodes to the same plaintext', () => {
  const { hex, key = '', label = '', plaintext } = vector('label+enc-udp');
  const messages = messagesOf(openDatagram(fromHex(hex), { keyring: keyringOf(key), label }));
  const none = new Uint8Array(0);
  expect(messages).toEqual([
    { ...alive('g2', 26_002), meta: none, versions: fromHex('010502000000') },
    { ...alive('g1', 26_001), meta: none, versions: fromHex('010502000000') },
  ]);
  const parts = messages.map((message) => encodeMessage(message as Message));
  expect(toHex(sealDatagram(parts, { compress: true, crc: true }))).toBe(plaintext);
});
