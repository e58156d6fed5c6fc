import { createCipheriv } from 'node:crypto';
import type { Address } from '@grp/core';
import { expect, test } from 'vitest';
import {
  datagramOverheadBytes,
  encodeMessage,
  encodeStream,
  openDatagram,
  sealDatagram,
  StreamReader,
  type Message,
} from '../src/index.ts';
import { parseWireAddress } from '../src/address.ts';
import { fromHex, keyringOf, nobleAead } from './vectors.ts';

const key = '11'.repeat(32);
const other = '22'.repeat(16);
const message: Message = { type: 'suspect', incarnation: 9, node: 'a', from: 'b' };
const part = encodeMessage(message);
const opened = [{ message, malformed: undefined, bytes: part.length }];
const label = new TextEncoder().encode('blue');

/** What a peer with node:crypto sends. */
function seal(version: number, keyHex: string, plaintext: Uint8Array, additional: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12).fill(5);
  const cipher = createCipheriv(`aes-${keyHex.length * 4}-gcm` as 'aes-256-gcm', fromHex(keyHex), nonce);
  cipher.setAAD(additional);
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

test.each(['11'.repeat(16), '22'.repeat(24), '33'.repeat(32)])(
  'node:crypto and the Aead of these tests agree on key %s',
  (keyHex) => {
    const nonce = new Uint8Array(12).fill(5);
    const sealed = Buffer.concat([Uint8Array.of(1), nonce, nobleAead.seal(fromHex(keyHex), nonce, part, label)]);
    expect(sealed).toEqual(seal(1, keyHex, part, label));
  },
);

test.each([0, 13, 15, 16])('version 0 opens, with %s bytes beyond a block', (extra) => {
  const body: Message = { type: 'user', body: new Uint8Array(15 + extra).fill(3) };
  const plain = encodeMessage(body);
  const padding = 16 - (plain.length % 16);
  const padded = Buffer.concat([plain, new Uint8Array(padding).fill(padding)]);
  const datagram = seal(0, key, padded, new Uint8Array(0));
  expect(openDatagram(datagram, { keyring: keyringOf(key) })).toMatchObject([{ message: body }]);
});

test.each([
  ['no padding', fromHex('0b81a55365714e6f00')],
  ['more padding than a block', new Uint8Array(32).fill(17)],
  ['unequal padding', fromHex('0b81a55365714e6f0100000000000303')],
  ['nothing', new Uint8Array(0)],
])('version 0 with %s is refused', (_, plain) => {
  expect(openDatagram(seal(0, key, plain, new Uint8Array(0)), { keyring: keyringOf(key) })).toEqual({
    malformed: 'decrypt',
  });
});

test('any key held opens, the primary seals', () => {
  const rotating = { keyring: keyringOf(key, other) };
  expect(openDatagram(sealDatagram([part], { keyring: keyringOf(other) }), rotating)).toEqual(opened);
  expect(openDatagram(sealDatagram([part], rotating), { keyring: keyringOf(key) })).toEqual(opened);
  expect(openDatagram(sealDatagram([part], rotating), { keyring: keyringOf(other) })).toEqual({ malformed: 'decrypt' });
});

test('sealed and plain, labelled and not, never mix', () => {
  const keyring = keyringOf(key);
  const ping = encodeMessage({ type: 'ping', sequence: 1, node: 'a', source: undefined });
  expect(openDatagram(part, { keyring })).toEqual({ malformed: 'plaintext' });
  expect(openDatagram(ping, { keyring })).toEqual({ malformed: 'plaintext' });
  expect(openDatagram(sealDatagram([part, part], { crc: true }), { keyring })).toEqual({ malformed: 'plaintext' });
  expect(openDatagram(sealDatagram([part], { keyring }), {})).toHaveProperty('malformed');
  expect(openDatagram(sealDatagram([part], { label: 'blue' }), {})).toEqual({ malformed: 'label' });
  expect(openDatagram(part, { label: 'blue' })).toEqual({ malformed: 'label' });
  expect(openDatagram(sealDatagram([part], { label: 'blues' }), { label: 'blue' })).toEqual({ malformed: 'label' });
  expect(openDatagram(sealDatagram([part], { label: 'bluf' }), { label: 'blue' })).toEqual({ malformed: 'label' });
  expect(openDatagram(fromHex('f4'), { label: 'blue' })).toEqual({ malformed: 'label' });
  expect(openDatagram(fromHex('f404626c7565'), { label: 'blue' })).toEqual({ malformed: 'empty' });
});

