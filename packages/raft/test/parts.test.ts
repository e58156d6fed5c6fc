import { expect, test } from 'vitest';
import {
  decodeMapAnswer,
  decodeMapCommand,
  encodeMapCommand,
  MapStateMachine,
  raftConfig,
  raftPresets,
} from '../src/index.ts';
import { LogView } from '../src/protocol/log.ts';
import { compareIds, compareStandings } from '../src/protocol/priority.ts';
import { hasQuorum, majority, quorumValue } from '../src/protocol/quorum.ts';
import { paperRules } from '../src/protocol/rules.ts';
import { targetOf, transition } from '../src/protocol/membership.ts';

const entries = (from: number, ...terms: number[]) =>
  terms.map((term, index) => ({ index: from + index, term, payload: { type: 'no-op' } }) as const);

function log(...terms: number[]): LogView {
  const view = new LogView({ base: { index: 0, term: 0 }, runs: [], last: 0 }, paperRules);
  view.append(entries(1, ...terms));
  return view;
}

test('the log: terms of every place, runs, cuts', () => {
  const view = log(1, 1, 2, 4, 4);
  expect([0, 1, 2, 3, 4, 5, 6].map((index) => view.term(index))).toEqual([0, 1, 1, 2, 4, 4, undefined]);
  expect(view.runs).toEqual([
    { from: 1, term: 1 },
    { from: 3, term: 2 },
    { from: 4, term: 4 },
  ]);
  view.truncateFrom(3);
  expect(view.last).toEqual({ index: 2, term: 1 });
  view.append(entries(3, 5));
  expect(view.term(3)).toBe(5);
  expect(() => view.append(entries(9, 5))).toThrow(/without a gap/);
  expect(() => view.append(entries(4, 4))).toThrow(/never fall/);
});

test('the log: where two may still agree', () => {
  const view = log(1, 1, 2, 4, 4);
  expect(view.lastPlace({ index: 9, term: 9 })).toEqual({ index: 5, term: 4 });
  expect(view.lastPlace({ index: 5, term: 3 })).toEqual({ index: 3, term: 2 });
  expect(view.lastPlace({ index: 2, term: 9 })).toEqual({ index: 2, term: 1 });
  expect(view.lastPlace({ index: 5, term: 0 })).toEqual({ index: 0, term: 0 });
});

test('the log: durable is what was confirmed and not cut since', () => {
  const view = log(1, 1, 1);
  view.wrote({ number: 1, written: 3, last: 3 });
  view.truncateFrom(2);
  view.append(entries(2, 2, 2));
  view.wrote({ number: 2, written: 3, last: 3 });
  view.confirm(1);
  expect(view.durable).toBe(1);
  view.confirm(2);
  expect(view.durable).toBe(3);
});

test('the log: compaction and a bounded memory; the rest is on disk', () => {
  const view = log(...Array.from({ length: 100 }, (_, index) => 1 + Math.floor(index / 30)));
  view.wrote({ number: 1, written: 100, last: 100 });
  view.confirm(1);
  view.evict(90, 400);
  expect(view.cacheBytes).toBeLessThanOrEqual(400);
  expect(view.slice(50, 1_000)).toBeUndefined();
  expect(view.slice(95, 1)?.map(({ index }) => index)).toEqual([95]);
  view.compact(65);
  expect([view.term(64), view.term(65), view.term(66), view.term(100)]).toEqual([undefined, 3, 3, 4]);
  view.compact(100);
  expect(view.last).toEqual({ index: 100, term: 4 });
  view.append(entries(101, 5));
  expect(view.term(101)).toBe(5);
});

test('the log: evicting never takes what is not durable or not applied', () => {
  const view = log(...Array.from({ length: 50 }, () => 1));
  view.evict(50, 0);
  expect(view.cacheFrom).toBe(1);
  view.wrote({ number: 1, written: 50, last: 50 });
  view.confirm(1);
  view.evict(20, 0);
  expect(view.cacheFrom).toBe(21);
});

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('a majority of %i is %i', (count, wanted) => expect(majority(count)).toBe(wanted));

