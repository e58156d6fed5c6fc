import type { Key } from './messages.ts';

export const noKey: Key = { counter: 0, proposer: 0 };

/** Negative: `a` comes first. By counter, then by the member that proposed it (ISIS, Birman and Joseph 1987, §5.2). */
export function compareKeys(a: Key, b: Key): number {
  return a.counter - b.counter || a.proposer - b.proposer;
}

export function greaterKey(a: Key, b: Key): Key {
  return compareKeys(a, b) < 0 ? b : a;
}

/** A round with its key, as total order compares them. */
export interface Placed {
  readonly key: Key;
  /** A rank. */
  readonly sender: number;
  readonly round: number;
}

/** As `compareKeys`; rounds with one key, which only a flush assigns, go by sender and then by round. */
export function comparePlaces(a: Placed, b: Placed): number {
  return compareKeys(a.key, b.key) || a.sender - b.sender || a.round - b.round;
}
