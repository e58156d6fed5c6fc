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

export interface FirstAccusation {
  readonly incarnation: number;
  readonly from: string;
}

/** One suspicion of one member: who accuses it, and until when it may refute. */
export class Suspicion {
  /** Of the suspect: a greater one refutes. */
  readonly incarnation: number;
  readonly #accusers: Set<string>;
  readonly #bounds: SuspicionBounds;
  #startedAt: Millis;
  #evidence: Evidence = 'none';

  constructor(first: FirstAccusation, startedAt: Millis, bounds: SuspicionBounds) {
    this.incarnation = first.incarnation;
    this.#accusers = new Set([first.from]);
    this.#startedAt = startedAt;
    this.#bounds = bounds;
  }

  accusers(): Iterable<string> {
    return this.#accusers;
  }

  /** Would this accusation change nothing: it has been heard, or is one more than needed? */
  knows(incarnation: number, accuser: string): boolean {
    return incarnation === this.incarnation && !this.#needs(accuser);
  }

  /** True when the accuser is new and still needed: worth passing on. */
  confirm(accuser: string): boolean {
    if (!this.#needs(accuser)) return false;
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

  #needs(accuser: string): boolean {
    return this.#accusers.size <= this.#bounds.needed && !this.#accusers.has(accuser);
  }
}