test('a datagram moved under another label does not open', () => {
  const keyring = keyringOf(key);
  const moved = sealDatagram([part], { keyring, label: 'blue' });
  moved[2] = 'g'.charCodeAt(0);
  expect(openDatagram(moved, { keyring, label: 'glue' })).toEqual({ malformed: 'decrypt' });
});

test('the overhead is what is added', () => {
  const keyring = keyringOf(key);
  for (const wrapping of [{}, { label: 'Grün' }, { keyring }, { keyring, label: 'blue' }]) {
    expect(sealDatagram([part], wrapping).length).toBe(part.length + datagramOverheadBytes(wrapping));
  }
  expect(datagramOverheadBytes({ keyring, label: 'blue' })).toBe(35);
});

test('streams never mix either', () => {
  const keyring = keyringOf(key);
  const ping = { type: 'ping', sequence: 1, node: 'a', source: undefined } as const;
  const read = (bytes: Uint8Array, wrapping: ConstructorParameters<typeof StreamReader>[0]): unknown =>
    new StreamReader(wrapping).push(bytes);
  expect(read(encodeStream(ping, { keyring }), {})).toEqual({ malformed: 'sealed' });
  expect(read(encodeStream(ping, {}), { keyring })).toEqual({ malformed: 'plaintext' });
  expect(read(encodeStream(ping, { keyring }), { keyring: keyringOf(other) })).toEqual({ malformed: 'decrypt' });
  expect(read(encodeStream(ping, { label: 'blue' }), {})).toEqual({ malformed: 'label' });
  expect(read(encodeStream(ping, {}), { label: 'blue' })).toEqual({ malformed: 'label' });
  expect(read(encodeStream(ping, { keyring, label: 'blue' }), { keyring, label: 'blue' })).toEqual(ping);
  expect(read(fromHex('0a0000000105'), { keyring })).toEqual({ malformed: 'decrypt' });
  expect(read(fromHex('07'), {})).toEqual({ malformed: 'unknown-type' });
});

test('a label has at most 255 bytes', () => {
  const long = { label: 'ü'.repeat(128) };
  const tooLong = expect.objectContaining({ code: 'WIRE_LABEL_SIZE' });
  expect(() => sealDatagram([part], long)).toThrow(tooLong);
  expect(() => new StreamReader(long)).toThrow(tooLong);
  expect(() => datagramOverheadBytes(long)).toThrow(tooLong);
});

test('a flipped bit under a checksum is found', () => {
  const bytes = sealDatagram([part], { crc: true });
  bytes[9] = (bytes[9] as number) ^ 1;
  expect(openDatagram(bytes, {})).toEqual({ malformed: 'crc' });
  expect(openDatagram(bytes.subarray(0, 5), {})).toEqual({ malformed: 'truncated' });
});

test.each([
  'localhost:1',
  '1.2.3:4',
  '1.2.3.4',
  '1.2.3.4:65536',
  '01.2.3.4:5',
  '1.2.3.256:5',
  '[::1]',
  '[1::2::3]:4',
  '[12345::]:1',
  '',
])('%j is no address for the wire', (address) => {
  expect(() => parseWireAddress(address as Address)).toThrow(expect.objectContaining({ code: 'WIRE_ADDRESS' }));
});

test.each([
  ['an IPv4-mapped IPv6 address is the IPv4 one', '00000000000000000000ffff0a000001', '10.0.0.1:7946'],
  ['an IPv6 address', '20010db8000000000000000000000001', '[2001:db8::1]:7946'],
  ['a size that is neither', '0a0000', 'address'],
  ['nothing', '', 'address'],
])('%s', (_, ip, expected) => {
  const size = (0xa0 | (ip.length / 2)).toString(16);
  const datagram = fromHex(`0484a441646472${size}${ip}a44e6f6465a161a4506f7274cd1f0aa356736ec0`);
  const result = openDatagram(datagram, {});
  const alive = 'malformed' in result ? undefined : result[0]?.message;
  expect(alive?.type === 'alive' ? alive.address : (result as { malformed?: string }).malformed).toBe(expected);
});

test.each([
  ['no port', '0483a441646472a40a000001a44e6f6465a161a356736ec0', 'address'],
  ['no name', '0484a441646472a40a000001a44e6f6465c0a4506f727401a356736ec0', 'empty'],
  ['five versions', '0484a441646472a40a000001a44e6f6465a161a4506f727401a356736ea50102030405', 'versions'],
])('an alive with %s is refused', (_, hex, reason) => {
  expect(openDatagram(fromHex(hex), {})).toEqual({ malformed: reason });
});
