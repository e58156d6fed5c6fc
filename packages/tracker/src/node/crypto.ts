import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { invariant } from '@grp/core';
import type { TrackerCrypto } from '../ports.ts';

// What comes before the 32 bytes of an Ed25519 key in PKCS #8 and in a public key's DER (RFC 8410).
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const keysMax = 1_024;

/** Ed25519 and SHA-256 of `node:crypto`. Public keys are remembered, the last thousand of them: reading one costs more than a check. */
export function nodeCrypto(): TrackerCrypto {
  const keys = new Map<string, KeyObject>();
  const keyOf = (bytes: Uint8Array): KeyObject => {
    const name = Buffer.from(bytes).toString('base64');
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = createPublicKey({ key: Buffer.concat([publicPrefix, bytes]), format: 'der', type: 'spki' });
    if (keys.size >= keysMax) keys.clear();
    keys.set(name, key);
    return key;
  };
  return {
    signer(seed) {
      invariant(seed.length === 32, 'the seed of a key has 32 bytes');
      const key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
      const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12));
      return { publicKey, sign: (message) => new Uint8Array(sign(undefined, message, key)) };
    },
    verify(publicKey, message, signature) {
      if (publicKey.length !== 32 || signature.length !== 64) return false;
      try {
        return verify(undefined, message, keyOf(publicKey), signature);
      } catch {
        return false; // 32 bytes that are no point of the curve
      }
    },
    digest: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  };
}
