// Bytes from anyone and anywhere: nothing throws, nothing grows, and honest peers go on.
import { wake } from '@grp/core';
import { LinkMachine } from '@grp/link';
import { seededRandom } from '@grp/sim';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { address, Pair, type Packet } from './pair.ts';

describe('noise', () => {
  test('of any bytes changes nothing', () => {
    const pair = new Pair();
    pair.meet();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), fc.nat({ max: 255 }), (payload, isOurs, type) => {
        if (isOurs && payload.length > 1) payload.set([1, type]);
        for (const from of [address('a'), address('stranger')])
          for (const effect of pair.step('b', { type: 'datagram', from, payload }))
            expect(effect.type === 'transmit' ? effect.payload.length : 0).toBeLessThanOrEqual(payload.length);
      }),
      { numRuns: 3_000 },
    );
    pair.wire = [];
    pair.say('a', 'well');
    pair.settle();
    expect(pair.log).toEqual(['b < a well']);
    expect(pair.machines.b.stats().peers).toHaveLength(1);
  });

  test('of flipped bits in real packets never throws, and sooner or later all is well again', () => {
    const random = seededRandom(7);
    for (let seed = 0; seed < 100; seed++) {
      const pair = new Pair({ maxPayloadBytes: 100_000, rtoMinMs: 20, queueBytesMax: 300_000 });
      pair.meet();
      const flip = (packet: Packet): boolean => {
        if (random.nextU32() % 3 > 0) return true;
        const at = random.nextU32() % Math.min(packet.payload.length, 40);
        (packet.payload[at] as number) ^= 1 << (random.nextU32() % 8);
        return true;
      };
      for (let round = 0; round < 30; round++) {
        pair.say('a', 'x', new Uint8Array(random.nextU32() % 5_000));
        pair.say('b', new Uint8Array(random.nextU32() % 200));
        pair.pass(20, flip);
      }
      pair.pass(10_000);
      // What a flip did may show only later: a packet that took another one's number makes that one a duplicate. Without
      // a seal nobody can know. But it passes.
      const heard = new Set<string>();
      for (let attempt = 0; attempt < 6 && heard.size < 2; attempt++) {
        pair.log = [];
        pair.say('a', 'after');
        pair.say('b', 'after');
        pair.pass(5_000);
        for (const line of pair.log) if (line.endsWith('after')) heard.add(line);
      }
      expect(heard.size, `seed ${seed}`).toBe(2);
      for (const name of ['a', 'b'] as const) expect(pair.peer(name).queuedBytes).toBe(0);
    }
  });

  test('of fields one by one: each bit of a header, flipped, is a counted drop or harmless', () => {
    for (let bit = 0; bit < 24 * 8; bit++) {
      const pair = new Pair();
      pair.meet();
      pair.say('a', 'one');
      const [packet] = pair.wire as [Packet];
      const bad = packet.payload.slice();
      (bad[bit >> 3] as number) ^= 1 << (bit & 7);
      pair.wire = [{ ...packet, payload: bad }];
      pair.settle();
      pair.pass(1_000);
      pair.say('a', 'two');
      pair.pass(1_000);
      expect(pair.log.filter((line) => line.startsWith('b < a')).length, `bit ${bit}`).toBeGreaterThan(0);
    }
  });
});

test('a proven peer that contradicts itself loses its session, on both sides, and may begin again', () => {
  const pair = new Pair();
  pair.meet();
  pair.say('a', 'x');
  const [packet] = pair.wire as [Packet];
  (packet.payload[1] as number) |= 1; // goes on with a message that nobody began
  pair.settle();
  pair.say('a', 'y');
  pair.settle();
  expect(pair.log.toSorted()).toEqual(['a ! reset', 'b ! reset', 'b < a y']);
  expect(pair.peer('b').drops).toEqual({ 'receive.broken': 1 });
});

test('a peer that claims a long message and sends none of it costs no memory to speak of', () => {
  const pair = new Pair({ maxPayloadBytes: 16_777_216, reassemblyBytesMax: 16_777_216 });
  pair.meet();
  pair.say('a', new Uint8Array(16_777_216));
  const { heapUsed, external } = process.memoryUsage();
  pair.carry((_, index) => index === 0);
  const after = process.memoryUsage();
  expect(after.heapUsed + after.external - heapUsed - external).toBeLessThan(2_000_000);
});

test('an ack of what was never sent is counted and ignored', () => {
  const pair = new Pair();
  pair.meet();
  pair.say('a', 'x');
  pair.settle();
  pair.pass(5.1, () => true);
  pair.say('a', 'y');
  const [packet] = pair.wire as [Packet];
  packet.payload[12] = 200;
  pair.settle();
  expect(pair.peer('b').drops).toEqual({ 'receive.ack-of-unsent': 1 });
  expect(pair.log).toEqual(['b < a x', 'b < a y']);
});

test('another version is counted, not answered', () => {
  const machine = new LinkMachine({ random: seededRandom(1), datagramBytes: 1_400 });
  const payload = new Uint8Array(24).fill(2);
  expect(machine.step([{ type: 'datagram', from: address('x'), payload }], 0)).toEqual([]);
  expect(machine.step([wake], 1)).toEqual([]);
  expect(machine.stats().drops).toEqual({ 'receive.version': 1 });
});
