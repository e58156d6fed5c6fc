import { describe, expect, test } from 'vitest';
import { accuse, addressOf, node, pushPull, Solo, type SoloOptions } from './support/solo.ts';

function five(options: SoloOptions = {}): Solo {
  return new Solo(options).know('b', 'c', 'd', 'e');
}

describe('a leave', () => {
  test('is said to everyone, three times at least, and ends when nothing waits to be told', () => {
    const solo = new Solo({ config: { leaveRounds: 3 } }).know('b', 'c');
    solo.give({ type: 'leave' });
    solo.run(5_000);
    const said = solo.take();
    for (const name of ['b', 'c']) {
      expect(said.filter((line) => line.includes(` ${name}: dead a@10 by a`)).length).toBeGreaterThanOrEqual(3);
    }
    expect(said.at(-1)).toMatch(/^1\d{4} left$/);
    expect(said.filter((line) => line.endsWith(' left'))).toHaveLength(1);
    expect(solo.status('a')).toBe('left@10');
    expect(solo.machine.nextDeadline() ?? Infinity).toBeGreaterThan(solo.now + 100_000);
  });

  test('of a member that is alone is over at once; a second one is none', () => {
    const solo = new Solo();
    solo.give({ type: 'leave' }, { type: 'leave' });
    expect(solo.take()).toEqual(['0 left']);
  });

  test('ends probing: nothing is suspected on the way out, and nobody new is let in', () => {
    const solo = five();
    solo.give({ type: 'start' });
    solo.probe('b');
    solo.give({ type: 'leave' });
    solo.take();
    solo.run(5_000);
    expect(solo.events()).toEqual([]);
    expect(solo.take().filter((line) => line.includes('ping') || line.includes('dial'))).toEqual([]);
    solo.give({ type: 'request', ticket: 9, from: addressOf('z'), message: pushPull([node('z')], true) });
    expect(solo.take().slice(-2)).toEqual(['15000 drop stream-request', '15000 hang-up']);
  });

  test('is not taken back by new tags', () => {
    const solo = five();
    solo.give({ type: 'leave' });
    solo.take();
    expect(solo.give({ type: 'set-meta', meta: new Uint8Array(3) })).toEqual([]);
    expect(solo.status('a')).toBe('left@10');
  });

  test('of another member is no failure, and its agents’ late suspicions are answered with it', () => {
    const solo = five();
    solo.datagram('b', accuse('dead', 'b', 10, 'b'));
    expect(solo.take()[0]).toBe('10000 event leave b@10');
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    expect(solo.take()).toEqual(['10000 gossip c: dead b@10 by b']);
  });
});
