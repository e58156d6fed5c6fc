import { expect, test } from 'vitest';
import { GossipQueue } from '../src/gossip.ts';

const part = (value: number, size = 10): Uint8Array => new Uint8Array(size).fill(value);
const values = (parts: readonly Uint8Array[]): (number | undefined)[] => parts.map(([value]) => value);

test('what was sent least often goes first, and of that what came last', () => {
  const queue = new GossipQueue(100);
  queue.add('a', part(1));
  queue.add('b', part(2));
  expect(values(queue.take(12, 10, true))).toEqual([2]);
  expect(values(queue.take(12, 10, true))).toEqual([1]);
  queue.add('c', part(3));
  expect(values(queue.take(1_000, 10, true))).toEqual([3, 1, 2]);
});

test('news about the same key replaces older news and starts anew', () => {
  const queue = new GossipQueue(100);
  queue.add('a', part(1));
  queue.take(100, 2, true);
  queue.add('a', part(2));
  expect(queue.size).toBe(1);
  expect(values(queue.take(100, 2, true))).toEqual([2]);
  expect(values(queue.take(100, 2, true))).toEqual([2]);
  expect(queue.size).toBe(0);
});

test('telling a member that is down uses up no send', () => {
  const queue = new GossipQueue(100);
  queue.add('a', part(1));
  for (let round = 0; round < 20; round++) expect(queue.take(100, 3, false)).toHaveLength(1);
  for (let round = 0; round < 3; round++) expect(queue.take(100, 3, true)).toHaveLength(1);
  expect(queue.take(100, 3, true)).toEqual([]);
});

test('a part that does not fit is passed over for one that does', () => {
  const queue = new GossipQueue(100);
  queue.add('small', part(1, 5));
  queue.add('large', part(2, 500));
  expect(values(queue.take(100, 3, true))).toEqual([1]);
  expect(values(queue.take(600, 3, true))).toEqual([2, 1]);
});

test('a full queue drops what was sent most often, and counts it', () => {
  const queue = new GossipQueue(3);
  queue.add('old', part(0));
  queue.take(100, 10, true);
  for (const value of [1, 2, 3]) queue.add(`new${value}`, part(value));
  expect(queue.size).toBe(3);
  expect(queue.droppedCount).toBe(1);
  expect(values(queue.take(1_000, 10, true))).toEqual([3, 2, 1]);
});
