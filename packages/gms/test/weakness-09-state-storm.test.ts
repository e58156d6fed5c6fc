import { expect, test } from 'vitest';
import { judge, wholeRing } from './support/small.ts';

// Weakness 9: every member answers a request for the state with a multicast of all of it, and a joiner hangs when those
// who know it die. Here one member gives it, point to point, and the next one when that fails.
test('one member gives the state', () => {
  const ring = wholeRing(4, { seed: 3 });
  for (let count = 0; count < 50; count++) ring.post('n2');
  ring.runFor(200);
  let heads = 0;
  ring.crashAt = (_, effect) => {
    if (effect.type === 'send' && effect.message.kind === 'state-head') heads++;
    return false;
  };
  ring.start('n5', ['n3']);
  expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 5, 5_000)).toBe(true);
  expect(heads).toBe(1);
  expect(ring.peer('n5').state).toEqual(ring.peer('n1').state);
});

test('the donor dies half-way, and the next one begins anew, while messages go on', () => {
  for (let chunks = 1; chunks <= 7; chunks += 2) {
    const ring = wholeRing(4, { seed: 30 + chunks });
    for (let count = 0; count < 200; count++) ring.post('n2');
    ring.runFor(200);
    let left = chunks;
    let donor: string | undefined;
    ring.crashAt = (name, effect) => {
      const isChunk = effect.type === 'send' && effect.message.kind === 'state-chunk';
      if (donor !== undefined || !isChunk || --left > 0) return false;
      donor = name;
      const { id } = ring.peer(name).member;
      ring.later(1, () => ring.suspectEverywhere(id, 20));
      return true;
    };
    ring.start('n5', ['n2']);
    for (let count = 0; count < 80; count++) {
      for (const name of ['n1', 'n2']) if (ring.peers.has(name)) ring.post(name);
      ring.runFor(5);
    }
    expect(donor).toBeDefined();
    expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 4, 10_000)).toBe(true);
    expect(judge(ring)).toEqual([]);
    expect(ring.failures).toEqual([]);
  }
});

test('all who had the state die: the joiner does not hang, and says that it looks on', () => {
  const ring = wholeRing(1);
  ring.start('n2', ['n1']);
  ring.crashAt = (_, effect) => effect.type === 'send' && effect.message.kind === 'state-head';
  ring.runFor(500);
  expect(ring.peers.has('n1')).toBe(false);
  ring.tell('n2', { type: 'suspect', member: 'n1#1' as never });
  expect(ring.runUntil(() => (ring.counters['gms.start-over'] ?? 0) > 0, 30_000)).toBe(true);
  expect(ring.peer('n2').machine.status).toBe('joining');
});
