import { describe, expect, test } from 'vitest';
import type { Address } from '@grp/core';
import type { Message } from '@grp/memberlist-wire';
import type { Effect } from '../src/index.ts';
import { accuse, addressOf, alive, node, Solo, type SoloOptions } from './support/solo.ts';

/** a knows b, c, d and e, all is quiet, and b is about to be probed. */
function five(options: SoloOptions = {}): Solo {
  return new Solo(options).know('b', 'c', 'd', 'e');
}

function sequenceOf(solo: Solo, to = 'b'): number {
  for (const { to: receiver, messages } of solo.sent()) {
    for (const message of messages) if (receiver === to && message.type === 'ping') return message.sequence;
  }
  throw new Error(`no ping went to ${to}`);
}

const ack = (sequence: number, payload = new Uint8Array(0)): Message => ({ type: 'ack', sequence, payload });
const nack = (sequence: number): Message => ({ type: 'nack', sequence });

function streamOf(effects: readonly Effect[]): number {
  const dialled = effects.find((effect) => effect.type === 'exchange');
  if (dialled === undefined) throw new Error('no stream was dialled');
  return dialled.ticket;
}

describe('a probe', () => {
  test('that is answered at once asks nobody else', () => {
    const solo = five();
    solo.probe('b');
    solo.now += 3;
    solo.datagram('b', ack(sequenceOf(solo)));
    solo.run(5_000);
    expect(solo.take()).toEqual(['10000 send b: ping b #1']);
    expect(solo.member('b').rttMs).toBe(3);
    expect(solo.machine.healthScore).toBe(0);
  });

  test('waits 400 ms for a member without a measured round trip, then asks three relays and a stream at once', () => {
    const solo = five();
    solo.probe('b');
    expect(solo.run(399)).toEqual([]);
    solo.run(1);
    expect(solo.take().toSorted()).toEqual([
      '10000 send b: ping b #1',
      '10400 dial b: ping b #1 within 600',
      '10400 send c: indirect-ping b #1',
      '10400 send d: indirect-ping b #1',
      '10400 send e: indirect-ping b #1',
    ]);
  });

  test('waits 100 ms, the least, for a member that answers in three', () => {
    const solo = five();
    for (let probe = 0; probe < 12; probe++) {
      solo.probe('b');
      const sequence = sequenceOf(solo);
      solo.now += 3;
      solo.datagram('b', ack(sequence));
      solo.take();
    }
    const startedAt = solo.now;
    solo.probe('b');
    solo.run(100);
    expect(solo.take().filter((line) => line.includes('dial'))).toEqual([
      `${startedAt + 100} dial b: ping b #13 within 900`,
    ]);
  });

  test('ends when every relay has nacked and the stream has failed, not when the interval is over', () => {
    const solo = five();
    solo.probe('b');
    const sequence = sequenceOf(solo);
    const ticket = streamOf(solo.run(400));
    solo.now += 50;
    solo.give({ type: 'no-reply', ticket, reason: 'timeout' });
    for (const relay of ['c', 'd']) solo.datagram(relay, nack(sequence));
    expect(solo.events()).toEqual([]);
    solo.now += 1;
    solo.datagram('e', nack(sequence));
    expect(solo.take().find((line) => line.includes('event'))).toBe('10451 event suspect b@10');
    expect(solo.machine.healthScore).toBe(0); // everyone answered: this node's own path is fine
  });

  test('succeeds by the ack that a relay brings, by the stream, and by a late ack of the target itself', () => {
    const answers: ((solo: Solo, sequence: number, ticket: number) => void)[] = [
      (solo, sequence) => void solo.datagram('d', ack(sequence)),
      (solo, sequence, ticket) =>
        void solo.give({ type: 'reply', ticket, message: { type: 'ack', sequence, payload: new Uint8Array(0) } }),
      (solo, sequence) => void solo.datagram('b', ack(sequence)),
    ];
    for (const answer of answers) {
      const solo = five();
      solo.probe('b');
      const sequence = sequenceOf(solo);
      const ticket = streamOf(solo.run(400));
      answer(solo, sequence, ticket);
      solo.run(20_000);
      expect(solo.events()).toEqual([]);
      expect(solo.status('b')).toBe('alive@10');
      expect(solo.member('b').rttMs).toBeUndefined(); // nobody knows whose delay that was
    }
  });

  test('a stream that answers with another sequence, another message or an error proves nothing', () => {
    for (const message of [
      { type: 'ack', sequence: 1, payload: new Uint8Array(0) },
      { type: 'error', message: 'no' },
      { type: 'user', body: new Uint8Array(0) },
    ] as const) {
      const solo = five();
      solo.probe('b');
      const sequence = sequenceOf(solo);
      solo.give({ type: 'reply', ticket: streamOf(solo.run(400)), message });
      for (const relay of ['c', 'd', 'e']) solo.datagram(relay, nack(sequence));
      expect(solo.events()).toEqual(['suspect b@10']);
    }
  });

  test('acks and nacks that fit nothing, or come from elsewhere, are dropped and counted', () => {
    const solo = five();
    solo.probe('b');
    const sequence = sequenceOf(solo);
    solo.datagram('b', ack(sequence + 1));
    solo.datagram('c', ack(sequence)); // c was not asked yet
    solo.datagram('c', nack(sequence));
    solo.run(400);
    solo.datagram('c', nack(sequence));
    solo.datagram('c', nack(sequence)); // twice
    expect(solo.drops()).toEqual({ 'unknown-sequence': 1, source: 3 });
  });

  test('relays that say nothing at all worsen this node’s own health, and with it its patience', () => {
    const solo = five();
    solo.probe('b');
    solo.run(1_000);
    expect(solo.events()).toEqual(['suspect b@10']);
    expect(solo.machine.healthScore).toBe(3);
    // A node that is unwell gives the suspect more time: 2 × 6 × 1 s.
    solo.run(11_000);
    expect(solo.status('b')).toBe('suspect@10');
    solo.run(2_000);
    expect(solo.status('b')).toBe('down@10');
  });

  test('one probe of a member at a time, and none of oneself, of strangers and of the gone', () => {
    const solo = five();
    for (const name of ['b', 'b', 'a', 'nobody']) solo.probe(name);
    expect(solo.take()).toEqual(['10000 send b: ping b #1']);
    solo.datagram('c', accuse('dead', 'd', 10, 'c'));
    solo.take();
    expect(solo.probe('d')).toEqual([]);
  });

  test('a thousand at once, and no more', () => {
    const solo = new Solo();
    const names = Array.from({ length: 1_100 }, (_, index) => `m${index}`);
    solo.know(
      'b',
      ...names.map((name, index) => node(name, { address: `10.1.${index >> 8}.${index & 255}:7946` as Address })),
    );
    for (const name of names) solo.probe(name);
    const pings = solo.sent().flatMap(({ messages }) => messages.filter(({ type }) => type === 'ping'));
    expect(pings).toHaveLength(1_024);
  });

  test('without relays and streams it is the target alone that decides', () => {
    const solo = five({ config: { relayCount: 0, streamProbe: false } });
    solo.probe('b');
    solo.run(400);
    expect(solo.takeStory()).toContain('10400 event suspect b@10');
  });

  test('every live member is probed once per lap, whatever the order', () => {
    const solo = five();
    solo.give({ type: 'start' });
    const probed: string[] = [];
    while (probed.length < 16) {
      solo.run(1);
      for (const { to, messages } of solo.sent()) {
        const ping = messages.find(({ type }) => type === 'ping');
        if (ping?.type !== 'ping') continue;
        probed.push(to);
        solo.datagram(to, ack(ping.sequence));
      }
      solo.take();
    }
    expect(solo.now).toBeLessThan(10_000 + 17_000);
    for (let lap = 0; lap < 4; lap++)
      expect(probed.slice(4 * lap, 4 * lap + 4).toSorted()).toEqual(['b', 'c', 'd', 'e']);
  });
});

