import type { Address } from '@grp/core';
import type { Message } from '@grp/memberlist-wire';
import { describe, expect, test } from 'vitest';
import { incarnationMax } from '../src/claims.ts';
import { writeMeta } from '../src/members.ts';
import { accuse, addressOf, alive, epochMs, node, pushPull, Solo, versions, type SoloOptions } from './support/solo.ts';

/** Suspicion lasts 1 s when fully confirmed and 6 s when not at all (four confirmations possible, three wanted). */
function five(options: SoloOptions = {}): Solo {
  return new Solo(options).know('b', 'c', 'd', 'e');
}

/** Lets time pass until there is such an event; how long that took. */
function untilEvent(solo: Solo, kind: string, withinMs: number): number {
  const startedAt = solo.now;
  while (solo.now - startedAt < withinMs) {
    solo.run(1);
    if (solo.events().some((event) => event.startsWith(kind))) return solo.now - startedAt;
  }
  throw new Error(`no ${kind} within ${withinMs} ms`);
}

function saidOf(solo: Solo, name: string): string[] {
  return solo
    .sent()
    .flatMap(({ messages }) => messages)
    .flatMap((message) =>
      'incarnation' in message && message.node === name ? [`${message.type}@${message.incarnation}`] : [],
    );
}

describe('a suspicion', () => {
  test('is told to everyone, the suspect is probed at once, and it is told of the accusation along with the ping', () => {
    const solo = five();
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    expect(solo.status('b')).toBe('suspect@10');
    expect(solo.take()).toEqual([
      '10000 event suspect b@10',
      // The suspicion itself follows with the next gossip, and rides on the ping besides.
      '10000 send b: ping b #1 + suspect b@10 by a + suspect b@10 by c',
      '10000 dial b: ping b #1 within 1000',
    ]);
    const gossip = solo.run(200).filter((effect) => effect.type === 'send');
    expect(gossip).toHaveLength(3); // the fan-out
  });

  test.each([
    [0, 6_000],
    [1, 3_500],
    [2, 2_038],
    [3, 1_000],
    [4, 1_000],
  ])('with %i confirmations ends after %i ms', (confirmations, afterMs) => {
    const solo = new Solo({ config: { relayCount: 0, streamProbe: false, probeTimeoutMinMs: 400 } }).know(
      'b',
      'c',
      'd',
      'e',
      'f',
    );
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    answerPing(solo, 'b');
    for (const accuser of ['d', 'e', 'f', 'g'].slice(0, confirmations))
      solo.datagram('d', accuse('suspect', 'b', 10, accuser));
    expect(untilEvent(solo, 'down', 20_000)).toBe(afterMs);
  });

  test('said twice by one member confirms nothing', () => {
    const solo = five();
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    answerPing(solo, 'b');
    for (let times = 0; times < 5; times++) solo.datagram('d', accuse('suspect', 'b', 10, 'c'));
    expect(untilEvent(solo, 'down', 20_000)).toBe(6_000);
  });

  test('of a host that refuses, seen from here and confirmed, ends in 400 ms; of a silent one in 1,000', () => {
    for (const [reason, afterMs] of [
      ['refused', 400],
      ['timeout', 1_000],
    ] as const) {
      const solo = five();
      solo.probe('b');
      const sequence = pingsTo(solo, 'b')[0] as number;
      solo.run(400);
      for (const relay of ['c', 'd', 'e']) solo.datagram(relay, { type: 'nack', sequence });
      solo.give({ type: 'no-reply', ticket: solo.dialled()[0]?.ticket ?? 0, reason });
      expect(solo.events()).toEqual(['suspect b@10']);
      for (const accuser of ['c', 'd', 'e']) solo.datagram(accuser, accuse('suspect', 'b', 10, accuser));
      expect([reason, untilEvent(solo, 'down', 10_000)]).toEqual([reason, afterMs]);
    }
  });

  test('is over when the suspect says a greater incarnation, and not for an equal one', () => {
    const solo = five();
    solo.datagram('c', accuse('suspect', 'b', 10, 'c'));
    solo.datagram('b', alive('b'));
    expect(solo.status('b')).toBe('suspect@10');
    solo.datagram('b', alive('b', { incarnation: 11 }));
    solo.run(20_000);
    expect(solo.events()).toEqual(['suspect b@10', 'alive b@11']);
    expect(saidOf(solo, 'b')).toContain('alive@11');
  });

  test('of a greater incarnation starts anew, with the accusers forgotten', () => {
    const solo = five();
    for (const accuser of ['c', 'd']) solo.datagram(accuser, accuse('suspect', 'b', 10, accuser));
    answerPing(solo, 'b');
    solo.run(1_000);
    solo.take();
    solo.datagram('e', accuse('suspect', 'b', 11, 'e'));
    answerPing(solo, 'b');
    expect(untilEvent(solo, 'down', 20_000)).toBe(6_000);
    expect(solo.status('b')).toBe('down@11');
  });

  test('of a large cluster is looked into by few of the others only', () => {
    let looked = 0;
    for (let name = 0; name < 60; name++) {
      const solo = new Solo({ seed: name, config: { confirmersMax: 1, gossipFanout: 1 } }).know('b', 'c', 'd', 'e');
      solo.datagram('b', alive(`m${name}`, { address: `10.0.1.${name + 1}:7946` as Address }));
      solo.take();
      solo.datagram('c', accuse('suspect', `m${name}`, 10, 'c'));
      looked += solo.take().some((line) => line.includes(`ping m${name}`)) ? 1 : 0;
    }
    // One in six of six.
    expect(looked).toBeGreaterThan(3);
    expect(looked).toBeLessThan(25);
  });
});

