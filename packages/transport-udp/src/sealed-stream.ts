import { freeMemory, type Address, type ByteStream, type StreamEnd, type StreamHandlers } from '@grp/core';
import { helloBytes, type StreamKeys } from './sealed-hello.ts';
import { OpeningRecords, SealingRecords } from './sealed-records.ts';

export interface SealedStreamOptions {
  readonly peer: Address;
  /** The dialer speaks first; undefined: this side answers. */
  readonly hello: Uint8Array | undefined;
  /** The keys, once the peer has said hello, and what is said in turn; undefined: it has no key of ours. */
  readonly answer: (hello: Uint8Array) => { readonly keys: StreamKeys; readonly hello?: Uint8Array } | undefined;
  readonly onRefused: ((peer: Address, why: 'no-key' | 'altered') => void) | undefined;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly onFree: () => void;
}

/** What may wait for the peer's hello; more is no greeting, and cut off. */
const waitingBytesMax = 16_777_216;
const nothing = (): void => {};

/** One stream whose bytes go out sealed and come in opened. */
export class SealedStream implements ByteStream {
  readonly peer: Address;
  readonly innerHandlers: StreamHandlers;
  readonly #options: SealedStreamOptions;
  #inner: ByteStream | undefined;
  #handlers: StreamHandlers = {};
  #sealing: SealingRecords | undefined;
  #opening: OpeningRecords | undefined;
  #hello: Uint8Array[] = [];
  #helloBytes = 0;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Opened while the owner had paused. */
  #held: Uint8Array[] = [];
  #isPaused = false;
  #isEnding = false;
  #hasEnded = false;
  #reason: StreamEnd | undefined;

  constructor(options: SealedStreamOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.innerHandlers = {
      onData: (bytes) => this.#take(bytes),
      onEnd: () => this.#ended(),
      onDrain: () => this.#reason ?? this.#handlers.onDrain?.(),
      onClose: (end) => this.#closed(end),
    };
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  begin(inner: ByteStream): void {
    this.#inner = inner;
    const { hello } = this.#options;
    if (hello !== undefined) inner.write(hello);
  }

  write(bytes: Uint8Array): boolean {
    return this.#send(new Uint8Array(bytes), nothing); // `slice` of a Buffer would not copy
  }

  give(bytes: Uint8Array, onFree: () => void): boolean {
    return this.#send(bytes, onFree);
  }

  pause(): void {
    this.#isPaused = true;
    this.#inner?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#hand();
    if (!this.#isPaused) this.#inner?.resume();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#sealing !== undefined) this.#inner?.end();
  }

  abort(): void {
    this.#fail('aborted');
  }

  #send(bytes: Uint8Array, onFree: () => void): boolean {
    const inner = this.#inner;
    if (this.#reason !== undefined || this.#isEnding || inner === undefined) {
      queueMicrotask(onFree);
      return false;
    }
    if (this.#sealing !== undefined) return this.#sealing.send(inner, bytes, onFree);
    this.#waiting.push({ bytes, onFree });
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > waitingBytesMax) this.#fail('aborted');
    return true;
  }

  #take(chunk: Uint8Array): void {
    if (this.#reason !== undefined) return;
    const rest = this.#opening === undefined ? this.#greet(chunk) : chunk;
    if (rest === undefined || rest.length === 0) return;
    const opened = this.#opening?.open(rest);
    if (opened === undefined) return this.#refuse('altered');
    freeMemory(chunk); // what was opened lies elsewhere
    this.#held.push(...opened);
    this.#hand();
  }

  /** Gathers the peer's hello; what follows it is the answer. */
  #greet(chunk: Uint8Array): Uint8Array | undefined {
    const wanted = helloBytes - this.#helloBytes;
    this.#hello.push(chunk.slice(0, wanted));
    this.#helloBytes += Math.min(wanted, chunk.length);
    if (this.#helloBytes < helloBytes) return undefined;
    const answer = this.#options.answer(Buffer.concat(this.#hello));
    this.#hello = [];
    if (answer === undefined) {
      this.#refuse('no-key');
      return undefined;
    }
    const { keys, hello } = answer;
    if (hello !== undefined) this.#inner?.write(hello);
    this.#opening = new OpeningRecords(keys.opens);
    this.#begun(new SealingRecords(keys.seals));
    return chunk.subarray(wanted);
  }

  #begun(sealing: SealingRecords): void {
    this.#sealing = sealing;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { bytes, onFree } of waiting) if (this.#inner !== undefined) sealing.send(this.#inner, bytes, onFree);
    if (this.#isEnding) this.#inner?.end();
    if (this.#options.hello !== undefined) this.#handlers.onOpen?.();
  }

  /** Gives what was opened to the owner, until it pauses. */
  #hand(): void {
    while (!this.#isPaused && this.#reason === undefined) {
      const next = this.#held.shift();
      if (next === undefined) break;
      this.#handlers.onData?.(next);
    }
    if (this.#held.length > 0 || !this.#hasEnded || this.#reason !== undefined) return;
    this.#hasEnded = false;
    this.#handlers.onEnd?.();
  }

  /** An end in the middle of a record, or before there is any, is none that the peer made. */
  #ended(): void {
    if (this.#reason !== undefined) return;
    if (this.#opening?.isBetweenRecords !== true) return this.#fail('reset');
    this.#hasEnded = true;
    this.#hand();
  }

  #refuse(why: 'no-key' | 'altered'): void {
    this.#options.onRefused?.(this.peer, why);
    this.#fail('reset');
  }

  #fail(reason: StreamEnd): void {
    this.#reason ??= reason;
    this.#inner?.abort();
  }

  #closed(end: StreamEnd): void {
    this.#reason ??= end;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#held = [];
    for (const { onFree } of waiting) onFree();
    this.#handlers.onClose?.(this.#reason);
    this.#handlers = {};
  }
}
