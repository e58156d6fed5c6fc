// What happens to messages between two lives that know each other.
import { describe, expect, test } from 'vitest';
import { Pair, type Packet } from './pair.ts';

const words = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `m${from + index}`);
const heardBy = (pair: Pair, name: string): string[] =>
  pair.log.filter((line) => line.startsWith(`${name} <`)).map((line) => line.split(' ')[3] as string);

/** One message per datagram, which a turn's messages would share. */
function sayEach(pair: Pair, messages: readonly string[]): void {
  for (const message of messages) pair.say('a', message);
}

describe('datagrams', () => {
  test('are shared by the messages of one turn', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('a', ...words(50));
    expect(pair.wire).toHaveLength(1);
    pair.settle();
    expect(heardBy(pair, 'b')).toEqual(words(50));
  });

  test('are full before the next one begins', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('a', ...Array.from({ length: 30 }, () => new Uint8Array(100)));
    expect(pair.wire.map(({ payload }) => payload.length)).toEqual([20 + 13 * 102, 20 + 13 * 102, 20 + 4 * 102]);
  });

  test('carry a message whole when it fits one: the largest such message takes one datagram exactly', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('a', new Uint8Array(1_378));
    expect(pair.wire.map(({ payload }) => payload.length)).toEqual([1_400]);
    pair.settle();
    pair.say('a', new Uint8Array(1_379));
    expect(pair.wire).toHaveLength(2);
    pair.settle();
    expect(pair.log.filter((line) => line.startsWith('b <'))).toEqual(['b < a 1378 bytes', 'b < a 1379 bytes']);
  });

  test('carry empty messages', () => {
    const pair = new Pair();
    pair.meet();
    pair.say('a', '', 'x', '');
    pair.settle();
    expect(pair.log).toEqual(['b < a ', 'b < a x', 'b < a ']);
  });
});

describe('acknowledgements', () => {
  test('ride on what is said anyway', () => {
    const pair = new Pair();
    pair.meet();
    const kinds: string[] = [];
    for (let round = 0; round < 20; round++) {
      pair.say('a', 'ping');
      kinds.push(...pair.carry().map(({ kind }) => kind));
      pair.say('b', 'pong');
      kinds.push(...pair.carry().map(({ kind }) => kind));
    }
    expect(new Set(kinds)).toEqual(new Set(['data']));
    expect(pair.peer('a').inFlightBytes).toBe(0);
  });

  test('wait for company, but not longer than they may', () => {
    const pair = new Pair({ ackDelayMs: 5 });
    pair.meet();
    pair.say('a', 'x');
    pair.settle();
    expect(pair.peer('a').inFlightBytes).toBeGreaterThan(0);
    pair.pass(4.9);
    expect(pair.peer('a').inFlightBytes).toBeGreaterThan(0);
    pair.pass(0.2);
    expect(pair.peer('a').inFlightBytes).toBe(0);
  });

  test('come at once when many packets wait for one', () => {
    const pair = new Pair({ ackEvery: 8 });
    pair.meet();
    sayEach(pair, words(8));
    pair.settle();
    expect(pair.peer('a').inFlightBytes).toBe(0);
  });

  test('are asked for by a sender that fills its window, so that it never waits for a delayed one', () => {
    const pair = new Pair({ windowBytesMin: 4_096, windowBytesInitial: 8_192, windowBytesMax: 8_192, ackEvery: 1_000 });
    pair.meet();
    pair.say('a', ...Array.from({ length: 100 }, () => new Uint8Array(1_000)));
    pair.settle(); // no time passes
    expect(heardBy(pair, 'b')).toHaveLength(100);
  });
});

