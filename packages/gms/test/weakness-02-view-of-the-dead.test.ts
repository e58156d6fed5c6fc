import { expect, test } from 'vitest';
import { crashNoticed, judge, wholeRing } from './support/small.ts';

// Weakness 2 (gms3): the last message that a new leader sends again may be a view that is headed by the dead leader, and
// wedges the group. Here a view is never sent again as it was: each is the result of a flush, and names its members.
test('the leader dies in the middle of bringing a view to the others', () => {
  for (let sends = 1; sends <= 8; sends++) {
    const ring = wholeRing(4, { seed: 20 + sends });
    let left = sends;
    ring.crashAt = (name, effect) =>
      name === 'n1' && effect.type === 'send' && effect.message.kind === 'install' && --left === 0;
    const { id } = ring.peer('n1').member;
    ring.start('n5', ['n3']); // the join makes the view
    ring.runFor(300);
    if (ring.peers.has('n1')) crashNoticed(ring, 'n1');
    else ring.suspectEverywhere(id, 20);
    expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 4, 10_000)).toBe(true);
    for (const { machine } of ring.peers.values()) expect(machine.view?.members[0]?.name).not.toBe('n1');
    for (const name of ring.peers.keys()) expect(ring.post(name)).toBe(true);
    expect(judge(ring)).toEqual([]);
  }
});
