import { Keyring, systemRandom } from '@grp/core';
import { nodeAead } from '@grp/transport-udp';
import { describe, expect, test } from 'vitest';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const none = new Uint8Array(0);

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 1–4, 7–10 and 13–16 (96-bit nonces).
const plain64 =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const plain60 = plain64.slice(0, 120);
const key = 'feffe9928665731c6d6a8f9467308308';
const nonce = 'cafebabefacedbaddecaf888';
const additional = 'feedfacedeadbeeffeedfacedeadbeefabaddad2';
const zeroNonce = '00'.repeat(12);
const vectors: readonly (readonly string[])[] = [
  ['00'.repeat(16), zeroNonce, '', '', '58e2fccefa7e3061367f1d57a4e7455a'],
  ['00'.repeat(16), zeroNonce, '00'.repeat(16), '', '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf'],
  [
    key,
    nonce,
    plain64,
    '',
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4',
  ],
  [
    key,
    nonce,
    plain60,
    additional,
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
  ],
  ['00'.repeat(24), zeroNonce, '', '', 'cd33b28ac773f74ba00ed1f312572435'],
  ['00'.repeat(24), zeroNonce, '00'.repeat(16), '', '98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb'],
  ['00'.repeat(32), zeroNonce, '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
  ['00'.repeat(32), zeroNonce, '00'.repeat(16), '', 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'],
  [
    key + key,
    nonce,
    plain60,
    additional,
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
  ],
];

describe('AES-GCM', () => {
  test.each(vectors.map((vector, index) => [index + 1, ...vector]))('gives published vector %i', (_, ...rest) => {
    const [keyBytes, nonceBytes, plaintext, aad, sealed] = rest.map((text) => hex(text)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const aead = nodeAead();
    expect(aead.seal(keyBytes, nonceBytes, plaintext, aad)).toEqual(sealed);
    expect(aead.open(keyBytes, nonceBytes, sealed, aad)).toEqual(plaintext);
  });

  test('opens nothing that was altered in any byte, cut, or sealed with another key, nonce or additional data', () => {
    const aead = nodeAead();
    const [keyBytes, nonceBytes] = [hex(key + key), hex(nonce)];
    const sealed = aead.seal(keyBytes, nonceBytes, hex(plain60), hex(additional));
    for (let index = 0; index < sealed.length; index++) {
      const altered = sealed.slice();
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(aead.open(keyBytes, nonceBytes, altered, hex(additional))).toBeUndefined();
      expect(aead.open(keyBytes, nonceBytes, sealed.subarray(0, index), hex(additional))).toBeUndefined();
    }
    expect(aead.open(hex(key), nonceBytes, sealed, hex(additional))).toBeUndefined();
    expect(aead.open(keyBytes, hex(zeroNonce), sealed, hex(additional))).toBeUndefined();
    expect(aead.open(keyBytes, nonceBytes, sealed, none)).toBeUndefined();
  });

  test('knows a key by its bytes, however many there are and whatever becomes of the array', () => {
    const aead = nodeAead();
    const shared = new Uint8Array(32);
    const sealedBy = Array.from({ length: 100 }, (_, index) => {
      shared.fill(index); // the same array, another key
      return aead.seal(shared, hex(nonce), hex('00ff'), none);
    });
    expect(new Set(sealedBy.map((sealed) => Buffer.from(sealed).toString('hex'))).size).toBe(100);
    for (const [index, sealed] of sealedBy.entries()) {
      expect(aead.open(new Uint8Array(32).fill(index), hex(nonce), sealed, none)).toEqual(hex('00ff'));
    }
  });

  test('refuses a key of another size as the bug it is', () => {
    expect(() => nodeAead().seal(new Uint8Array(31), hex(nonce), none, none)).toThrow(/16, 24 or 32/);
  });

  test('serves a keyring through a rotation', () => {
    const [old, next] = [hex('11'.repeat(32)), hex('22'.repeat(16))];
    const ring = (keys: Uint8Array[]): Keyring => new Keyring({ aead: nodeAead(), random: systemRandom(), keys });
    const [a, b] = [ring([old]), ring([old])];
    a.install(next);
    b.install(next);
    a.use(next);
    const sealed = a.seal(hex(plain60), hex(additional));
    expect(b.open(sealed, hex(additional))).toEqual(hex(plain60));
    expect(a.open(b.seal(hex(plain60), none), none)).toEqual(hex(plain60));
    a.remove(old);
    expect(a.open(b.seal(hex(plain60), none), none)).toBeUndefined();
  });
});
