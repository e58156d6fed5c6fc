// How two lives meet, part and meet again.
import { describe, expect, test } from 'vitest';
import { address, bytesOf, Pair, type Packet } from './pair.ts';

const kindsOf = (packets: readonly Packet[]): string[] => packets.map(({ from, kind }) => `${from} ${kind}`);

describe('meeting', () => {
  test('takes one round trip, and the proof carries the first message', () => {
    const pair = new Pair();
    pair.say('a', 'one', 'two');
    expect(kindsOf(pair.carry())).toEqual(['a hello']);
    expect(kindsOf(pair.carry())).toEqual(['b welcome']);
    expect(kindsOf(pair.carry())).toEqual(['a data']);
    expect(pair.log).toEqual(['b < a one', 'b < a two']);
  });

  test('works when both begin at once, in one session', () => {
    const pair = new Pair();
    pair.say('a', 'from a');
    pair.say('b', 'from b');
    pair.settle();
    pair.pass(100);
    expect(pair.log.toSorted()).toEqual(['a < b from b', 'b < a from a']);
    expect([pair.peer('a').resets, pair.peer('b').resets]).toEqual([0, 0]);
  });

  test.each([0, 1, 2, 3, 4, 5])('survives the loss of packet %i', (index) => {
    const pair = new Pair();
    let count = 0;
    pair.say('a', 'x');
    pair.pass(3_000, () => count++ !== index);
    pair.say('b', 'y');
    pair.pass(3_000, () => count++ !== index);
    expect(pair.log.filter((line) => line.includes('<'))).toEqual(['b < a x', 'a < b y']);
    expect(pair.log.filter((line) => line.includes('reset'))).toEqual([]);
  });

  test('with oneself works, too', () => {
    const pair = new Pair();
    pair.step('a', { type: 'send', to: address('a'), message: bytesOf('me') });
    pair.settle();
    expect(pair.log).toEqual(['a < a me']);
  });

  test('is asked for again and again, ever more slowly', () => {
    const pair = new Pair({ rtoInitialMs: 100, rtoMaxMs: 400 });
    pair.say('a', 'x');
    const hellos: number[] = [];
    pair.pass(2_000, ({ kind }) => {
      if (kind === 'hello') hellos.push(pair.now);
      return false;
    });
    expect(hellos).toEqual([0, 100, 300, 700, 1_100, 1_500, 1_900]);
  });
});

describe('a restart', () => {
  test('is told when the new life is proven, and what was on its way to the old one is not delivered to the new', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('b', 'for the old life');
    pair.restart('a');
    pair.say('a', 'I am new');
    pair.settle();
    pair.say('b', 'welcome');
    pair.settle();
    expect(pair.log).toEqual(['b ! reset', 'b < a I am new', 'a < b welcome']);
  });

  test('is told when the new life has nothing to say', () => {
    const pair = new Pair();
    pair.meet();
    pair.restart('a');
    pair.say('b', 'lost');
    pair.settle();
    pair.say('b', 'heard');
    pair.settle();
    expect(pair.log).toEqual(['b ! reset', 'a < b heard']);
  });

  test('of both sides needs nothing but a message', () => {
    const pair = new Pair();
    pair.meet();
    pair.restart('a');
    pair.restart('b');
    pair.say('a', 'again');
    pair.settle();
    expect(pair.log).toEqual(['b < a again']);
  });

  test('loses nothing of a session that the peer had not used yet', () => {
    const pair = new Pair();
    pair.say('a', 'one', 'two');
    pair.carry();
    pair.carry(); // a has its answer, and its messages are on the wire
    pair.restart('b');
    pair.settle();
    pair.pass(1_000);
    expect(pair.log).toEqual(['b < a one', 'b < a two']);
  });

  test('drops the packets of the old life', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('a', 'late');
    const [late] = pair.wire;
    pair.wire = [];
    pair.restart('a');
    pair.say('a', 'new');
    pair.settle();
    pair.wire.push(late as Packet);
    pair.settle();
    expect(pair.log).toEqual(['b ! reset', 'b < a new']);
    expect(pair.machines.b.stats().peers[0]?.drops).toMatchObject({ 'receive.unknown-session': 1 });
  });
});

