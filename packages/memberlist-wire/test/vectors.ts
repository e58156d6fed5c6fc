import { readFileSync } from 'node:fs';
import { gcm } from '@noble/ciphers/aes.js';
import { Keyring, type Aead, type Random } from '@grp/core';

export interface Vector {
  readonly id: string;
  readonly transport: 'tcp' | 'udp';
  readonly capturedFrom?: string;
  readonly key?: string;
  readonly label?: string;
  readonly labelWrite?: string;
  readonly additional?: string;
  readonly hex: string;
  readonly plaintext?: string;
  readonly layers: readonly string[];
}

/** Packets captured from real agents. */
export const vectors = JSON.parse(
  readFileSync(new URL('vectors/memberlist.json', import.meta.url), 'utf8'),
) as readonly Vector[];

export function vector(id: string): Vector {
  const found = vectors.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const nobleAead: Aead = {
  seal: (key, nonce, plaintext, additional) => gcm(key, nonce, additional).encrypt(plaintext),
  open(key, nonce, sealed, additional) {
    try {
      return gcm(key, nonce, additional).decrypt(sealed);
    } catch {
      return undefined;
    }
  },
};

/** Xorshift32: nonces that differ within a test, and are the same in every run. */
export function testRandom(seed = 1): Random {
  let state = seed;
  const random: Random = {
    nextU32() {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    },
    fork: () => testRandom(random.nextU32() | 1),
  };
  return random;
}

export function keyringOf(...hexKeys: readonly string[]): Keyring {
  return new Keyring({ aead: nobleAead, random: testRandom(), keys: hexKeys.map((key) => fromHex(key)) });
}