describe('pings and relays', () => {
  test('a ping to this member, or to whoever is there, is acked; one to another name is not', () => {
    const solo = five();
    solo.datagram('b', { type: 'ping', sequence: 7, node: 'a', source: undefined });
    solo.datagram('b', { type: 'ping', sequence: 8, node: '', source: undefined });
    solo.datagram('b', { type: 'ping', sequence: 9, node: 'z', source: undefined });
    expect(solo.take()).toEqual(['10000 send b: ack #1', '10000 send b: ack #2', '10000 drop misdirected']);
  });

  test('a relay forwards the ack under the requester’s own sequence', () => {
    const solo = five();
    solo.datagram('c', {
      type: 'indirect-ping',
      sequence: 70,
      node: 'b',
      target: addressOf('b'),
      nack: true,
      source: undefined,
    });
    solo.now += 20;
    solo.datagram('b', ack(sequenceOf(solo)));
    solo.run(5_000);
    expect(solo.take()).toEqual(['10000 send b: ping b #1', '10020 send c: ack #2']);
  });

  test('a relay nacks when its own timeout is over, and still forwards an ack that comes late', () => {
    const solo = five();
    solo.datagram('c', {
      type: 'indirect-ping',
      sequence: 70,
      node: 'b',
      target: addressOf('b'),
      nack: true,
      source: undefined,
    });
    const sequence = sequenceOf(solo);
    solo.run(500);
    solo.datagram('b', ack(sequence));
    solo.run(5_000);
    solo.datagram('b', ack(sequence));
    expect(solo.take()).toEqual([
      '10000 send b: ping b #1',
      '10400 send c: nack #2',
      '10500 send c: ack #2',
      '15500 drop unknown-sequence',
    ]);
  });

  test('a relay takes the ack from the target alone', () => {
    const solo = five();
    const request = {
      type: 'indirect-ping',
      node: 'b',
      target: addressOf('b'),
      nack: true,
      source: undefined,
    } as const;
    solo.datagram('c', { ...request, sequence: 70 });
    const sequence = sequenceOf(solo);
    solo.take();
    solo.datagram('d', ack(sequence));
    expect(solo.take()).toEqual(['10000 drop source']);
    solo.datagram('b', ack(sequence));
    expect(solo.take()).toEqual(['10000 send c: ack #2']);
  });

  test('a requester that knows no nacks gets none', () => {
    const solo = five();
    solo.datagram('c', {
      type: 'indirect-ping',
      sequence: 70,
      node: 'b',
      target: addressOf('b'),
      nack: false,
      source: undefined,
    });
    solo.run(5_000);
    expect(solo.take()).toEqual(['10000 send b: ping b #1']);
  });

  test('nobody is probed for somebody who is no member, nor at an address that is not the member’s', () => {
    const solo = five();
    const request = {
      type: 'indirect-ping',
      sequence: 70,
      node: 'b',
      target: addressOf('b'),
      nack: true,
      source: undefined,
    } as const;
    solo.datagram('z', request);
    solo.datagram('c', { ...request, target: addressOf('z') });
    solo.datagram('c', { ...request, node: 'z' });
    solo.datagram('c', { ...request, node: 'z', nack: false });
    expect(solo.takeStory()).toEqual([
      '10000 drop unknown-source',
      '10000 send c: nack #1',
      '10000 drop unknown-target',
      '10000 send c: nack #1',
      '10000 drop unknown-target',
      '10000 drop unknown-target',
    ]);
  });

  test('a thousand requests at once are relayed; one more is nacked and counted', () => {
    const solo = five();
    const request = {
      type: 'indirect-ping',
      node: 'b',
      target: addressOf('b'),
      nack: true,
      source: undefined,
    } as const;
    for (let sequence = 1; sequence <= 1_024; sequence++) solo.datagram('c', { ...request, sequence });
    expect(solo.drops()).toEqual({});
    solo.datagram('c', { ...request, sequence: 2_000 });
    expect(solo.drops()).toEqual({ 'relay-limit': 1 });
    solo.run(3_000); // they end by themselves
    solo.take();
    solo.datagram('c', { ...request, sequence: 3_000 });
    expect(solo.drops()).toEqual({});
  });
});

describe('this process stood still', () => {
  test('a wake-up that comes 251 ms late ends probes without a verdict and gives suspects the time back', () => {
    const solo = five();
    solo.datagram('c', accuse('suspect', 'd', 10, 'c')); // 6 s to refute
    solo.run(1_000); // d is silent: probed once, in vain
    solo.take();
    solo.probe('b');
    solo.run(100);
    solo.stall(8_000);
    expect(solo.events()).toEqual([]);
    expect(solo.machine.healthScore).toBeGreaterThan(0);
    solo.run(300);
    expect(solo.status('b')).toBe('alive@10');
    expect(solo.status('d')).toBe('suspect@10');
    // What waited in the socket is read before anybody is judged.
    solo.datagram('d', alive('d', { incarnation: 11 }));
    expect(solo.status('d')).toBe('alive@11');
  });

  test('one that comes 250 ms late judges as usual', () => {
    const solo = five();
    solo.probe('b');
    solo.run(399);
    solo.stall(251); // due after 1 ms
    expect(solo.machine.healthScore).toBe(0);
    expect(solo.take().filter((line) => line.includes('indirect-ping'))).toHaveLength(3);
  });
});
