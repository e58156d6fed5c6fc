import { expect, test } from 'vitest';
import { crashNoticed, judge, wholeRing } from './support/small.ts';

// Weakness 11: the dead stay in the view, nobody can leave, nothing is bounded, and a leader's own messages come first.
test('everyone who dies leaves the view, not only the leader', () => {
  const ring = wholeRing(5);
  crashNoticed(ring, 'n4');
  expect(ring.runUntil(() => ring.isWhole(), 5_000)).toBe(true);
  expect(ring.peer('n1').machine.view?.members.map(({ name }) => name)).not.toContain('n4');
});

test('a leader leaves without a gap: what it sent is delivered, and the others go on at once', () => {
  const ring = wholeRing(4);
  for (const name of ring.peers.keys()) for (let count = 0; count < 10; count++) ring.post(name);
  ring.events.push({ type: 'leave', at: ring.now, node: ring.peer('n1').member.id });
  ring.push('n1', { type: 'leave' });
  const startedAt = ring.now;
  expect(
    ring.runUntil(() => ring.peers.size === 3 && ring.isWhole() && ring.peer('n2').state.length === 40, 5_000),
  ).toBe(true);
  expect(ring.now - startedAt).toBeLessThan(500); // no failure detector had a part in it
  expect(judge(ring)).toEqual([]);
});

const tight = {
  unstableBytesMax: 65_536,
  paceBytes: 16_384,
  ackBytes: 2_048,
  sendQueueBytes: 16_384,
  sendWindowBytes: 4_096,
};

test('a member that stands still holds up a bounded number of bytes, and all of it is freed when it goes on', () => {
  const ring = wholeRing(4, { config: tight });
  ring.pause('n3', true);
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    for (const name of ['n1', 'n2', 'n4', 'n1', 'n2', 'n4']) if (!ring.post(name)) refused++;
    for (const { machine } of ring.peers.values()) {
      expect(machine.queues.rowBytes).toBeLessThan(tight.unstableBytesMax + 1_000);
      expect(machine.queues.ownBytes).toBeLessThan(tight.sendQueueBytes + 1_000);
    }
    ring.runFor(5);
  }
  expect(refused).toBeGreaterThan(0); // the limit was reached, and said so
  ring.pause('n3', false);
  expect(ring.runUntil(() => ring.isWhole(), 10_000)).toBe(true);
  ring.runFor(3_000);
  for (const { machine } of ring.peers.values())
    expect(machine.queues).toEqual({ rowBytes: 0, ownBytes: 0, earlyBytes: 0 });
  expect(judge(ring)).toEqual([]);
});

test('a member that stands still for too long is left out, and comes back', () => {
  const ring = wholeRing(4, { config: { ...tight, slowHintMs: 100, slowExcludeMs: 1_000 } });
  ring.pause('n3', true);
  for (let round = 0; round < 600; round++) {
    for (const name of ['n1', 'n2', 'n4']) ring.post(name);
    ring.runFor(5);
  }
  expect(ring.peer('n1').machine.view?.members.length).toBe(3);
  ring.pause('n3', false);
  expect(ring.runUntil(() => ring.isWhole() && ring.peers.size === 4, 10_000)).toBe(true);
  expect(judge(ring)).toEqual([]);
});

test('a leader that sends all the time does not starve the others', () => {
  const ring = wholeRing(4, { config: tight });
  for (let round = 0; round < 200; round++) {
    for (let count = 0; count < 20; count++) ring.post('n1');
    ring.post('n2');
    ring.runFor(2);
  }
  ring.runFor(100);
  const { state } = ring.peer('n3');
  expect(state.filter((message) => message.startsWith('n2')).length).toBe(200);
  expect(state.filter((message) => message.startsWith('n1')).length).toBeGreaterThan(1_000);
});
