import type { Cancel, Clock } from '@grp/core';

/** Time that stands still until `advance`. */
export class ManualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.#now;
  }

  wakeAt(at: number, callback: () => void): Cancel {
    const key = this.#order++;
    this.#timers.set(key, { at, callback });
    return () => void this.#timers.delete(key);
  }

  get pendingCount(): number {
    return this.#timers.size;
  }

  /** Runs everything that is due in the next `ms`, in order, and lets promises settle after each step. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .toSorted(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything that waits on settled promises run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
