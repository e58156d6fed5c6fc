import type { SenderCut } from '../messages.ts';
import type { HeldRound, SenderLog } from '../sender-log.ts';
import type { OrderRule } from './order-rule.ts';

/**
 * Causal order by vector clocks (Birman, Schiper and Stephenson 1991, §5.1), counted in rounds: whoever sends tells what
 * it had delivered, and nobody delivers the round before that. The sender's own entry is not looked at: FIFO is below.
 */
export class CausalOrder implements OrderRule {
  readonly #logs: readonly SenderLog[];
  /** Something has come or was delivered since all heads were found waiting. */
  #isWorthALook = false;

  constructor(logs: readonly SenderLog[]) {
    this.#logs = logs;
  }

  stamp(): { readonly counter: number; readonly vector: readonly number[] } {
    return { counter: 0, vector: this.#logs.map(({ delivered }) => delivered) };
  }

  accept(round: HeldRound): void {
    const log = this.#logs[round.sender] as SenderLog;
    log.proposed = round.round;
    log.decided = round.round;
    this.#isWorthALook = true;
  }

  next(): HeldRound | undefined {
    if (!this.#isWorthALook) return undefined;
    for (const log of this.#logs) {
      if (log.delivered === log.decided) continue;
      const head = log.get(log.delivered + 1) as HeldRound;
      if (!this.#logs.every(({ delivered }, rank) => isMet(head, rank, delivered))) continue;
      log.delivered++;
      return head;
    }
    this.#isWorthALook = false;
    return undefined;
  }

  /**
   * What waits for a message that no survivor has is left out: its sender, and whoever delivered it and sent this, are
   * both gone. All hold the same rounds, so all leave out the same.
   */
  plan(cut: readonly SenderCut[]): readonly HeldRound[] {
    const marks = this.#logs.map(({ delivered }) => delivered);
    const rounds: HeldRound[] = [];
    for (let found = -1; found !== rounds.length;) {
      found = rounds.length;
      for (const [sender, log] of this.#logs.entries()) {
        while ((marks[sender] as number) < (cut[sender]?.count ?? 0)) {
          const head = log.get((marks[sender] as number) + 1) as HeldRound;
          if (!marks.every((mark, rank) => isMet(head, rank, mark))) break;
          marks[sender] = head.round;
          rounds.push(head);
        }
      }
    }
    return rounds;
  }
}

function isMet({ sender, vector }: HeldRound, rank: number, delivered: number): boolean {
  return rank === sender || delivered >= (vector[rank] ?? 0);
}
