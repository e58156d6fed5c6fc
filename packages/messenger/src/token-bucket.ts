import type { Millis } from '@grp/core';

/** So much per second, and so much at once; full at first. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: Millis | undefined;

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes it all, or nothing and says false. What costs more than the bucket holds is taken when it is full. */
  take(now: Millis, cost: number): boolean {
    this.#refill(now);
    if (this.#tokens < Math.min(cost, this.#burst)) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Ms until `take` says true. */
  waitMs(now: Millis, cost: number): Millis {
    this.#refill(now);
    return Math.max(0, ((Math.min(cost, this.#burst) - this.#tokens) * 1_000) / this.#perSecond);
  }

  #refill(now: Millis): void {
    const passed = Math.max(0, now - (this.#at ?? now));
    this.#tokens = Math.min(this.#burst, this.#tokens + (passed * this.#perSecond) / 1_000);
    this.#at = now;
  }
}
