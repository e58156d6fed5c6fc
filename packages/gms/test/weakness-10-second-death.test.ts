import { expect, test } from 'vitest';
import { judge, rows, wholeRing } from './support/small.ts';

// Weakness 10: the second leader dies while it takes over (Derecho's issue 126). Here a flush can be begun anew by anyone,
// with a higher ballot, and adopts what the dead proposer may have decided.
test('the proposer of the flush dies at every one of its sends', () => {
  for (let sends = 1; sends <= 24; sends++) {
    const ring = wholeRing(7, { seed: sends });
    for (let round = 0; round < 3; round++) for (const name of ring.peers.keys()) ring.post(name);
    const [first, second] = [ring.peer('n1').member.id, ring.peer('n2').member.id];
    let left = sends;
    ring.crashAt = (name, effect) => {
      const kinds = ['propose', 'sync', 'install', 'ordered'];
      const isFlush = effect.type === 'send' && kinds.includes(effect.message.kind);
      if (name !== 'n2' || ring.peers.has('n1') || !isFlush || --left > 0) return false;
      ring.later(0, () => ring.suspectEverywhere(second, 30));
      return true;
    };
    ring.crash('n1');
    ring.suspectEverywhere(first, 30);
    ring.runFor(200);
    expect(ring.runUntil(() => ring.isWhole(), 10_000)).toBe(true);
    expect(rows(ring).size).toBe(1);
    expect(judge(ring)).toEqual([]);
  }
});