/** The sequences of the pings that went to a member. */
function pingsTo(solo: Solo, name: string): number[] {
  return solo
    .sent()
    .flatMap(({ messages }) => messages)
    .flatMap((message) => (message.type === 'ping' && message.node === name ? [message.sequence] : []));
}

/** The suspect acks, and refutes nothing: so this node's own probe is no accuser besides. */
function answerPing(solo: Solo, name: string): void {
  for (const sequence of pingsTo(solo, name))
    solo.datagram(name, { type: 'ack', sequence, payload: new Uint8Array(0) });
}

describe('this member refutes', () => {
  test.each(['suspect', 'dead'] as const)('%s: with a greater incarnation, to everyone at once', (type) => {
    const solo = five();
    solo.datagram('b', accuse(type, 'a', 10, 'b'));
    expect(solo.status('a')).toBe('alive@11');
    expect(solo.take()).toEqual(['b', 'c', 'd', 'e'].map((name) => `10000 gossip ${name}: alive a@11`));
    expect(solo.machine.healthScore).toBe(1);
  });

  test('one accusation once', () => {
    const solo = five();
    for (const accuser of ['b', 'c', 'd']) solo.datagram(accuser, accuse('suspect', 'a', 10, accuser));
    expect(solo.status('a')).toBe('alive@11');
    expect(solo.drops()).toEqual({ stale: 2 });
  });

  test('far greater numbers too, up to the limit, and what is beyond it is dropped', () => {
    const solo = five();
    solo.datagram('b', accuse('suspect', 'a', incarnationMax, 'b'));
    expect(solo.status('a')).toBe(`alive@${incarnationMax + 1}`);
    solo.datagram('b', accuse('dead', 'a', incarnationMax + 2, 'b'));
    solo.datagram('b', accuse('dead', 'a', 0xffff_ffff, 'b'));
    solo.datagram('b', alive('a', { incarnation: 0xffff_ffff }));
    expect(solo.status('a')).toBe(`alive@${incarnationMax + 1}`);
    expect(solo.drops()).toEqual({ 'incarnation-limit': 3 });
  });

  test('a forged maximum can be outdone, and the others believe it', () => {
    const solo = five();
    solo.datagram('c', accuse('dead', 'b', incarnationMax, 'c'));
    expect(solo.status('b')).toBe(`down@${incarnationMax}`);
    solo.datagram('b', alive('b', { incarnation: incarnationMax + 1 }));
    expect(solo.status('b')).toBe(`alive@${incarnationMax + 1}`);
    // Again and again: whoever wants to raise it must repeat what the member itself said.
    solo.datagram('c', accuse('dead', 'b', incarnationMax + 2, 'c'));
    expect(solo.status('b')).toBe(`alive@${incarnationMax + 1}`);
    solo.datagram('c', accuse('dead', 'b', incarnationMax + 1, 'c'));
    solo.datagram('b', alive('b', { incarnation: incarnationMax + 2 }));
    expect(solo.status('b')).toBe(`alive@${incarnationMax + 2}`);
  });

  test('nothing more once it leaves', () => {
    const solo = five();
    solo.give({ type: 'leave' });
    solo.take();
    solo.datagram('b', accuse('suspect', 'a', 10, 'b'));
    expect(saidOf(solo, 'a')).not.toContain('alive@11');
    expect(solo.status('a')).toBe('left@10');
  });
});

