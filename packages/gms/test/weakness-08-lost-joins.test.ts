import { expect, test } from 'vitest';
import { crashNoticed, judge, wholeRing } from './support/small.ts';

// Weakness 8: a join that went to a leader that dies is lost. Here joins are idempotent by the life's id, are asked again
// through any member, and many share one view.
test('four joins while the leader dies: all come in', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const ring = wholeRing(4, { seed });
    for (const name of ['n5', 'n6', 'n7', 'n8']) ring.start(name, ['n1', 'n2', 'n3']);
    ring.runFor(seed * 3);
    crashNoticed(ring, 'n1');
    expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 7, 10_000)).toBe(true);
    expect(judge(ring)).toEqual([]);
  }
});

test('fifty join at once: within a second, and in three views at most', () => {
  const ring = wholeRing(3);
  const before = ring.peer('n1').machine.view?.id as number;
  const startedAt = ring.now;
  for (let number = 4; number <= 53; number++) ring.start(`n${number}`, [`n${1 + (number % 3)}`]);
  expect(ring.runUntil(() => ring.peers.size === 53 && ring.isWhole(), 1_000)).toBe(true);
  expect(ring.now - startedAt).toBeLessThanOrEqual(1_000);
  expect((ring.peer('n1').machine.view?.id as number) - before).toBeLessThanOrEqual(3);
});