describe('loss', () => {
  test('is mended after three later packets have arrived, without waiting for a timeout', () => {
    const pair = new Pair();
    pair.meet();
    sayEach(pair, words(6));
    pair.carry((_, index) => index !== 1);
    pair.settle();
    expect(heardBy(pair, 'b')).toEqual(words(6));
    expect(pair.peer('a')).toMatchObject({ retransmits: 1, timeouts: 0 });
  });

  test('of a packet that was sent again is noticed by what was sent after it', () => {
    const pair = new Pair();
    pair.meet();
    sayEach(pair, words(6));
    const isFirst = ({ payload }: Packet): boolean => new TextDecoder().decode(payload).includes('m0');
    pair.carry((packet) => !isFirst(packet));
    pair.carry(); // the ack
    pair.carry((packet) => !isFirst(packet)); // again, and lost again
    sayEach(pair, words(6, 6));
    pair.settle();
    expect(heardBy(pair, 'b')).toEqual(words(12));
    expect(pair.peer('a')).toMatchObject({ retransmits: 2, timeouts: 0 });
  });

  test('of the tail is found by a probe, soon', () => {
    const pair = new Pair();
    pair.meet();
    sayEach(pair, words(3));
    pair.carry(({ payload }) => !new TextDecoder().decode(payload).includes('m2'));
    pair.pass(40);
    expect(heardBy(pair, 'b')).toEqual(words(3));
    expect(pair.peer('a').timeouts).toBe(0);
  });

  test('of everything ends in timeouts that double, up to the limit', () => {
    const pair = new Pair({ rtoMinMs: 50, rtoMaxMs: 400 });
    pair.meet();
    pair.say('a', 'x');
    const sentAt: number[] = [];
    const start = pair.now;
    pair.pass(2_500, ({ kind }) => {
      if (kind === 'data') sentAt.push(Math.round(pair.now - start));
      return false;
    });
    const gaps = sentAt.slice(1).map((at, index) => at - (sentAt[index] as number));
    expect(gaps).toEqual([15, 50, 100, 200, 400, 400, 400, 400, 400]);
    pair.pass(500);
    expect(heardBy(pair, 'b')).toEqual(['x']);
  });

  test('shrinks the window once per flight, and a timeout to the least', () => {
    const pair = new Pair({ windowBytesMin: 4_096, windowBytesInitial: 65_536 });
    pair.meet();
    const before = pair.peer('a').windowBytes;
    sayEach(pair, words(20));
    pair.carry((_, index) => index % 5 !== 0);
    pair.settle();
    expect(pair.peer('a').windowBytes).toBe(Math.round(before * 0.7));
    pair.say('a', 'x');
    pair.pass(200, () => false);
    expect(pair.peer('a').windowBytes).toBe(4_096);
  });

  test('of every third packet both ways leaves nothing behind', () => {
    const pair = new Pair();
    pair.meet();
    let count = 0;
    for (let round = 0; round < 100; round++) {
      sayEach(pair, words(5, round * 5));
      pair.pass(20, () => ++count % 3 !== 0);
    }
    pair.pass(5_000, () => ++count % 3 !== 0);
    expect(heardBy(pair, 'b')).toEqual(words(500));
  });
});

describe('order', () => {
  test('is kept whatever the network does with it', () => {
    const pair = new Pair();
    pair.meet();
    sayEach(pair, words(40));
    pair.wire.reverse();
    pair.wire.push(...pair.wire);
    pair.settle();
    expect(heardBy(pair, 'b')).toEqual(words(40));
  });

  test('that the network changes often makes the sender slower to believe in a loss', () => {
    const pair = new Pair();
    pair.meet();
    for (let round = 0; round < 30; round++) {
      sayEach(pair, words(10, round * 10));
      const [first, ...others] = pair.wire;
      pair.wire = [...others, first as Packet]; // overtaken by nine
      pair.carry();
      pair.now += 2;
      pair.settle();
      pair.pass(20);
    }
    expect(heardBy(pair, 'b')).toEqual(words(300));
    expect(pair.peer('a').retransmits).toBeLessThan(30);
  });
});

describe('silence', () => {
  test('is a hint, early and then ever more rarely, and no end', () => {
    const pair = new Pair({ silentMs: 100 });
    pair.meet();
    pair.say('a', 'x');
    const at: number[] = [];
    const start = pair.now;
    for (let ms = 0; ms < 1_600; ms++) {
      const before = pair.log.length;
      pair.pass(1, () => false);
      if (pair.log.length > before) at.push(pair.now - start);
    }
    expect(at).toEqual([100, 300, 700, 1_500]);
    pair.pass(3_000);
    expect(pair.log.at(-1)).toBe('b < a x');
  });

  test('of a peer that owes nothing is none', () => {
    const pair = new Pair({ silentMs: 100 });
    pair.meet();
    pair.pass(10_000, () => false);
    expect(pair.log).toEqual([]);
    expect(pair.machines.a.nextDeadline()).toBeUndefined(); // nor is there a timer
  });

  test('is noticed with keepalive although nobody says anything', () => {
    const pair = new Pair({ silentMs: 100, keepaliveMs: 1_000 });
    pair.meet();
    pair.pass(5_000);
    expect(pair.log).toEqual([]);
    pair.pass(1_500, () => false);
    expect(pair.log).toContain('a ! silent');
  });

  test('with keepalive finds out a restart, too', () => {
    const pair = new Pair({ keepaliveMs: 1_000 });
    pair.meet();
    pair.restart('b');
    pair.pass(1_500);
    expect(pair.log).toEqual(['a ! reset']);
  });
});
