/** One Ed25519 key pair (RFC 8032). */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes; the same message always gives the same signature. */
  sign(message: Uint8Array): Uint8Array;
}

/** Ed25519 and SHA-256, synchronous. `nodeCrypto` of `@grp/tracker/node` is one. */
export interface TrackerCrypto {
  /** @param seed 32 secret bytes; the same seed gives the same pair. */
  signer(seed: Uint8Array): Signer;
  /** Never throws: a key or signature of the wrong size or shape is false. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** SHA-256: 32 bytes. */
  digest(bytes: Uint8Array): Uint8Array;
}
