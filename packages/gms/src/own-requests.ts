import { countMax, headerBytes, lengthBytes, lengthBytesMax, overheadBytes, tags, writeHeader } from './frames.ts';
import { writeLength } from './frames.ts';
import type { RequestMessage, Stamp } from './messages.ts';

/** Own messages that travel together. */
export interface OwnBatch {
  readonly first: number;
  readonly count: number;
  /** Room for a header, then lengths and payloads. Never changes once it has been sent. */
  frame: Uint8Array;
  /** Sequence of its last message, once the leader has put it into the row. */
  sequence: number | undefined;
}

export interface OwnRequestsOptions {
  /** What travels in one datagram. */
  readonly frameBytes: number;
  /** Bytes that may wait to be put into the row. */
  readonly queueBytesMax: number;
  /** Bytes that may be on their way to the leader. */
  readonly windowBytes: number;
}

const slabBytes = 65_536;

/**
 * The messages of this member, in order, from `append` until all members hold them. They are written straight into frames,
 * without an object for each. A new leader gets again what was not delivered, and so does the group after an exclusion.
 */
export class OwnRequests {
  readonly #options: OwnRequestsOptions;
  readonly #capacity: number;
  #batches: OwnBatch[] = [];
  #nextNumber = 1;
  // The batch under construction: from `#start` to `#used` in the slab.
  #slab = new Uint8Array(0);
  #start = 0;
  #used = 0;
  #openCount = 0;
  /** Bytes of messages that are not in the row. */
  #waitingBytes = 0;
  #sentBytes = 0;
  #unsent = 0;
  /** So many of the first batches are in the row. */
  #orderedCount = 0;

  constructor(options: OwnRequestsOptions) {
    this.#options = options;
    this.#capacity = Math.max(64, options.frameBytes - overheadBytes);
  }

  /** The number that the next message will get. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** The number of the oldest message that is kept. */
  get firstKept(): number {
    return this.#batches[0]?.first ?? this.#nextNumber - this.#openCount;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= this.#options.queueBytesMax;
  }

  /** Everything has been put into the row. */
  get isDrained(): boolean {
    return this.#waitingBytes === 0 && this.#openCount === 0;
  }

  /** Takes a copy of a message; its number, or undefined when the queue is full. */
  append(payload: Uint8Array): number | undefined {
    if (this.isFull) return undefined;
    const needed = lengthBytes(payload.length) + payload.length;
    if (this.#openCount > 0 && (this.#used - this.#start - headerBytes + needed > this.#capacity || this.#isCrowded))
      this.#seal();
    if (this.#openCount === 0) this.#open(needed);
    const at = writeLength(this.#slab, this.#used, payload.length);
    this.#slab.set(payload, at);
    this.#used = at + payload.length;
    this.#waitingBytes += needed;
    this.#openCount++;
    return this.#nextNumber++;
  }

  get #isCrowded(): boolean {
    return this.#openCount === countMax;
  }

  /** The next batch to send, as far as the window allows. */
  take(): OwnBatch | undefined {
    if (this.#unsent === 0) this.#seal();
    if (this.#unsent === 0 || this.#sentBytes >= this.#options.windowBytes) return undefined;
    const batch = this.#batches[this.#batches.length - this.#unsent] as OwnBatch;
    this.#unsent--;
    this.#sentBytes += batch.frame.length;
    return batch;
  }

  /** A segment of ours came back in the row: they come in the order of their numbers. */
  ordered(first: number, sequence: number): void {
    const batch = this.#batches[this.#orderedCount];
    if (batch?.first !== first) return;
    this.#orderedCount++;
    batch.sequence = sequence;
    this.#waitingBytes -= batch.frame.length - headerBytes;
    this.#sentBytes -= batch.frame.length;
  }

  /** Frees what all members hold. */
  release(stable: number): void {
    let count = 0;
    while ((this.#batches[count]?.sequence ?? Infinity) <= stable) count++;
    if (count === 0) return;
    this.#batches.splice(0, count);
    this.#orderedCount -= count;
  }

  /** Everything before request `next` has been delivered; everything from it on has to be sent again. */
  rewind(next: number): void {
    this.#seal();
    this.#orderedCount = 0;
    this.#unsent = 0;
    this.#waitingBytes = 0;
    this.#sentBytes = 0;
    for (const batch of this.#batches) {
      if (batch.first < next) {
        this.#orderedCount++;
        continue;
      }
      this.#unsent++;
      this.#waitingBytes += batch.frame.length - headerBytes;
      batch.sequence = undefined;
    }
  }

  /** What is on its way to the leader may be lost: it is sent again. */
  resend(): void {
    this.#seal();
    this.#unsent = this.#batches.length - this.#orderedCount;
    this.#sentBytes = 0;
  }

  /** Forgets what was delivered before request `next`, because a received state contains it. */
  forget(next: number): void {
    this.#batches = this.#batches.filter(({ first }) => first >= next);
    this.rewind(next);
  }

  #open(needed: number): void {
    const room = headerBytes + Math.max(this.#capacity, needed) + lengthBytesMax;
    // One long piece of memory for many frames: a typed array of its own for each would cost more than the message.
    if (this.#used + room > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, room));
      this.#used = 0;
    }
    this.#start = this.#used;
    this.#used += headerBytes;
  }

  #seal(): void {
    const count = this.#openCount;
    if (count === 0) return;
    const frame = this.#slab.subarray(this.#start, this.#used);
    this.#batches.push({ first: this.#nextNumber - count, count, frame, sequence: undefined });
    this.#unsent++;
    this.#openCount = 0;
  }
}

/**
 * The message that carries a batch. A frame that was sent before is copied, because the links may still send those very
 * bytes again.
 */
export function requestMessage(batch: OwnBatch, stamp: Stamp, received: number): RequestMessage {
  const { first, count } = batch;
  if (batch.frame[0] !== 0) batch.frame = batch.frame.slice();
  const { frame } = batch;
  writeHeader(frame, { tag: tags.request, count, ...stamp, a: received, b: first });
  return { kind: 'request', ...stamp, received, first, count, frame };
}
