import type { Cancel, Clock, Millis } from '@grp/core';

export interface OutboxOptions {
  readonly clock: Clock;
  /** How long these bytes take, in ms. */
  readonly delayMs: (bytes: number) => number;
  /** Where bytes go when their time has come. False: full, until `drained` is called. `onFree`: see `ByteStream.give`. */
  readonly write: (bytes: Uint8Array, onFree?: () => void) => boolean;
  readonly end: () => void;
  /** Everything has gone, after a `write` here that returned false. */
  readonly onDrain: () => void;
}

/** Undefined bytes stand for the end of the stream. */
interface Departure {
  readonly at: Millis;
  readonly bytes: Uint8Array | undefined;
}

// As much as a socket holds before `write` says to wait.
const queuedBytesHigh = 65_536;

/** What a stream has written and the injected delay, or a partition, still holds back; in order. */
export class Outbox {
  readonly #options: OutboxOptions;
  #queue: Departure[] = [];
  #queuedBytes = 0;
  #lastAt: Millis = -Infinity; // nothing overtakes on a stream
  #isOpen = false;
  #isFull = false; // the stream below wants no more for now
  #owesDrain = false;
  #cancelTimer: Cancel = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Copies what it keeps. False: wait for `onDrain`. */
  write(bytes: Uint8Array, onFree?: () => void): boolean {
    const { clock, delayMs } = this.#options;
    const now = clock.now();
    const at = Math.max(this.#lastAt, now + delayMs(bytes.length));
    if (this.#queue.length === 0 && this.#isOpen && !this.#isFull && at <= now) return this.#forward(bytes, onFree);
    this.#push({ at, bytes: new Uint8Array(bytes) }); // `slice` of a Buffer would not copy
    onFree?.();
    if (this.#queuedBytes >= queuedBytesHigh) this.#owesDrain = true;
    return !this.#owesDrain;
  }

  /** After everything written so far. */
  end(): void {
    const { clock, delayMs } = this.#options;
    this.#push({ at: Math.max(this.#lastAt, clock.now() + delayMs(0)), bytes: undefined });
    // At once when nothing is in the way, or else in its turn.
    this.#pump();
  }

  /** Opens or shuts the way out. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#pump();
  }

  /** The stream below takes more again. */
  drained(): void {
    this.#isFull = false;
    this.#pump();
  }

  /** Forgets everything. */
  clear(): void {
    this.#cancelTimer();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#isOpen = false;
    this.#owesDrain = false;
  }

  #push(departure: Departure): void {
    this.#queue.push(departure);
    this.#lastAt = departure.at;
    this.#queuedBytes += departure.bytes?.length ?? 0;
    if (this.#queue.length === 1) this.#arm();
  }

  #pump(): void {
    const { clock, end, onDrain } = this.#options;
    const now = clock.now();
    while (this.#isOpen && !this.#isFull) {
      const head = this.#queue[0];
      if (head === undefined || head.at > now) break;
      this.#queue.shift();
      this.#queuedBytes -= head.bytes?.length ?? 0;
      if (head.bytes === undefined) end();
      else this.#forward(head.bytes);
    }
    this.#arm();
    if (!this.#owesDrain || this.#isFull || this.#queuedBytes > 0) return;
    this.#owesDrain = false;
    onDrain();
  }

  #forward(bytes: Uint8Array, onFree?: () => void): boolean {
    if (this.#options.write(bytes, onFree)) return true;
    this.#isFull = true;
    this.#owesDrain = true;
    return false;
  }

  #arm(): void {
    this.#cancelTimer();
    const head = this.#queue[0];
    if (head === undefined || !this.#isOpen || this.#isFull) return;
    this.#cancelTimer = this.#options.clock.wakeAt(head.at, () => this.#pump());
  }
}
