// What the levels and the lab keep has a limit, and reaching it does no harm beyond what it says.
import { wake } from '@grp/core';
import { expect, test } from 'vitest';
import { Gms3 } from '../src/gms/levels/gms3.ts';
import { Gms4 } from '../src/gms/levels/gms4.ts';
import { RunLog } from '../src/gms/levels/log.ts';
import type { ColourChange, LevelEffect, LevelInput } from '../src/gms/levels/messages.ts';

const view = { id: 1, members: ['n1', 'n2'] };

function change(count: number): ColourChange {
  return { id: `n1-${count}`, sender: 'n1', count, change: 1 };
}

function numbered(number: number): LevelInput {
  return { type: 'receive', from: 'n1', wire: { type: 'message', number, message: change(number) } };
}

function delivered(effects: readonly LevelEffect[]): number {
  return effects.filter(({ type }) => type === 'deliver').length;
}

test('a member that waits for a number keeps 4,096 later ones', () => {
  const member = new Gms3('n2', view);
  const later = Array.from({ length: 4_200 }, (_, index) => numbered(index + 2));
  for (const input of later) expect(member.step([input], 0)).toEqual([]);
  // The first one comes to a full mailbox too; with room it would free them all.
  expect(delivered(member.step([numbered(1)], 0))).toBe(0);
}, 20_000);

test('a member that waits frees what it has when the number comes', () => {
  const member = new Gms3('n2', view);
  member.step(
    Array.from({ length: 100 }, (_, index) => numbered(index + 2)),
    0,
  );
  expect(delivered(member.step([numbered(1)], 0))).toBe(101);
});

test('a leader keeps 4,096 messages for a member that never answers, and repeats 32 of them at a time', () => {
  const leader = new Gms4('n1', view);
  for (let count = 1; count <= 4_200; count++) leader.step([{ type: 'multicast', message: change(count) }], 0);
  const at = leader.nextDeadline() ?? 0;
  const repeated = leader.step([wake], at).flatMap((effect) => (effect.type === 'send' ? [effect.wire] : []));
  expect(repeated).toHaveLength(32);
  expect(repeated[0]).toMatchObject({ number: 4_200 - 4_096 + 1 });
});

test('a request is repeated until one’s own message is delivered, and then no more', () => {
  const member = new Gms4('n2', view);
  const own = { id: 'n2-1', sender: 'n2', count: 1, change: 1 };
  expect(member.step([{ type: 'multicast', message: own }], 0)).toHaveLength(1);
  expect(member.step([wake], 99)).toEqual([]);
  expect(member.step([wake], 100)).toMatchObject([{ type: 'send', to: 'n1', wire: { type: 'request' } }]);
  member.step([{ type: 'receive', from: 'n1', wire: { type: 'message', number: 1, message: own } }], 120);
  expect(member.nextDeadline()).toBeUndefined();
});

test('a log keeps 200,000 events for the diagram, and judges all of them', () => {
  const log = new RunLog({ delivery: 'agreed', withinMs: 1_000, note: () => {} });
  for (let serial = 0; serial <= 200_000; serial++) log.tell('n1', 0, { type: 'receive', from: 'n2', serial });
  expect(log.events).toHaveLength(200_000);
  log.start('n1', 0);
  log.calm(0);
  expect(log.finish()).toMatchObject([{ checker: 'liveness after faults stop' }]);
});
