import { defineErrors } from './errors.ts';
import type { Aead, Random } from './ports.ts';

const keyError = defineErrors({
  KEY_SIZE: {
    kind: 'usage',
    message: 'A key has 16, 24 or 32 bytes, not $size.',
    hint: 'Make one with: head -c 32 /dev/urandom | base64',
  },
  KEY_UNKNOWN: { kind: 'not-found', message: 'This key is not in the keyring.', hint: 'Install it first.' },
  KEY_IN_USE: { kind: 'conflict', message: 'The primary key cannot be removed.', hint: 'Use another key first.' },
  KEY_LIMIT: {
    kind: 'conflict',
    message: 'The keyring holds $max keys and takes no more.',
    hint: 'Remove a key that no member uses.',
  },
});

const nonceBytes = 12;
const keysMax = 16;

/** What a keyring seals with. */
export interface KeyringOptions {
  readonly aead: Aead;
  /** Nonces. On a real host a cryptographic source (`systemRandom`): two equal nonces under one key break the seal. */
  readonly random: Random;
  /** The first is the primary. */
  readonly keys: readonly Uint8Array[];
}

/**
 * Seals with the primary key and opens with any, so that keys rotate without downtime: install the new key everywhere,
 * use it everywhere, remove the old one everywhere.
 * @throws GrpError KEY_SIZE, KEY_LIMIT, from the constructor too
 */
export class Keyring {
  readonly #aead: Aead;
  readonly #random: Random;
  #keys: readonly Uint8Array[] = []; // the primary first, never empty

  constructor({ aead, random, keys }: KeyringOptions) {
    this.#aead = aead;
    this.#random = random;
    for (const key of keys) this.install(key);
    if (keys.length === 0) throw keyError('KEY_SIZE', { context: { size: 0 } });
  }

  /** 12-byte nonce, ciphertext, 16-byte tag. */
  seal(plaintext: Uint8Array, additional: Uint8Array): Uint8Array {
    const nonce = new Uint8Array(nonceBytes);
    const view = new DataView(nonce.buffer);
    for (let offset = 0; offset < nonceBytes; offset += 4) view.setUint32(offset, this.#random.nextU32());
    const sealed = this.#aead.seal(this.#keys[0] as Uint8Array, nonce, plaintext, additional);
    const whole = new Uint8Array(nonceBytes + sealed.length);
    whole.set(nonce);
    whole.set(sealed, nonceBytes);
    return whole;
  }

  /** What `seal` made, under any key held; undefined for anything else. */
  open(sealed: Uint8Array, additional: Uint8Array): Uint8Array | undefined {
    if (sealed.length < nonceBytes + 16) return undefined;
    const nonce = sealed.subarray(0, nonceBytes);
    for (const key of this.#keys) {
      const plaintext = this.#aead.open(key, nonce, sealed.subarray(nonceBytes), additional);
      if (plaintext !== undefined) return plaintext;
    }
    return undefined;
  }

  /** Copies of the keys, the primary first. */
  keys(): readonly Uint8Array[] {
    return this.#keys.map((key) => key.slice());
  }

  /** From now on this key opens too. Installing a held key changes nothing. */
  install(key: Uint8Array): void {
    if (![16, 24, 32].includes(key.length)) throw keyError('KEY_SIZE', { context: { size: key.length } });
    if (this.#find(key) !== undefined) return;
    if (this.#keys.length >= keysMax) throw keyError('KEY_LIMIT', { context: { max: keysMax } });
    this.#keys = [...this.#keys, key.slice()];
  }

  /** From now on this key seals. @throws GrpError KEY_UNKNOWN */
  use(key: Uint8Array): void {
    const held = this.#find(key);
    if (held === undefined) throw keyError('KEY_UNKNOWN');
    this.#keys = [held, ...this.#keys.filter((other) => other !== held)];
  }

  /** From now on this key opens nothing. @throws GrpError KEY_UNKNOWN, KEY_IN_USE */
  remove(key: Uint8Array): void {
    const held = this.#find(key);
    if (held === undefined) throw keyError('KEY_UNKNOWN');
    if (held === this.#keys[0]) throw keyError('KEY_IN_USE');
    this.#keys = this.#keys.filter((other) => other !== held);
  }

  #find(key: Uint8Array): Uint8Array | undefined {
    return this.#keys.find((held) => held.length === key.length && held.every((byte, index) => byte === key[index]));
  }
}