describe('what an older life said', () => {
  /** b restarted: its new life begins a minute later. */
  const later = { startedAt: epochMs + 60_000, incarnation: 70 };

  test('a restart at the same address supersedes its past at once: the old life ended, the new one joined', () => {
    const solo = five();
    const oldId = solo.member('b').id;
    solo.datagram('c', alive('b', later));
    expect(solo.events()).toEqual(['down b@10', 'join b@70']);
    expect([oldId, solo.member('b').id]).toEqual([`b#${epochMs}`, `b#${epochMs + 60_000}`]);
    expect(solo.take().filter((line) => line.includes('ping'))).toEqual([]); // nobody needed to be asked
  });

  test('a restart at another address is believed once the old address is known to be silent', () => {
    const solo = five({ config: { relayCount: 0, streamProbe: false } });
    const moved = { ...later, address: addressOf('x') };
    solo.datagram('c', alive('b', moved));
    expect(solo.status('b')).toBe('alive@10');
    expect(solo.takeStory()).toEqual(['10000 drop name-conflict', '10000 send b: ping b #1']);
    solo.run(400);
    for (const accuser of ['c', 'd', 'e']) solo.datagram(accuser, accuse('suspect', 'b', 10, accuser));
    solo.run(2_000);
    expect(solo.status('b')).toBe('down@10');
    solo.datagram('c', alive('b', moved));
    expect(solo.status('b')).toBe('alive@70');
    expect([solo.member('b').address, solo.member('b').id]).toEqual([addressOf('x'), `b#${epochMs + 60_000}`]);
    expect(solo.events()).toEqual(['suspect b@10', 'down b@10', 'join b@70']);
  });

  test('a restart of a member that was down, anywhere, is a join', () => {
    const solo = five();
    solo.datagram('c', accuse('dead', 'b', 10, 'c'));
    solo.take();
    solo.datagram('c', alive('b', { ...later, address: addressOf('x') }));
    expect(solo.events()).toEqual(['join b@70']);
  });

  test.each([
    ['a leave', accuse('dead', 'b', 10, 'b')],
    ['a suspicion', accuse('suspect', 'b', 10, 'c')],
    ['a death', accuse('dead', 'b', 10, 'c')],
    ['an alive', alive('b')],
    ['an alive at another address', alive('b', { address: addressOf('x') })],
  ])('%s of it, replayed, is dropped and counted as stale', (_, replayed) => {
    const solo = five();
    solo.datagram('c', alive('b', later));
    solo.run(5_000);
    solo.take();
    solo.datagram('c', replayed);
    expect(solo.drops()).toEqual({ stale: 1 });
    expect(solo.events()).toEqual([]);
    expect(solo.status('b')).toBe('alive@70');
    expect(solo.sent()).toEqual([]);
  });

  test('a whole list of it, replayed, changes nothing', () => {
    const solo = five();
    solo.datagram('c', alive('b', later));
    solo.take();
    for (const state of ['alive', 'suspect', 'dead', 'left'] as const) {
      solo.give({ type: 'request', ticket: 1, from: addressOf('c'), message: pushPull([node('b', { state })]) });
    }
    expect(solo.drops()).toEqual({ stale: 5 }); // a suspect is both alive and accused
    expect(solo.events()).toEqual([]);
  });

  test('a life that left stays gone until a greater incarnation', () => {
    const solo = five();
    solo.datagram('b', accuse('dead', 'b', 10, 'b'));
    expect(solo.status('b')).toBe('left@10');
    for (const message of [alive('b'), accuse('suspect', 'b', 10, 'c'), accuse('dead', 'b', 10, 'c')])
      solo.datagram('c', message);
    expect(solo.status('b')).toBe('left@10');
    // Whoever still holds it for a member is told, and nobody else.
    const told = solo
      .sent()
      .filter(({ to }) => to === 'c')
      .flatMap(({ messages }) => messages);
    expect(told).toContainEqual(accuse('dead', 'b', 10, 'b'));
    solo.datagram('b', alive('b', { incarnation: 11 }));
    expect(solo.events()).toEqual(['leave b@10', 'join b@11']);
  });
});

