/** The bytes of one put attempt: 32 lower-case hex digits, drawn afresh for every attempt and never used twice. */
export type BlobId = string;

/** A file server's stable name, such as `n1`. Its lives are told apart by their incarnations. */
export type ServerId = string;

/** What the metadata knows of one file server. */
export interface FileServer {
  readonly id: ServerId;
  /** The log index of the entry by which this life joined; a later life has a greater one. */
  readonly incarnation: number;
  /** `host:port` of its dfs TCP port. */
  readonly address: string;
  /** Replicas of one blob are spread over zones as far as there are zones. May be empty. */
  readonly zone: string;
  /** Room for blobs as last reported to the leader, in bytes; `Number.MAX_SAFE_INTEGER` when not reported. */
  readonly freeBytes: number;
  readonly up: boolean;
}

/** Proof that one life of a server holds a whole blob in stable storage. */
export interface Ack {
  readonly node: ServerId;
  readonly incarnation: number;
  /** The epoch of the order (put or copy) under which the server stored the blob. */
  readonly epoch: number;
}

/** One version of one file. */
export interface Manifest {
  readonly name: string;
  /** The log index of the entry that committed it: greater for every later version of any file. */
  readonly version: number;
  /** Undefined in a deletion marker. */
  readonly blob: BlobId | undefined;
  readonly bytes: number;
  /** Of all bytes, 64 lower-case hex digits; empty in a deletion marker. */
  readonly sha256: string;
  /** The servers whose current life holds the blob, as the log knows it. */
  readonly holders: readonly ServerId[];
  /** How many holders are wanted. */
  readonly replicas: number;
  /** Milliseconds since 1970 by the proposer's clock, for people to read; never used for order. */
  readonly at: number;
}

/** A file and its newest version, as `list` gives it. */
export interface FileSummary {
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
  readonly at: number;
  readonly holders: readonly ServerId[];
}

/** What a copy of the metadata knew of the servers at one log index. */
export interface ServerView {
  /** The log index up to which that copy had been applied: the epoch of every order that is made from this view. */
  readonly epoch: number;
  readonly servers: readonly FileServer[];
}

/** How far the store is from having every replica that is wanted. */
export interface RepairStatus {
  /** Nothing under-replicated, no copy under way, no deletion outstanding. */
  readonly idle: boolean;
  readonly files: number;
  readonly versions: number;
  readonly blobs: number;
  /** Blobs with fewer holders than wanted and possible. */
  readonly underReplicated: number;
  /** Blobs without any holder: unreadable until one returns. */
  readonly lost: number;
  readonly copying: number;
  readonly copiesDone: number;
  readonly copyBytesDone: number;
  readonly deletionsPending: number;
  readonly rotReported: number;
  readonly servers: readonly FileServer[];
}
