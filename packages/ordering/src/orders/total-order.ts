import { invariant } from '@grp/core';
import { comparePlaces } from '../keys.ts';
import type { Key, SenderCut } from '../messages.ts';
import type { HeldRound, SenderLog } from '../sender-log.ts';
import type { OrderRule } from './order-rule.ts';

/**
 * Total order by agreed numbers (ISIS ABCAST: Birman and Joseph 1987, §5.2; Skeen). Each receiver proposes a number above
 * all that it has seen; the sender takes the greatest; a proposal is a lower bound of what will be agreed on, so a round
 * whose number is agreed and the least of all heads cannot be overtaken. Below is FIFO, so the agreed numbers of one
 * sender rise and only the first undelivered round of each sender needs to be looked at: FIFO and causal order follow.
 */
export class TotalOrder implements OrderRule {
  readonly #logs: readonly SenderLog[];
  readonly #self: number;
  #clock: number;
  #agreed = 0;
  #isWorthALook = false;

  /** @param self the own rank */
  constructor(logs: readonly SenderLog[], self: number, clock: number) {
    this.#logs = logs;
    this.#self = self;
    this.#clock = clock;
  }

  /** Not below any number proposed or learnt here. */
  get clock(): number {
    return this.#clock;
  }

  /** The greatest agreed counter of this view. */
  get agreed(): number {
    return this.#agreed;
  }

  /** The own proposal travels with the round: should this member die, the others still know what it was above. */
  stamp(): { readonly counter: number; readonly vector: readonly number[] } {
    return { counter: ++this.#clock, vector: [] };
  }

  /** Gives it the own proposal as its key. No number is proposed twice. */
  accept(round: HeldRound): void {
    const counter = round.sender === this.#self ? round.counter : ++this.#clock;
    round.key = { counter, proposer: this.#self };
    round.proposal = counter;
    (this.#logs[round.sender] as SenderLog).proposed = round.round;
  }

  /** The agreed key of the first undecided round of a sender. */
  decide(sender: number, key: Key): void {
    const log = this.#logs[sender] as SenderLog;
    const round = log.get(log.decided + 1);
    invariant(round !== undefined && log.decided < log.proposed, 'a round is proposed before it is agreed on');
    round.key = key;
    log.decided++;
    this.#clock = Math.max(this.#clock, key.counter);
    this.#agreed = Math.max(this.#agreed, key.counter);
    this.#isWorthALook = true;
  }

  next(): HeldRound | undefined {
    if (!this.#isWorthALook) return undefined;
    let first: HeldRound | undefined;
    for (const log of this.#logs) {
      if (log.delivered === log.proposed) continue;
      const head = log.get(log.delivered + 1) as HeldRound;
      if (first === undefined || comparePlaces(head, first) < 0) first = head;
    }
    const log = first && (this.#logs[first.sender] as SenderLog);
    if (first === undefined || log === undefined || first.round > log.decided) {
      this.#isWorthALook = false;
      return undefined;
    }
    log.delivered++;
    return first;
  }

  plan(cut: readonly SenderCut[]): readonly HeldRound[] {
    const rounds: { readonly key: Key; readonly sender: number; readonly round: number; readonly held: HeldRound }[] =
      [];
    for (const [sender, log] of this.#logs.entries()) {
      const { count = 0, firstKey = 1, keys = [] } = cut[sender] ?? {};
      for (let round = log.delivered + 1; round <= count; round++) {
        const held = log.get(round) as HeldRound;
        rounds.push({ key: keys[round - firstKey] ?? held.key, sender, round, held });
      }
    }
    return rounds.toSorted(comparePlaces).map(({ held }) => held);
  }
}