describe('limits', () => {
  test('members: one more is dropped and counted, and a forgotten one makes room', () => {
    const solo = new Solo({ config: { membersMax: 4, forgetDownMs: 5_000 } }).know('b', 'c', 'd');
    solo.datagram('b', alive('e'));
    expect(solo.drops()).toEqual({ 'members-limit': 1 });
    expect(solo.status('e')).toBe('unknown');
    solo.datagram('b', accuse('dead', 'd', 10, 'b'));
    solo.run(5_000);
    expect(solo.events()).toEqual(['down d@10', 'forget d@10']);
    solo.datagram('b', alive('e'));
    expect(solo.status('e')).toBe('alive@10');
  });

  test('gossip: the queue never holds more than its limit', () => {
    const solo = new Solo({ config: { broadcastsMax: 16, membersMax: 1_000 } }).know('b');
    for (let index = 0; index < 500; index++) {
      solo.datagram('b', alive(`m${index}`, { address: `10.1.${index >> 8}.${index & 255}:7946` as Address }));
      expect(solo.machine.broadcastsQueued).toBeLessThanOrEqual(16);
    }
    expect(solo.machine.members()).toHaveLength(502);
  });

  test.each<[string, Message]>([
    ['a name of 129 letters', alive('n'.repeat(129), { address: addressOf('z') })],
    ['513 bytes of meta', alive('z', { meta: new Uint8Array(513) })],
    ['an accuser with a name of 129 letters', accuse('suspect', 'b', 10, 'x'.repeat(129))],
    ['the same for a death', accuse('dead', 'b', 10, 'x'.repeat(129))],
  ])('%s is dropped and counted', (_, message) => {
    const solo = five();
    solo.datagram('c', message);
    expect(solo.take()).toEqual(['10000 drop member-size']);
  });

  test('the largest member that is allowed still fits a datagram with everything around it', () => {
    const solo = five();
    const name = 'é'.repeat(128);
    solo.datagram('c', alive(name, { address: addressOf('z'), meta: new Uint8Array(512) }));
    solo.datagram('c', accuse('suspect', name, 10, 'ü'.repeat(128)));
    solo.run(20_000);
    expect(solo.machine.broadcastsQueued).toBe(0);
  });

  test('versions: a member that does not speak protocol 2 is not taken in', () => {
    const solo = five();
    solo.datagram('b', alive('z', { versions: Uint8Array.of(3, 5, 4, 2, 5, 5) }));
    expect(solo.drops()).toEqual({ versions: 1 });
    solo.datagram('b', alive('z', { versions: Uint8Array.of(1, 2, 2, 0, 0, 0) }));
    solo.datagram('b', alive('y', { versions: new Uint8Array(0) })); // it did not say
    expect([solo.status('z'), solo.status('y')]).toEqual(['alive@10', 'alive@10']);
  });

  test('an accusation of somebody unknown is dropped, and makes nobody known', () => {
    const solo = five();
    solo.datagram('b', accuse('suspect', 'z', 10, 'b'), accuse('dead', 'z', 10, 'b'));
    expect(solo.drops()).toEqual({ 'unknown-member': 2 });
    expect(solo.status('z')).toBe('unknown');
  });
});

describe('a member at another’s address', () => {
  test('forgotten, it leaves the address to who is there', () => {
    const solo = five({ config: { forgetLeftMs: 2_000 } });
    solo.datagram('c', alive('impostor', { address: addressOf('b') }));
    solo.datagram('c', accuse('dead', 'impostor', 10, 'impostor'));
    solo.run(3_000);
    expect(solo.status('impostor')).toBe('unknown');
    solo.take();
    solo.datagram('b', accuse('suspect', 'd', 10, 'b'));
    expect(solo.drops()).toEqual({});
    expect(solo.status('d')).toBe('suspect@10');
  });

  test('new tags are an update, not a new life', () => {
    const solo = five();
    solo.datagram('b', alive('b', { incarnation: 11, meta: writeMeta({ role: 'web' }, epochMs), versions }));
    expect(solo.events()).toEqual(['update b@11']);
    expect(solo.member('b')).toMatchObject({ tags: { role: 'web' }, startedAt: epochMs });
  });
});
