import { expect, test } from 'vitest';
import { judge, wholeRing } from './support/small.ts';

// Weakness 7: a dying member delivers what no survivor delivers. At the level `safe` a message is delivered when all
// members of the view hold it, and the flush brings all who go on to one point before anyone delivers on.
test('safe: whatever a dying leader has delivered, the survivors deliver', () => {
  for (let sends = 1; sends <= 40; sends++) {
    const ring = wholeRing(4, { seed: sends, delivery: 'safe' });
    const leader = ring.peer('n1');
    let left = sends;
    ring.crashAt = (name) => name === 'n1' && --left === 0;
    for (let round = 0; round < 6; round++) {
      for (const name of ring.peers.keys()) ring.post(name);
      ring.runFor(2);
    }
    if (ring.peers.has('n1')) continue;
    ring.suspectEverywhere(leader.member.id, 20);
    expect(ring.runUntil(() => ring.isWhole(), 5_000)).toBe(true);
    const survivor = ring.peer('n2').state;
    expect(survivor.slice(0, leader.state.length)).toEqual(leader.state);
    expect(judge(ring, { delivery: 'safe' })).toEqual([]);
  }
});
