import { expect, test } from 'vitest';
import { isComplete, waitsToBeAdded } from '../src/cluster/lists.ts';

test('a list is complete when exactly these members are alive, and none is suspected', () => {
  const member = (name: string, status: 'alive' | 'suspect' | 'down' = 'alive') => ({ name, status });
  const complete = (...members: readonly ReturnType<typeof member>[]) =>
    isComplete({ members } as unknown as Parameters<typeof isComplete>[0], new Set(['a', 'b']));
  expect(complete(member('a'), member('b'), member('c', 'down'))).toBe(true);
  expect(complete(member('a'))).toBe(false);
  expect(complete(member('a'), member('c'))).toBe(false);
  expect(complete(member('a'), member('b'), member('c', 'suspect'))).toBe(false);
});

test('a server whose disk was emptied waits to be added; a learner does not, nor one that is added without being asked', () => {
  expect(waitsToBeAdded({ group: 'chat', voters: [], learners: [] })).toBe(true);
  expect(waitsToBeAdded({ group: 'chat', voters: ['n1'], learners: ['n2'] })).toBe(false);
  expect(waitsToBeAdded({ group: 'dfs-meta', voters: [], learners: [] })).toBe(false);
});