test('quorums while joint: both sides, learners never', () => {
  const configuration = { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], learners: ['l'], addresses: {} };
  const match: Record<string, number> = { a: 9, b: 9, c: 3, d: 2, e: 1, l: 99 };
  expect(quorumValue(configuration, (id) => match[id] ?? 0)).toBe(2);
  expect(hasQuorum(configuration, (id) => ['a', 'b', 'l'].includes(id))).toBe(false);
  expect(hasQuorum(configuration, (id) => ['a', 'c', 'd'].includes(id))).toBe(true);
  const granted = new Set(['a', 'b']);
  expect(paperRules.isElected(configuration, (id) => granted.has(id))).toBe(false);
  granted.add('d').add('e');
  expect(paperRules.isElected(configuration, (id) => granted.has(id))).toBe(true);
});

test('ids are compared as people count', () => {
  const sorted = ['n10', 'n9', 'n1', 'a', 'n9b', '10', '9', 'N1'].toSorted(compareIds);
  expect(sorted).toEqual(['9', '10', 'N1', 'a', 'n1', 'n9', 'n9b', 'n10']);
  const standings = [
    { id: 'n1', priority: 0 },
    { id: 'n2', priority: 0 },
    { id: 'n0', priority: 1 },
  ];
  expect(standings.toSorted(compareStandings).map(({ id }) => id)).toEqual(['n0', 'n2', 'n1']);
});

test('changes: one voter is simple, more are joint', () => {
  const current = { voters: ['a', 'b', 'c'], outgoing: [], learners: ['d'], addresses: {} };
  const target = (...steps: Parameters<typeof targetOf>[1]) => {
    const wanted = targetOf(current, steps);
    return typeof wanted === 'string' ? wanted : transition(current, wanted);
  };
  expect(target({ type: 'promote', id: 'd' })).toMatchObject({ voters: ['a', 'b', 'c', 'd'], outgoing: [] });
  expect(target({ type: 'demote', id: 'a' })).toMatchObject({ voters: ['b', 'c'], learners: ['a', 'd'], outgoing: [] });
  const swap = target({ type: 'promote', id: 'd' }, { type: 'remove', id: 'a' });
  expect(swap).toMatchObject({ voters: ['b', 'c', 'd'], outgoing: ['a', 'b', 'c'] });
  expect(target({ type: 'add-learner', id: 'e', address: 'h:1' })).toMatchObject({ addresses: { e: 'h:1' } });
});

test('the map: commands there and back, and what is none', () => {
  const map = new MapStateMachine();
  const apply = (command: Parameters<typeof encodeMapCommand>[0]) =>
    decodeMapAnswer(map.apply(encodeMapCommand(command)));
  expect(apply({ type: 'get', key: 'k' })).toEqual({ holds: true, value: undefined });
  expect(apply({ type: 'compare-and-set', key: 'k', expected: 'x', value: 'y' }).holds).toBe(false);
  expect(apply({ type: 'compare-and-set', key: 'k', expected: undefined, value: 'y' }).holds).toBe(true);
  expect(apply({ type: 'get', key: 'k' }).value).toBe('y');
  apply({ type: 'put', key: 'é', value: '' });
  const copy = new MapStateMachine();
  const pieces = [...map.snapshot()];
  expect(pieces).toHaveLength(1);
  copy.restore(pieces[0] as Uint8Array, { isFirst: true, isLast: true });
  expect([copy.get('k'), copy.get('é'), copy.size]).toEqual(['y', '', 2]);
  apply({ type: 'delete', key: 'k' });
  expect(map.get('k')).toBeUndefined();
  expect(decodeMapCommand(new Uint8Array([9, 1, 2]))).toBeUndefined();
  expect(decodeMapAnswer(map.apply(new Uint8Array([77]))).holds).toBe(false);
});

test('the presets are valid, and what cannot be is refused', () => {
  for (const preset of Object.values(raftPresets)) expect(raftConfig.resolve(preset)).toBeDefined();
  expect(() => raftConfig.resolve({ heartbeatMs: 100 })).toThrow(/a third of electionTimeoutMs/);
});
