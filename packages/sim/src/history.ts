import type { Millis } from '@grp/core';

/** Something that should never have happened. */
export interface Violation {
  /** The checker's name. */
  readonly checker: string;
  /** One sentence with the evidence in it. */
  readonly message: string;
  /** Virtual ms. */
  readonly at?: Millis;
  readonly node?: string;
}

/**
 * Judges one property of a run. It sees every event in order, in the world's one time, and is asked at the end. It keeps
 * its own idea of what is right, and asks nothing of the nodes.
 */
export interface Checker<Event> {
  /** The property, in the words of its paper. */
  readonly name: string;
  observe(event: Event): void;
  /** Everything that was wrong; called once, after the last event. */
  finish(): readonly Violation[];
}

/** Who hears of events, and how many are kept. */
export interface HistoryOptions<Event> {
  /** Hear of each event as it happens. */
  readonly checkers?: readonly Checker<Event>[];
  /** Events to keep (default 100,000); checkers see all of them. */
  readonly keepMax?: number;
}

/** What happened, for checkers and for people. */
export class History<Event> {
  readonly #checkers: readonly Checker<Event>[];
  readonly #keepMax: number;
  readonly #events: Event[] = [];
  #count = 0;

  constructor({ checkers = [], keepMax = 100_000 }: HistoryOptions<Event> = {}) {
    this.#checkers = checkers;
    this.#keepMax = keepMax;
  }

  record(event: Event): void {
    this.#count++;
    if (this.#events.length < this.#keepMax) this.#events.push(event);
    for (const checker of this.#checkers) checker.observe(event);
  }

  /** All events that were recorded, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** The first `keepMax` events. */
  get events(): readonly Event[] {
    return this.#events;
  }

  /** Asks every checker. */
  finish(): readonly Violation[] {
    return this.#checkers.flatMap((checker) => checker.finish());
  }
}

/** Runs one checker over events from elsewhere. */
export function checkEvents<Event>(events: Iterable<Event>, checker: Checker<Event>): readonly Violation[] {
  for (const event of events) checker.observe(event);
  return checker.finish();
}
