/** What a server asks of whoever keeps its log; raft fits. */
export interface ReplicatedLog {
  /**
   * Resolves with what `apply` answered to this command, once it is committed and applied here.
   * @throws GrpError of kind `conflict` (another server leads), `no-quorum`, `unreachable` (the outcome is not known),
   * or `failure` with `retryAfterMs` in its context (overloaded)
   */
  propose(command: Uint8Array, options: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
  /**
   * Resolves when this server's copy holds everything that was committed before the call (ReadIndex).
   * @throws GrpError as `propose`
   */
  readBarrier(options: { readonly signal?: AbortSignal }): Promise<void>;
  /** The address for clients of the server that leads, if that is known. */
  leader(): string | undefined;
  /** False while this server recovers: it then serves nobody. */
  readonly serving: boolean;
}

/** Turns passwords into hashes that may be stored. Bounded: see `CHAT_BUSY`. */
export interface PasswordHasher {
  /** A new hash with its own salt, in PHC string format. @throws GrpError CHAT_BUSY */
  hash(password: string): Promise<string>;
  /** Takes as long for `undefined`, the hash of a user that does not exist. @throws GrpError CHAT_BUSY */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}
