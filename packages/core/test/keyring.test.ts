import { Keyring, type Aead, type Random } from '@grp/core';
import { describe, expect, test } from 'vitest';

/** Exclusive-or with key and nonce, and a checksum over everything: not secret, but it tells keys and bytes apart. */
const toyAead: Aead = {
  seal(key, nonce, plaintext, additional) {
    const body = mix(key, nonce, plaintext);
    return Uint8Array.from([...body, ...tag(key, nonce, plaintext, additional)]);
  },
  open(key, nonce, sealed, additional) {
    const plaintext = mix(key, nonce, sealed.subarray(0, sealed.length - 16));
    const expected = tag(key, nonce, plaintext, additional);
    return expected.every((byte, index) => byte === sealed[sealed.length - 16 + index]) ? plaintext : undefined;
  },
};

function mix(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte ^ (key[index % key.length] ?? 0) ^ (nonce[index % nonce.length] ?? 0));
}

function tag(...parts: readonly Uint8Array[]): Uint8Array {
  const sum = new Uint8Array(16);
  let state = 7;
  for (const part of parts) {
    for (const byte of [part.length & 255, ...part]) {
      state = (Math.imul(state, 31) + byte + 1) >>> 0;
      sum[state & 15] = (sum[state & 15] ?? 0) ^ (state >>> 8);
    }
  }
  return sum;
}

function counting(): Random {
  let next = 0;
  const random: Random = { nextU32: () => next++, fork: () => random };
  return random;
}

const key = (fill: number, size = 32): Uint8Array => new Uint8Array(size).fill(fill);
const ring = (...keys: Uint8Array[]): Keyring => new Keyring({ aead: toyAead, random: counting(), keys });
const text = new TextEncoder().encode('a datagram');
const label = new TextEncoder().encode('label');
const none = new Uint8Array(0);

describe('a keyring', () => {
  test('opens what it sealed, with the additional data and no other', () => {
    const keys = ring(key(1));
    const sealed = keys.seal(text, label);
    expect(sealed).toHaveLength(12 + text.length + 16);
    expect(keys.open(sealed, label)).toEqual(text);
    expect(keys.open(sealed, none)).toBeUndefined();
    expect(keys.open(keys.seal(none, none), none)).toEqual(none);
  });

  test('takes a new nonce every time', () => {
    const keys = ring(key(1));
    const nonces = Array.from({ length: 100 }, () => keys.seal(text, none).subarray(0, 12).join(','));
    expect(new Set(nonces).size).toBe(100);
  });

  test('opens nothing that is altered, too short, or of a key it does not hold', () => {
    const keys = ring(key(1));
    const sealed = keys.seal(text, none);
    const altered = sealed.slice();
    altered[15] = (altered[15] ?? 0) ^ 1;
    expect(keys.open(altered, none)).toBeUndefined();
    for (let length = 0; length < 28; length++) expect(keys.open(sealed.subarray(0, length), none)).toBeUndefined();
    expect(ring(key(2)).open(sealed, none)).toBeUndefined();
  });

  test('is rotated without a moment in which two members do not understand each other', () => {
    const [a, b] = [ring(key(1)), ring(key(1))];
    const talk = (): boolean =>
      a.open(b.seal(text, none), none) !== undefined && b.open(a.seal(text, none), none) !== undefined;
    for (const change of [
      () => a.install(key(2)),
      () => b.install(key(2)),
      () => a.use(key(2)),
      () => b.use(key(2)),
      () => a.remove(key(1)),
      () => b.remove(key(1)),
    ]) {
      change();
      expect(talk()).toBe(true);
    }
    expect(a.keys()).toEqual([key(2)]);
    expect(a.open(ring(key(1)).seal(text, none), none)).toBeUndefined();
  });

  test('lists the primary key first, and its copies are its own', () => {
    const given = key(1);
    const keys = ring(given, key(2), key(3));
    keys.use(key(3));
    given.fill(9);
    (keys.keys()[0] as Uint8Array).fill(9);
    expect(keys.keys()).toEqual([key(3), key(1), key(2)]);
    keys.install(key(1)); // held already
    expect(keys.keys()).toHaveLength(3);
  });

  test('takes keys of 16, 24 and 32 bytes, and no other', () => {
    expect(ring(key(1, 16), key(1, 24), key(1, 32)).keys()).toHaveLength(3);
    for (const size of [0, 15, 17, 31, 33, 64]) {
      expect(() => ring(key(1, size))).toThrow(expect.objectContaining({ code: 'KEY_SIZE', kind: 'usage' }));
      expect(() => ring(key(1)).install(key(1, size))).toThrow(`not ${size}`);
    }
    expect(() => ring()).toThrow(expect.objectContaining({ code: 'KEY_SIZE' }));
  });

  test('says what it cannot do', () => {
    const keys = ring(key(1), key(2));
    expect(() => keys.use(key(9))).toThrow(expect.objectContaining({ code: 'KEY_UNKNOWN', kind: 'not-found' }));
    expect(() => keys.remove(key(9))).toThrow(expect.objectContaining({ code: 'KEY_UNKNOWN' }));
    expect(() => keys.remove(key(1))).toThrow(expect.objectContaining({ code: 'KEY_IN_USE', kind: 'conflict' }));
    for (let fill = 3; fill <= 16; fill++) keys.install(key(fill));
    expect(() => keys.install(key(17))).toThrow(expect.objectContaining({ code: 'KEY_LIMIT', kind: 'conflict' }));
    keys.remove(key(2));
    keys.install(key(17));
    expect(keys.keys()).toHaveLength(16);
  });
});
