import type { Millis } from '@grp/core';
import { suspicionMs } from './rules.ts';

/** What this node itself has seen of a suspect: `refused` when its host answered that nothing listens there. */
export type Evidence = 'none' | 'silent' | 'refused';

export interface SuspicionBounds {
  readonly minMs: number;
  readonly refusedMinMs: number;
  readonly maxFactor: number;
  readonly needed: number;
}

/** One suspicion of one member: who accuses it, and until when it may refute. */
export class Suspicion {
  readonly #accusers: Set<string>;
  readonly #bounds: SuspicionBounds;
  #startedAt: Millis;
  #evidence: Evidence = 'none';

  constructor(accuser: string, startedAt: Millis, bounds: SuspicionBounds) {
    this.#accusers = new Set([accuser]);
    this.#startedAt = startedAt;
    this.#bounds = bounds;
  }

  accusers(): Iterable<string> {
    return this.#accusers;
  }

  /** True when the accuser is new and still needed: worth passing on. */
  confirm(accuser: string): boolean {
    if (this.#accusers.has(accuser) || this.#accusers.size > this.#bounds.needed) return false;
    this.#accusers.add(accuser);
    return true;
  }

  witness(evidence: 'silent' | 'refused'): void {
    this.#evidence = evidence;
  }

  /** Gives the suspect back the time in which this node could not have heard it. */
  postpone(lostMs: number): void {
    this.#startedAt += lostMs;
  }

  /** `healthFactor` ≥ 1 stretches the wait of a node that is unwell itself. */
  deadline(healthFactor: number): Millis {
    const { minMs, refusedMinMs, maxFactor, needed } = this.#bounds;
    const shortest = this.#evidence === 'refused' ? refusedMinMs : minMs;
    const confirmations = this.#accusers.size - 1;
    return (
      this.#startedAt + healthFactor * suspicionMs({ minMs: shortest, maxMs: minMs * maxFactor, confirmations, needed })
    );
  }
}
