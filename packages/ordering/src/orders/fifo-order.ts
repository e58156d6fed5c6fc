import type { SenderCut } from '../messages.ts';
import type { HeldRound, SenderLog } from '../sender-log.ts';
import type { OrderRule } from './order-rule.ts';

/** FIFO order: the row of each sender, as it comes (Hadzilacos and Toueg 1994, §3.2). */
export class FifoOrder implements OrderRule {
  readonly #logs: readonly SenderLog[];
  #ready: HeldRound[] = [];
  #taken = 0;

  constructor(logs: readonly SenderLog[]) {
    this.#logs = logs;
  }

  stamp(): { readonly counter: number; readonly vector: readonly number[] } {
    return { counter: 0, vector: [] };
  }

  accept(round: HeldRound): void {
    const log = this.#logs[round.sender] as SenderLog;
    log.proposed = round.round;
    log.decided = round.round;
    this.#ready.push(round);
  }

  next(): HeldRound | undefined {
    const round = this.#ready[this.#taken];
    if (round === undefined) return undefined;
    this.#taken++;
    if (this.#taken === this.#ready.length) {
      this.#ready = [];
      this.#taken = 0;
    }
    (this.#logs[round.sender] as SenderLog).delivered = round.round;
    return round;
  }

  plan(cut: readonly SenderCut[]): readonly HeldRound[] {
    return this.#logs.flatMap((log, sender) => {
      const rounds: HeldRound[] = [];
      const count = cut[sender]?.count ?? 0;
      for (let round = log.delivered + 1; round <= count; round++) rounds.push(log.get(round) as HeldRound);
      return rounds;
    });
  }
}
