import { expect, test } from 'vitest';
import { crashNoticed, judge, wholeRing } from './support/small.ts';

test('a view change takes a few message delays after the suspicion', () => {
  const ring = wholeRing(5, { delayMs: 0.1 });
  crashNoticed(ring, 'n1', 0);
  const startedAt = ring.now;
  expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 4, 1_000)).toBe(true);
  expect(ring.now - startedAt).toBeLessThan(30); // five delays, of which one in twenty is forty times as long
});

test('members that were judged too silent count again when they answer, or nobody could go on', () => {
  const ring = wholeRing(5, { config: { silentExcludeMs: 500, flushTimeoutMs: 400 } });
  ring.pause('n3', true);
  ring.pause('n4', true);
  crashNoticed(ring, 'n2');
  crashNoticed(ring, 'n5'); // what is left is a majority only with both who are silent
  ring.runFor(3_000);
  expect(ring.peer('n1').machine.status).toBe('blocked');
  ring.pause('n3', false);
  ring.pause('n4', false);
  expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 3, 5_000)).toBe(true);
  expect(judge(ring)).toEqual([]);
});

test('a member that answers no flush is left out in the end, though nobody suspects it', () => {
  const ring = wholeRing(5, { config: { silentExcludeMs: 500, flushTimeoutMs: 400 } });
  ring.pause('n3', true);
  crashNoticed(ring, 'n4');
  ring.runFor(2_000);
  expect(ring.peer('n1').machine.view?.members.map(({ name }) => name)).not.toContain('n3');
  ring.pause('n3', false);
  expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 4, 5_000)).toBe(true);
  expect(judge(ring)).toEqual([]);
});

test('without a quorum rule a lone survivor goes on', () => {
  const ring = wholeRing(3, { quorum: 'none' });
  crashNoticed(ring, 'n1');
  crashNoticed(ring, 'n2');
  expect(ring.runUntil(() => ring.isWhole(), 1_000)).toBe(true);
  expect(ring.post('n3')).toBe(true);
  ring.runFor(10);
  expect(ring.peer('n3').state).toHaveLength(1);
});
