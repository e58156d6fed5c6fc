import { expect, test } from 'vitest';
import { judge, rows, wholeRing } from './support/small.ts';

// Weakness 1 of the classical design (gms2): a leader that dies in the middle of a multicast leaves survivors that differ
// for ever. Here the flush agrees on the cut before the new view: whatever the send at which the leader dies.
test.each([1, 2, 3, 4, 5, 7, 9, 12])(
  'the leader dies at send %i of its multicasts, and the survivors agree',
  (sends) => {
    const ring = wholeRing(5, { seed: sends });
    const { id } = ring.peer('n1').member;
    let left = sends;
    ring.crashAt = (name, effect) => name === 'n1' && effect.type === 'fan-out' && --left === 0;
    for (let round = 0; round < 5; round++) {
      for (const name of ['n1', 'n2', 'n3']) if (ring.peers.has(name)) ring.post(name);
      ring.runFor(1);
    }
    expect(ring.peers.has('n1')).toBe(false);
    ring.suspectEverywhere(id, 50);
    expect(ring.runUntil(() => ring.isWhole(), 5_000)).toBe(true);
    expect(rows(ring).size).toBe(1);
    expect(judge(ring)).toEqual([]);
  },
);
