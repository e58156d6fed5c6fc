import { createCipheriv, createDecipheriv, createSecretKey, type CipherGCMTypes, type KeyObject } from 'node:crypto';
import { invariant, type Aead } from '@grp/core';

interface CachedKey {
  readonly bytes: Uint8Array;
  readonly object: KeyObject;
  readonly cipher: CipherGCMTypes;
}

const tagBytes = 16;
// Twice what a keyring holds. Two keyrings in one process that rotate still fit.
const keysMax = 32;
const cipherOfSize: Readonly<Record<number, CipherGCMTypes>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};

/**
 * AES-GCM by `node:crypto`, for keys of 16, 24 or 32 bytes and nonces of 12. Keys are turned into key objects once and
 * remembered, the 32 last used: with raw bytes Node 24 sets up the key again for every packet.
 */
export function nodeAead(): Aead {
  const cached: CachedKey[] = []; // the last used first

  function keyOf(bytes: Uint8Array): CachedKey {
    const index = cached.findIndex((one) => sameBytes(one.bytes, bytes));
    const found = cached[index];
    if (index === 0 && found !== undefined) return found;
    if (found !== undefined) cached.splice(index, 1);
    const key = found ?? makeKey(bytes);
    cached.unshift(key);
    if (cached.length > keysMax) cached.pop();
    return key;
  }

  return {
    seal(key, nonce, plaintext, additional) {
      const { cipher, object } = keyOf(key);
      const sealer = createCipheriv(cipher, object, nonce, { authTagLength: tagBytes });
      sealer.setAAD(additional);
      const body = sealer.update(plaintext);
      sealer.final(); // GCM holds nothing back
      const sealed = new Uint8Array(body.length + tagBytes);
      sealed.set(body);
      sealed.set(sealer.getAuthTag(), body.length);
      return sealed;
    },
    open(key, nonce, sealed, additional) {
      if (sealed.length < tagBytes) return undefined;
      const { cipher, object } = keyOf(key);
      const opener = createDecipheriv(cipher, object, nonce, { authTagLength: tagBytes });
      opener.setAAD(additional);
      opener.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const body = opener.update(sealed.subarray(0, sealed.length - tagBytes));
      try {
        opener.final();
      } catch {
        return undefined;
      }
      return new Uint8Array(body.buffer, body.byteOffset, body.length);
    },
  };
}

function makeKey(bytes: Uint8Array): CachedKey {
  const cipher = cipherOfSize[bytes.length];
  invariant(cipher !== undefined, 'an AES key has 16, 24 or 32 bytes');
  return { bytes: bytes.slice(), object: createSecretKey(bytes), cipher };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
