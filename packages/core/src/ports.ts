/** Where a node listens, as `host:port` (`10.0.0.1:7946`, `[::1]:7946`). Never a node's identity: see `NodeId`. */
export type Address = string & { readonly brand: 'Address' };
/** One life of one node: a restart is a new `NodeId`. */
export type NodeId = string & { readonly brand: 'NodeId' };
/** Milliseconds, monotonic, from an arbitrary origin. Fractions are allowed. */
export type Millis = number;
/** Takes back what its giver set up. Idempotent. */
export type Cancel = () => void;
/** What a log line says besides its event. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Monotonic time and one-shot wake-ups. */
export interface Clock {
  now(): Millis;
  /** Wall-clock time in ms since 1970, for stamps that people and other hosts read. It may jump; never measure with it. */
  wallMs(): number;
  /** Calls back once, never before `at` and never during this call, even when `at` has passed. */
  wakeAt(at: Millis, callback: () => void): Cancel;
}

/** A stream of chance. Two forks with different labels are independent, and drawing from one never shifts the other. */
export interface Random {
  /** A whole number in 0 … 2³²−1. */
  nextU32(): number;
  fork(label: string): Random;
}

/** Datagrams: they may be lost, doubled and reordered, never altered. `send` does not throw for network trouble. */
export interface Transport {
  readonly self: Address;
  /** The largest payload, in bytes, that is sent in one datagram; a longer one is dropped and counted. */
  readonly maxPayloadBytes: number;
  readonly delivery: 'best-effort' | 'fifo';
  send(to: Address, payload: Uint8Array): void;
  /** The payload is the listener's to keep. One listener at a time; a second call replaces the first. */
  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel;
  /** Resolves within a second with the socket released. May be called twice. */
  close(): Promise<void>;
}

/** Datagrams in order and exactly once per life of the peer, until `onReset` says that the peer began a new life. */
export interface FifoTransport extends Transport {
  readonly delivery: 'fifo';
  onReset(listener: (peer: Address) => void): Cancel;
}

/** Why a byte stream ended: `ended` is the orderly end of both sides, all else is a failure. */
export type StreamEnd = 'ended' | 'refused' | 'reset' | 'timeout' | 'unreachable' | 'aborted';

/** What the owner of a byte stream wants to hear. After `onClose` nothing follows. */
export interface StreamHandlers {
  /** A dialled stream is connected. Not called for accepted streams, nor when dialling fails. */
  onOpen?(): void;
  /** The bytes are the listener's to keep. */
  onData?(bytes: Uint8Array): void;
  /** The peer will write no more; this side still may. */
  onEnd?(): void;
  /** Everything written so far has left the local buffer, after a `write` returned false. */
  onDrain?(): void;
  /** Called exactly once. */
  onClose?(reason: StreamEnd): void;
}

/** An ordered, reliable byte stream between two nodes; both directions are bounded by backpressure. */
export interface ByteStream {
  readonly peer: Address;
  /** Queues bytes, also before the stream is open. False: the buffer is full, wait for `onDrain`. Ignored once closed. */
  write(bytes: Uint8Array): boolean;
  /**
   * As `write`, for much content and without a copy: the bytes must not change before `onFree`, which comes once, when
   * the stream has no more use for them. Streams that copy anyway do without.
   */
  give?(bytes: Uint8Array, onFree: () => void): boolean;
  /** Stops `onData` until `resume`; the peer's writes then fill up and stop too. */
  pause(): void;
  resume(): void;
  /** No more writes; what is queued is still sent. */
  end(): void;
  /** Drops everything at once; the peer sees `reset`. */
  abort(): void;
}

/** Dials and accepts byte streams. */
export interface Streams {
  readonly self: Address;
  /** Never throws for network trouble: `onClose` tells. `timeoutMs` bounds connecting (default 10 s). */
  dial(to: Address, handlers: StreamHandlers, options?: { readonly timeoutMs?: number }): ByteStream;
  /** Each incoming stream gets its own handlers from `accept`; undefined refuses it. One listener at a time. */
  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): Cancel;
  /** Aborts what is open. Resolves within a second. May be called twice. */
  close(): Promise<void>;
}

/** Whole files in one folder, by flat name with `/`. Written bytes may vanish or tear until `sync` resolves. */
export interface Disk {
  /** Shorter than asked only at the end of the file. @throws GrpError DISK_NOT_FOUND, DISK_IO */
  read(file: string, offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** Creates the file when needed; a gap reads as zeros. @throws GrpError DISK_FULL, DISK_IO */
  write(file: string, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * `write` and `sync` of these bytes as one request, where the system has that: one turn less. After DISK_FULL all of the
   * bytes may be written again; after anything else, as after a failed `sync`. @throws GrpError DISK_FULL, DISK_IO
   */
  writeDurably?(file: string, offset: number, bytes: Uint8Array): Promise<void>;
  append(file: string, bytes: Uint8Array): Promise<void>;
  /** Reserves room, as zeros, so that later writes below `sizeBytes` cannot meet a full disk. */
  preallocate(file: string, sizeBytes: number): Promise<void>;
  truncate(file: string, sizeBytes: number): Promise<void>;
  /** Resolves when the file's bytes and size survive a power cut. After a rejection the bytes are lost: never retry. @throws GrpError DISK_NOT_FOUND, DISK_IO, also when the disk is full */
  sync(file: string): Promise<void>;
  /** Makes creations, renames and removals below `prefix` (a folder, '' for the root) survive a power cut. */
  syncDirectory(prefix: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  size(file: string): Promise<number>;
  /** Names that start with `prefix`, sorted by code unit. */
  list(prefix: string): Promise<readonly string[]>;
  freeBytes(): Promise<number>;
  /** Claims the folder for this process. @throws GrpError DISK_LOCKED when another holds it */
  lock(): Promise<() => Promise<void>>;
}

/** How much a log line matters, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured lines; `event` is a stable dotted name such as `swim.down`. Never throws. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

/** Authenticated encryption of one key and one nonce, synchronous (AES-GCM: 16, 24 or 32 byte keys, 12 byte nonces). */
export interface Aead {
  /** Ciphertext followed by the 16-byte tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Uint8Array;
  /** Undefined when the tag does not fit: wrong key or altered bytes. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Uint8Array | undefined;
}
