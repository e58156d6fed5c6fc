import type { Millis } from '@grp/core';

/** So much per second, and so much at once. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket: full at first. */
export class TokenBucket {
  #tokens: number;
  #at: Millis | undefined;

  constructor(burst: number) {
    this.#tokens = burst;
  }

  /** Takes `cost` and gives 0, or takes nothing and gives the ms until there will be enough. */
  take(now: Millis, rate: BucketRate, cost = 1): Millis {
    const wait = this.wait(now, rate, cost);
    if (wait === 0) this.#tokens -= cost;
    return wait;
  }

  /** How long until there is enough, in ms; takes nothing. */
  wait(now: Millis, { perSecond, burst }: BucketRate, cost = 1): Millis {
    const passed = Math.max(0, now - (this.#at ?? now));
    this.#tokens = Math.min(burst, this.#tokens + (passed * perSecond) / 1_000);
    this.#at = now;
    return this.#tokens >= cost ? 0 : Math.ceil(((cost - this.#tokens) * 1_000) / perSecond);
  }
}

/** Buckets by name, for at most so many names: the one that was not asked for longest is forgotten. */
export class Buckets {
  readonly #namesMax: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  take(name: string, now: Millis, rate: BucketRate, cost = 1): Millis {
    return this.#find(name, rate).take(now, rate, cost);
  }

  wait(name: string, now: Millis, rate: BucketRate): Millis {
    return this.#find(name, rate).wait(now, rate);
  }

  #find(name: string, rate: BucketRate): TokenBucket {
    const bucket = this.#buckets.get(name) ?? new TokenBucket(rate.burst);
    this.#buckets.delete(name); // the order of the map is that of use
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > this.#namesMax) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
