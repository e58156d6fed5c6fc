import {
  checkEvents,
  checkLinearizability,
  electionSafety,
  exactlyOnce,
  leaderAppendOnly,
  leaderCompleteness,
  logMatching,
  registerModel,
  stateMachineSafety,
  type Operation,
  type RaftEvent,
} from '@grp/sim';
import { expect, test } from 'vitest';

const place = { at: 1, node: 'a' };
const entry = (index: number, term: number, payload: string) => ({ index, term, payload });
const role = (node: string, term: number, terms: readonly number[] = [], name = 'leader'): RaftEvent =>
  ({
    at: 1,
    node,
    type: 'role',
    role: name,
    term,
    termAt: (index: number) => terms[index - 1],
    firstIndex: 1,
  }) as RaftEvent;

test('election safety: two leaders of one term', () => {
  expect(checkEvents([role('a', 2), role('b', 3), role('a', 2)], electionSafety())).toEqual([]);
  expect(checkEvents([role('a', 2), role('b', 2)], electionSafety())).toHaveLength(1);
});

test('log matching: another payload, another predecessor', () => {
  const log = (node: string, ...entries: ReturnType<typeof entry>[]): RaftEvent => ({
    at: 1,
    node,
    type: 'log',
    entries,
  });
  const fine = [log('a', entry(1, 1, 'x'), entry(2, 2, 'y')), log('b', entry(1, 1, 'x'), entry(2, 2, 'y'))];
  expect(checkEvents(fine, logMatching())).toEqual([]);
  const payload = [log('a', entry(1, 1, 'x')), log('b', entry(1, 1, 'z'))];
  expect(checkEvents(payload, logMatching())).toHaveLength(1);
  const before = [log('a', entry(1, 1, 'x'), entry(2, 3, 'y')), log('b', entry(1, 2, 'w'), entry(2, 3, 'y'))];
  expect(checkEvents(before, logMatching())).toHaveLength(1);
  const replaced = [
    log('a', entry(1, 1, 'x'), entry(2, 1, 'y')),
    { ...place, type: 'log', truncateFrom: 2, entries: [entry(2, 2, 'z')] } as RaftEvent,
  ];
  expect(checkEvents(replaced, logMatching())).toEqual([]);
});

test('leader completeness: a leader of a later term lacks what was committed; an earlier one may', () => {
  const applied: RaftEvent[] = [role('a', 3, [], 'follower'), { ...place, type: 'apply', entry: entry(1, 2, 'x') }];
  expect(checkEvents([...applied, role('b', 4, [2])], leaderCompleteness())).toEqual([]);
  expect(checkEvents([...applied, role('b', 3, [1])], leaderCompleteness())).toEqual([]);
  expect(checkEvents([...applied, role('b', 4, [1])], leaderCompleteness())).toHaveLength(1);
  expect(checkEvents([...applied, role('b', 4)], leaderCompleteness())).toHaveLength(1);
});

test('leader append-only: a leader that cuts its log, and a deposed one that may', () => {
  const cut: RaftEvent = { at: 2, node: 'a', type: 'log', truncateFrom: 3, entries: [] };
  expect(checkEvents([role('a', 2), cut], leaderAppendOnly())).toHaveLength(1);
  expect(checkEvents([role('a', 2), cut, { ...role('a', 3, [], 'follower'), at: 2 }], leaderAppendOnly())).toEqual([]);
});

test('state machine safety: another entry, a gap, an order', () => {
  const apply = (node: string, index: number, payload: string): RaftEvent => ({
    at: 1,
    node,
    type: 'apply',
    entry: entry(index, 1, payload),
  });
  const fine = [apply('a', 1, 'x'), apply('b', 1, 'x'), apply('a', 2, 'y')];
  expect(checkEvents(fine, stateMachineSafety())).toEqual([]);
  expect(checkEvents([apply('a', 1, 'x'), apply('b', 1, 'z')], stateMachineSafety())).toHaveLength(1);
  expect(checkEvents([apply('a', 1, 'x'), apply('a', 3, 'z')], stateMachineSafety())).toHaveLength(1);
  const restored: RaftEvent[] = [{ at: 1, node: 'a', type: 'restore', index: 5 }, apply('a', 6, 'x')];
  expect(checkEvents(restored, stateMachineSafety())).toEqual([]);
});

