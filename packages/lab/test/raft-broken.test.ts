// Each checker must fail on a protocol that is broken on purpose, or its silence elsewhere means nothing. The mistakes that
// random seeds find by themselves are here; those that need a story are in the tests of raft.
import type { Restored, Rules, SessionRules } from '@grp/raft';
import { expect, test } from 'vitest';
import { raftChaosRun, type RaftChaosKind, type RaftChaosOptions } from '../src/index.ts';

interface Mutant {
  readonly name: string;
  readonly finds: string;
  readonly rules?: Partial<Rules>;
  readonly sessionRules?: SessionRules;
  readonly retell?: (restored: Restored | undefined) => Restored | undefined;
  readonly kinds?: readonly RaftChaosKind[];
  /** Seeds before it have found nothing lately; one in fifty or a hundred does. */
  readonly from?: number;
}

const descending = (values: readonly number[]): number[] => values.toSorted((a, b) => b - a);

const mutants: readonly Mutant[] = [
  {
    name: 'votes are given before they are durable',
    finds: 'election safety',
    rules: { votesWaitForDisk: false },
    kinds: ['aimed', 'crash', 'disk'],
    from: 160,
  },
  {
    name: 'reads are answered before the first commit of the term',
    finds: 'linearizability',
    rules: { mayRead: () => true },
  },
  {
    name: 'rotten entries are taken for torn ones',
    finds: 'leader completeness',
    retell: (restored) => restored && { ...restored, damage: { log: false, hardState: false } },
    kinds: ['rot', 'crash', 'partition'],
    from: 80,
  },
  {
    name: 'a majority less one commits',
    finds: 'state machine safety',
    rules: {
      committedIndex: ({ voters }, of) => descending(voters.map(of))[Math.max(0, (voters.length >> 1) - 1)] ?? 0,
    },
  },
  {
    name: 'learners count',
    finds: 'leader completeness',
    rules: {
      committedIndex: ({ voters, learners }, of) =>
        descending([...voters, ...learners].map(of))[voters.length >> 1] ?? 0,
    },
    kinds: ['membership', 'crash', 'partition'],
  },
  {
    name: 'any log is up-to-date enough',
    finds: 'leader completeness',
    rules: { isUpToDate: () => true },
  },
  {
    name: 'sessions remember nothing',
    finds: 'exactly once',
    sessionRules: { judge: (session) => (session ? { type: 'apply' } : { type: 'refuse', reason: 'session-expired' }) },
  },
];

test.each(mutants)('$name: $finds', ({ finds, from = 1, ...broken }) => {
  const wanted = new RegExp(finds);
  const isFound = (seed: number): boolean => {
    const options: RaftChaosOptions = { seed, nodeCount: seed % 3 === 0 ? 5 : 3, durationMs: 15_000, ...broken };
    return raftChaosRun(options).violations.some(({ checker }) => wanted.test(checker));
  };
  let seed = from;
  while (!isFound(seed)) expect(++seed).toBeLessThan(from + 400);
});
