// Who is late itself doubts nobody: connections that stand, wake-ups that come late, leaders that stood still.
import { expect, test } from 'vitest';
import { Script } from './support/script.ts';

const three = ['n1', 'n2', 'n3'];

/** Led by n3, and everybody knows of the connections between them. */
function connected(): Script {
  const script = new Script({ voters: three });
  script.live(1_000);
  for (const id of three) for (const peer of three) if (peer !== id) script.input(id, { type: 'connected', peer });
  script.live(100);
  expect(script.leader()).toBe('n3');
  return script;
}

/** Until somebody else stands for election. */
function msUntilDoubt(script: Script, cut: () => boolean = () => false): number {
  const from = script.now;
  while (script.status('n1').role === 'follower' && script.status('n2').role === 'follower') script.live(1, cut);
  return script.now - from;
}

test('a leader that dies closes its connections, and is doubted as soon as votes may be had', () => {
  const script = connected();
  script.crash('n3');
  for (const id of ['n1', 'n2']) script.input(id, { type: 'disconnected', peer: 'n3' });
  const ms = msUntilDoubt(script);
  expect(ms).toBeGreaterThan(140);
  expect(ms).toBeLessThan(220);
});

test('a leader that is silent while its connections stand is given time, and no more than that', () => {
  const script = connected();
  const ms = msUntilDoubt(script, () => true);
  expect(ms).toBeGreaterThan(360);
  expect(ms).toBeLessThan(450);
});

test('the connection to another follower says nothing of the leader; one that comes back counts again', () => {
  const script = connected();
  script.input('n1', { type: 'disconnected', peer: 'n2' });
  script.input('n2', { type: 'disconnected', peer: 'n1' });
  expect(msUntilDoubt(script, () => true)).toBeGreaterThan(360);
  const again = connected();
  for (const id of ['n1', 'n2']) {
    again.input(id, { type: 'disconnected', peer: 'n3' });
    again.input(id, { type: 'connected', peer: 'n3' });
  }
  again.live(100);
  expect(msUntilDoubt(again, () => true)).toBeGreaterThan(360);
});

test('a follower that stood still reads what waited for it before it doubts, and does not put that off for ever', () => {
  const script = connected();
  // n1 and n2 stand still, and nothing reaches them; n3 is dead.
  script.crash('n3');
  script.now += 2_000;
  script.lose();
  for (const id of ['n1', 'n2']) script.input(id, { type: 'wake' });
  for (const id of ['n1', 'n2']) expect(script.status(id).role).toBe('follower');
  expect(msUntilDoubt(script)).toBeLessThanOrEqual(181);
  // Always late by ten milliseconds: after a while it stands all the same.
  const late = connected();
  late.crash('n3');
  let steps = 0;
  for (; late.status('n2').role === 'follower' && steps < 1_000; steps++) {
    late.now += 45;
    late.input('n2', { type: 'wake' });
  }
  expect(steps * 45).toBeLessThan(1_200);
});

test('a leader that stood still listens before it gives up, and gives up when nobody answers then', () => {
  const script = connected();
  script.lose();
  script.now += 450; // longer than it may be without a quorum
  script.input('n3', { type: 'wake' });
  expect(script.status('n3').role).toBe('leader');
  const from = script.now;
  while (script.status('n3').role === 'leader') script.live(1, () => true);
  expect(script.now - from).toBeLessThan(1_000);
});
