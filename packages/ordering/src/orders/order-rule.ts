import type { SenderCut } from '../messages.ts';
import type { HeldRound } from '../sender-log.ts';

/** When a received round may be delivered: what tells one order from another. */
export interface OrderRule {
  /** What the next own round carries. */
  stamp(): { readonly counter: number; readonly vector: readonly number[] };
  /** Takes in the next round of its sender; they come without gaps. */
  accept(round: HeldRound): void;
  /** Delivers a round, if one may be delivered now. */
  next(): HeldRound | undefined;
  /** All that a view still delivers in its last cut, in order; the same at every member that holds the cut. */
  plan(cut: readonly SenderCut[]): readonly HeldRound[];
}
