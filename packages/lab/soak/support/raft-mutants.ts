// Classical mistakes, and bounds within which an exploration comes across each.
import type { Rules } from '@grp/raft';
import type { Bounds } from './exploration.ts';

export interface Mutant {
  readonly rules: Partial<Rules>;
  /** Default: two terms, three entries, one crash. */
  readonly bounds?: Partial<Bounds>;
  readonly prefix?: readonly string[];
}

/** By name. */
export const mutants: Readonly<Record<string, Mutant>> = {
  votes: { rules: { votesWaitForDisk: false } },
  appends: { rules: { appendsWaitForDisk: false } },
  logs: { rules: { isUpToDate: () => true } },
  elections: { rules: { isElected: ({ voters }, granted) => voters.some(granted) } },
  truncation: {
    rules: { firstConflict: ([first], termAt) => (termAt(first?.index ?? 0) === undefined ? undefined : first?.index) },
  },
  commits: {
    rules: { mayCommit: () => true },
    // Figure 8 has four leaders. Its first half: the entries of two of them, each on one disk only.
    bounds: { terms: 4, entries: 1, crashes: 2 },
    prefix: ['elect a b', 'sync a', 'crash a', 'elect c b', 'sync c', 'lose'],
  },
};
