import type { Cancel, Clock } from '@grp/core';
import { decodeMessage } from '@grp/ordering';
import type { MessengerConfig } from './config.ts';
import { TokenBucket } from './token-bucket.ts';

export interface IntakeOptions {
  readonly config: MessengerConfig;
  readonly clock: Clock;
  /** Takes what has had its turn. */
  readonly take: (bytes: Uint8Array) => void;
}

// What a flood consists of: new messages. All else answers somebody else's message, or, as an agreed number does, ends the
// waiting of all that may have to be delivered after this one; it would hold others up.
const ownKinds: ReadonlySet<string> = new Set(['data']);

/**
 * What one member sends, at the pace that the receiver allows. The rest waits here, in order; as long as it does, the
 * sender is not told that it arrived, so that an honest one slows down. What does not fit is dropped: the sender sends it
 * again. So a flood costs its sender, and nobody else.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #bucket: TokenBucket;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #droppedCount = 0;
  #delayedCount = 0;
  #cancel: Cancel | undefined;

  constructor(options: IntakeOptions) {
    const { receiveBytesPerSecond: perSecond, receiveBytesBurst: burst } = options.config;
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond, burst });
  }

  /** Bytes that wait, and frames that had to wait or were dropped since the start. */
  get counts(): { readonly heldBytes: number; readonly delayed: number; readonly dropped: number } {
    return { heldBytes: this.#heldBytes, delayed: this.#delayedCount, dropped: this.#droppedCount };
  }

  push(bytes: Uint8Array): void {
    const { clock, take, config } = this.#options;
    const isWaiting = this.#held.length > 0;
    if (!isWaiting && this.#bucket.take(clock.now(), bytes.length)) {
      take(bytes);
      return;
    }
    if (!ownKinds.has(decodeMessage(bytes).type)) {
      take(bytes);
      return;
    }
    if (this.#heldBytes + bytes.length > config.heldBytesMax) {
      this.#droppedCount++;
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#delayedCount++;
    this.#arm();
  }

  close(): void {
    this.#cancel?.();
    this.#held = [];
    this.#heldBytes = 0;
  }

  #arm(): void {
    const [next] = this.#held;
    if (next === undefined || this.#cancel !== undefined) return;
    const { clock } = this.#options;
    const at = clock.now() + Math.max(1, this.#bucket.waitMs(clock.now(), next.length));
    this.#cancel = clock.wakeAt(at, () => {
      this.#cancel = undefined;
      this.#drain();
    });
  }

  #drain(): void {
    const { clock, take } = this.#options;
    let count = 0;
    for (const bytes of this.#held) {
      if (!this.#bucket.take(clock.now(), bytes.length)) break;
      count++;
      this.#heldBytes -= bytes.length;
      take(bytes);
    }
    this.#held.splice(0, count);
    this.#arm();
  }
}