describe('forgetting', () => {
  test('is told to the other side, and both can begin again', () => {
    const pair = new Pair();
    pair.meet();
    pair.step('a', { type: 'forget', peer: address('b') });
    pair.settle();
    expect(pair.log).toEqual(['b ! reset']);
    pair.say('b', 'x');
    pair.say('a', 'y');
    pair.settle();
    expect(pair.log.slice(1).toSorted()).toEqual(['a < b x', 'b < a y']);
  });

  test('a stranger changes nothing', () => {
    const pair = new Pair();
    pair.step('a', { type: 'forget', peer: address('b') });
    expect(pair.wire).toEqual([]);
  });
});

describe('forgery', () => {
  /** Everything that went over the wire in a conversation, to be sent again. */
  function recorded(): { pair: Pair; packets: Packet[] } {
    const pair = new Pair();
    const packets: Packet[] = [];
    const record = (packet: Packet): boolean => packets.push(packet) > 0;
    pair.say('a', 'one');
    pair.settle(record);
    pair.say('b', 'two', 'three');
    pair.settle(record);
    pair.pass(100, record);
    return { pair, packets };
  }

  test('replays change nothing: no message twice, no reset', () => {
    const { pair, packets } = recorded();
    const before = pair.log.length;
    for (let round = 0; round < 3; round++) {
      for (const packet of packets) {
        pair.wire.push(packet);
        pair.pass(20);
      }
    }
    expect(pair.log).toHaveLength(before);
    pair.say('a', 'still there');
    pair.settle();
    expect(pair.log.at(-1)).toBe('b < a still there');
  });

  test('replays of a dead life neither end the session of the new one nor speak in it', () => {
    const { pair, packets } = recorded();
    pair.restart('a');
    pair.log = [];
    pair.say('a', 'new');
    pair.settle();
    for (const packet of packets) {
      pair.wire.push(packet);
      pair.pass(20);
    }
    pair.say('a', 'and well');
    pair.settle();
    expect(pair.log).toEqual(['b ! reset', 'b < a new', 'b < a and well']);
  });

  test('packets that are thrown back at their sender fit nothing', () => {
    const { pair, packets } = recorded();
    const before = pair.log.length;
    for (const { from, to, kind, payload } of packets) {
      if (kind === 'hello') continue; // that is how one greets
      pair.wire.push({ from: to, to: from, kind, payload });
      pair.pass(20);
    }
    expect(pair.log).toHaveLength(before);
  });

  test('a reset by one who does not know the session is ignored', () => {
    const pair = new Pair();
    pair.meet();
    const payload = new Uint8Array(12).fill(9);
    payload.set([1, 0x50]);
    pair.wire.push({ from: 'a', to: 'b', kind: 'reset', payload });
    pair.settle();
    expect(pair.log).toEqual([]);
    expect(pair.peer('b').drops).toEqual({ 'receive.stale': 1 });
  });

  test('an unproven address is never sent more than came from it', () => {
    const pair = new Pair();
    pair.meet();
    let [came, went] = [0, 0];
    const inputs: Uint8Array[] = [];
    for (let type = 0; type < 256; type += 8)
      for (const length of [0, 1, 2, 11, 12, 15, 16, 20, 24, 60, 1_400]) {
        const payload = new Uint8Array(length).fill(1);
        if (length > 1) payload.set([1, type]);
        inputs.push(payload);
      }
    for (const payload of inputs) {
      const from = address('x');
      came += payload.length;
      for (const effect of pair.step('b', { type: 'datagram', from, payload })) {
        const length = effect.type === 'transmit' ? effect.payload.length : Infinity;
        expect(length).toBeLessThanOrEqual(payload.length);
        went += length;
      }
    }
    expect(went).toBeGreaterThan(0);
    expect(went).toBeLessThan(came);
    pair.wire = [];
    pair.pass(60_000); // and nothing by itself
    expect(pair.wire).toEqual([]);
    expect(pair.machines.b.stats().peers).toHaveLength(1);
  });
});