test('exactly once: twice, never although acknowledged, although denied', () => {
  const executed = (index: number) => ({ ...place, type: 'executed', command: 'x', index }) as const;
  const acknowledged = { at: 1, type: 'acknowledged', command: 'x' } as const;
  const denied = { at: 1, type: 'denied', command: 'x' } as const;
  expect(checkEvents([executed(1), executed(1), acknowledged], exactlyOnce())).toEqual([]);
  expect(checkEvents([executed(1), executed(2)], exactlyOnce())).toHaveLength(1);
  expect(checkEvents([acknowledged], exactlyOnce())).toHaveLength(1);
  expect(checkEvents([executed(1), denied], exactlyOnce())).toHaveLength(1);
});

function operation(
  process: string,
  [f, value, out]: readonly [string, unknown, unknown],
  [call, end]: readonly [number, number | null],
): Operation {
  return { process, f, key: 'k', value, out, call, return: end, type: end === null ? 'info' : 'ok' };
}

const verdict = (...operations: Operation[]): number =>
  checkLinearizability(operations, registerModel).violations.length;

test('linearizability: orders that exist, and orders that do not', () => {
  const write1 = operation('a', ['write', 1, null], [0, 10]);
  expect(verdict(write1, operation('b', ['read', null, 1], [5, 6]))).toBe(0);
  expect(verdict(write1, operation('b', ['read', null, null], [5, 6]))).toBe(0);
  expect(verdict(write1, operation('b', ['read', null, null], [11, 12]))).toBe(1);
  // A new value, and then the old one again.
  const reads = [operation('b', ['read', null, 1], [2, 3]), operation('c', ['read', null, null], [4, 5])];
  expect(verdict(write1, ...reads)).toBe(1);
  const lost = operation('a', ['write', 2, null], [20, null]);
  expect(verdict(write1, lost, operation('b', ['read', null, 2], [100, 101]))).toBe(0);
  expect(verdict(write1, lost, operation('b', ['read', null, 1], [100, 101]))).toBe(0);
  const back = [operation('b', ['read', null, 2], [100, 101]), operation('b', ['read', null, 1], [102, 103])];
  expect(verdict(write1, lost, ...back)).toBe(1);
});

test('linearizability: compare-and-set, and an unread write that explains its failure', () => {
  const write1 = operation('a', ['write', 1, null], [0, 10]);
  expect(verdict(write1, operation('b', ['cas', [1, 2], true], [11, 12]))).toBe(0);
  expect(verdict(write1, operation('b', ['cas', [3, 2], true], [11, 12]))).toBe(1);
  expect(verdict(write1, operation('b', ['cas', [1, 2], false], [11, 12]))).toBe(1);
  const lost = operation('c', ['write', 9, null], [11, null]);
  expect(verdict(write1, lost, operation('b', ['cas', [1, 2], false], [11, 12]))).toBe(0);
});

test('linearizability: thousands of operations in moments, and a search that would not end is given up', () => {
  const many = Array.from({ length: 3_000 }, (_, index) =>
    operation(`p${index % 8}`, ['write', index, null], [index * 2, index * 2 + 15]),
  );
  const { violations, statesVisited } = checkLinearizability(many, registerModel);
  expect(violations).toEqual([]);
  expect(statesVisited).toBeLessThan(10_000);
  const tangle = Array.from({ length: 24 }, (_, index) => operation(`p${index}`, ['write', index, null], [0, 100]));
  const read = operation('r', ['read', null, 99], [200, 201]);
  const given = checkLinearizability([...tangle, read], registerModel, { statesMax: 1_000 });
  expect(given).toMatchObject({ violations: [], undecided: ['k'] });
});
