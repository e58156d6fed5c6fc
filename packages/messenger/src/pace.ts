import type { Cancel, Clock } from '@grp/core';
import type { MessengerConfig } from './config.ts';
import { TokenBucket } from './token-bucket.ts';

export interface PaceOptions {
  readonly clock: Clock;
  readonly config: MessengerConfig;
  /** Sends it to the group. False: no room at the moment. */
  readonly send: (payload: Uint8Array) => boolean;
}

/** A little slower than the others allow: what the network loses is sent again, and counts again. */
const share = 7 / 8;
/** What a message takes besides its payload, at most. */
const headBytes = 32;
const retryMs = 20;

/**
 * What this member says, at the pace that the others take. They would hold up whatever is quicker, each at a moment of
 * its own; in total order all messages of all members would wait for the last of them. So a flood waits where it comes
 * from, and holds up nobody else.
 */
export class Pace {
  readonly #options: PaceOptions;
  readonly #bucket: TokenBucket;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  /** The first one that waits has its tokens, and no room. */
  #isPaid = false;
  #cancel: Cancel | undefined;
  #onEmpty: (() => void)[] = [];

  constructor(options: PaceOptions) {
    const { receiveBytesPerSecond, receiveBytesBurst } = options.config;
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond: share * receiveBytesPerSecond, burst: share * receiveBytesBurst });
  }

  /** Messages that wait for their turn. */
  get count(): number {
    return this.#waiting.length;
  }

  /** False: too much waits already, nothing was taken. */
  push(payload: Uint8Array): boolean {
    const { clock, config, send } = this.#options;
    const cost = payload.length + headBytes;
    if (this.#waiting.length === 0 && this.#bucket.take(clock.now(), cost)) return send(payload);
    if (this.#bytes + payload.length > config.heldBytesMax) return false;
    this.#waiting.push(payload);
    this.#bytes += payload.length;
    this.#arm();
    return true;
  }

  /** Resolves when nothing waits any more. */
  async emptied(): Promise<void> {
    if (this.#waiting.length > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  /** Forgets what waits. */
  close(): void {
    this.#cancel?.();
    this.#waiting = [];
    this.#bytes = 0;
    this.#tellEmpty();
  }

  #arm(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#cancel !== undefined) return;
    const { clock } = this.#options;
    const waitMs = this.#isPaid ? retryMs : this.#bucket.waitMs(clock.now(), next.length + headBytes);
    this.#cancel = clock.wakeAt(clock.now() + Math.max(1, waitMs), () => {
      this.#cancel = undefined;
      this.#drain();
    });
  }

  #drain(): void {
    const { clock, send } = this.#options;
    let count = 0;
    for (const payload of this.#waiting) {
      this.#isPaid ||= this.#bucket.take(clock.now(), payload.length + headBytes);
      if (!this.#isPaid || !send(payload)) break;
      this.#isPaid = false;
      this.#bytes -= payload.length;
      count++;
    }
    this.#waiting.splice(0, count);
    if (this.#waiting.length === 0) this.#tellEmpty();
    this.#arm();
  }

  #tellEmpty(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
