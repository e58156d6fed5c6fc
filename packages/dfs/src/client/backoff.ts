import type { Millis } from '@grp/core';

/** Pauses that double from one to the next, up to a bound. */
export class Backoff {
  readonly #first: Millis;
  readonly #max: Millis;
  #pause: Millis;

  constructor({ retryMs, retryMaxMs }: { readonly retryMs: Millis; readonly retryMaxMs: Millis }) {
    this.#first = retryMs;
    this.#max = retryMaxMs;
    this.#pause = retryMs;
  }

  next(): Millis {
    const pause = Math.min(this.#pause, this.#max);
    this.#pause = Math.min(this.#max, 2 * this.#pause);
    return pause;
  }

  reset(): void {
    this.#pause = this.#first;
  }
}
