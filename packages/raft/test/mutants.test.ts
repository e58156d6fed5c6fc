// The classical bugs of Raft implementations, each put into the rules on purpose, and each noticed.
import { expect, test } from 'vitest';
import { majority, majorityValue } from '../src/protocol/quorum.ts';
import type { Rules } from '../src/index.ts';
import {
  appendDuringInstallation,
  changeBeforeOwnCommit,
  confirmationOfReplacedEntries,
  failedSync,
  figure8,
  forgottenEntries,
  forgottenVote,
  oldSnapshot,
  pauseDuringLeaseRead,
  readBeforeOwnCommit,
  repeatedAppend,
  rottenEntry,
  roundReused,
  type Scenario,
} from './support/scenarios.ts';

const mutants: readonly [name: string, scenario: Scenario, broken: Partial<Rules>][] = [
  ['an entry of an earlier term is committed by counting', figure8, { mayCommit: () => true }],
  ['a vote is given before it is durable', forgottenVote, { votesWaitForDisk: false }],
  ['a change before an entry of the own term is committed', changeBeforeOwnCommit, { mayChange: () => true }],
  [
    'a matching suffix is cut away',
    repeatedAppend,
    { firstConflict: ([first], termAt) => (termAt(first?.index ?? 0) === undefined ? undefined : first?.index) },
  ],
  ['entries while a snapshot is installed', appendDuringInstallation, { appendsWhileInstalling: true }],
  ['a snapshot from before the commit index', oldSnapshot, { isSnapshotNews: () => true }],
  [
    'the confirmation of a replaced write counts',
    confirmationOfReplacedEntries,
    { durableThrough: (confirmed, durable) => confirmed.reduce((max, { written }) => Math.max(max, written), durable) },
  ],
  ['a read before the first commit of the term', readBeforeOwnCommit, { mayRead: () => true }],
  ['a read by a round of before', roundReused, { roundOfRead: (begun) => begun }],
  ['the lease is not checked after the read', pauseDuringLeaseRead, { leaseStillHolds: () => true }],
  ['entries are acknowledged before they are durable', forgottenEntries, { appendsWaitForDisk: false }],
  ['a failed sync is ignored', failedSync, { stopsOnDiskFailure: false }],
  ['a rotten entry is taken for a torn one', rottenEntry, { recoveringMayVote: true }],
  [
    'a majority less one commits',
    forgottenEntries,
    {
      committedIndex: ({ voters }, matchOf) => {
        const sorted = voters.map(matchOf).toSorted((a, b) => b - a);
        return sorted[majority(voters.length) - 2] ?? 0;
      },
    },
  ],
  ['half of the votes elect', forgottenVote, { isElected: ({ voters }, granted) => voters.some(granted) }],
  [
    'match indices are not sorted',
    forgottenEntries,
    { committedIndex: ({ voters }, matchOf) => voters.map(matchOf)[0] ?? 0 },
  ],
];

test.each(mutants)('%s: noticed, and not without it', (_, scenario, broken) => {
  expect(scenario()).toEqual([]);
  expect(scenario(broken)).not.toEqual([]);
});

test('learners and the outgoing side: a quorum is of voters, and of both sides', () => {
  expect(majorityValue([3, 9, 1], 0)).toBe(3);
  expect(majorityValue([1, 2, 3, 4], 0)).toBe(2);
  expect(majorityValue([], 7)).toBe(7);
});
