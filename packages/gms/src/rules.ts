import type { NodeId } from '@grp/core';
import type { Ballot } from './messages.ts';

/** `majority`: only the side with more than half of the last view goes on. `none`: every side goes on, alone if it must. */
export type QuorumRule = 'majority' | 'none';

/** Below zero: the first is the lesser. Rounds first, then ranks, so that two proposers never tie. */
export function compareBallots(first: Ballot, second: Ballot): number {
  return first.round - second.round || first.rank - second.rank;
}

/**
 * May so many members of a view of `size` decide the next one? Two majorities of one view have a member in common, so that
 * only one successor can be decided (primary partition; Birman and Joseph 1987, Lamport 1998 §2.1).
 */
export function isQuorum(count: number, size: number, rule: QuorumRule): boolean {
  return rule === 'none' ? count > 0 : count * 2 > size;
}

/** Who leads a flush: the member of lowest rank that is not suspected. */
export function lowestLive<Member extends { readonly id: NodeId }>(
  members: readonly Member[],
  isSuspected: (id: NodeId) => boolean,
): Member | undefined {
  return members.find(({ id }) => !isSuspected(id));
}

/** How many members may leave in one view, so that those who stay are a majority of it. At least one always may. */
export function leaversMax(size: number, rule: QuorumRule): number {
  return rule === 'none' ? size : Math.max(1, Math.ceil(size / 2) - 1);
}
