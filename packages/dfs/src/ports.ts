import type { ServerId } from './model.ts';

/** What the metadata service asks of whoever keeps its log; raft fits. */
export interface ReplicatedLog {
  /**
   * Resolves with what `DfsMeta.apply` answered to this command, once it is committed and applied here.
   * @throws GrpError of kind `conflict` (another server leads), `no-quorum`, `unreachable` (the outcome is not known),
   * or `failure` with `retryAfterMs` in its context (overloaded)
   */
  propose(command: Uint8Array, options: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
  /**
   * Resolves when this server's copy holds everything that was committed before the call (ReadIndex).
   * @throws GrpError as `propose`
   */
  readBarrier(options: { readonly signal?: AbortSignal }): Promise<void>;
  /** The address of the dfs port of the server that leads, if that is known. */
  leader(): string | undefined;
  /** True while this server leads. */
  readonly leading: boolean;
  /** False while this server recovers: it then serves nobody. */
  readonly serving: boolean;
}

/** What the master asks of whoever detects failures; swim fits. Only a suggestion: the log entry decides. */
export interface Membership {
  /** File servers that are believed to run now. */
  up(): readonly ServerId[];
  /** Calls back after every change of `up()`; the answer unsubscribes. */
  onChange(listener: () => void): () => void;
}
