// Two nodes of a sealed cluster: one puts a ping and a piece of news into a datagram, the other reads it.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Keyring, systemRandom, type Address, type Aead } from '@grp/core';
import { encodeMessage, isMalformed, openDatagram, sealDatagram } from '@grp/memberlist-wire';

const aead: Aead = {
  seal(key, nonce, plaintext, additional) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  },
  open(key, nonce, sealed, additional) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(additional).setAuthTag(sealed.subarray(-16));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    } catch {
      return undefined; // another key, or altered on the way
    }
  },
};
const keyring = new Keyring({ aead, random: systemRandom(), keys: [new Uint8Array(32).fill(7)] });
const wrapping = { keyring, label: 'blue' };

const ping = encodeMessage({
  type: 'ping',
  sequence: 1,
  node: 'ben',
  source: { address: '10.0.0.1:7946' as Address, name: 'ann' },
});
const news = encodeMessage({ type: 'suspect', incarnation: 3, node: 'cleo', from: 'ann' });
const datagram = sealDatagram([ping, news], { ...wrapping, crc: true });

const opened = openDatagram(datagram, wrapping);
if (isMalformed(opened)) throw new Error(`refused: ${opened.malformed}`);
for (const { message, malformed } of opened) console.log(message?.type ?? `refused: ${malformed}`);

const stranger = openDatagram(datagram, { label: 'green' });
console.log(isMalformed(stranger) ? `a stranger: ${stranger.malformed}` : 'a stranger reads it');
