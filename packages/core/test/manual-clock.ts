import type { Cancel, Clock, Millis } from '@grp/core';

/** Time that stands still until `advance`. Timers due at the same instant fire in the order in which they were set. */
export class ManualClock implements Clock {
  timersSet = 0;
  #now: Millis = 0;
  #timers: { at: Millis; callback: () => void }[] = [];

  now(): Millis {
    return this.#now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#now;
  }

  wakeAt(at: Millis, callback: () => void): Cancel {
    const timer = { at: Math.max(at, this.#now), callback };
    this.timersSet++;
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}
