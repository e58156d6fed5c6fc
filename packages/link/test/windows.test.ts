// Packing, windows and reassembly for any messages, at any packet number.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkPool } from '../src/chunks.ts';
import { linkConfig } from '../src/config.ts';
import { ReceiveWindow } from '../src/receive-window.ts';
import { SendWindow } from '../src/send-window.ts';
import { decodeGreeting, encodeGreeting, epochOf, framesAreSound, readI32, sessionKey } from '../src/wire.ts';

const settings = linkConfig.resolve({ maxPayloadBytes: 100_000, windowPacketsMax: 64 });
const key = { low: 1, high: 2 };

interface Rig {
  readonly send: SendWindow;
  readonly receive: ReceiveWindow;
  readonly heard: Uint8Array[];
  readonly flush: (now: number) => Uint8Array[];
  /** Hands over a packet, and the ack that follows from it. */
  readonly arrive: (packet: Uint8Array, now: number) => string;
}

function rig(datagramBytes: number, first = 0): Rig {
  const pool = new ChunkPool(datagramBytes);
  const heard: Uint8Array[] = [];
  const send = new SendWindow(settings, datagramBytes, pool, first);
  const budget = { reserved: 0, maxBytes: settings.reassemblyBytesMax };
  const receive = new ReceiveWindow(settings, budget, (message) => heard.push(message), first);
  return {
    send,
    receive,
    heard,
    flush(now) {
      const packets: Uint8Array[] = [];
      send.flush(now, { key, cumulative: 0 }, (packet) => packets.push(packet.slice()));
      return packets;
    },
    arrive(packet, now) {
      const receipt = receive.accept(packet, now);
      const ack = new Uint8Array(16 + 64);
      const length = receive.writeSack(ack);
      expect(send.isOfEpoch(receive.next, receive.epoch)).toBe(true);
      expect(send.acknowledge(receive.next, now)).toBe(true);
      send.acknowledgeSelectively(receive.next, ack.subarray(0, length), now);
      return receipt;
    },
  };
}

const messages = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9_000 }) },
  ),
  { maxLength: 80 },
);
const firsts = fc.constantFrom(0, 5, -3, 2 ** 31 - 4, -(2 ** 31), 12_345);

const filled = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + salt * 31) & 255);

test('any messages arrive as they were, in order, through loss, doubling and reordering, at any packet number', () => {
  fc.assert(
    fc.property(
      messages,
      fc.integer({ min: 64, max: 1_500 }),
      firsts,
      fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 20, maxLength: 200 }),
      (lengths, datagramBytes, first, fates) => {
        const { send, heard, flush, arrive } = rig(datagramBytes, first);
        const sent = lengths.map(filled);
        let [fate, now] = [0, 0];
        let wire: Uint8Array[] = [];
        for (const [index, message] of sent.entries()) {
          expect(send.add(message)).toBe(true);
          if (index % 3 === 0) wire.push(...flush(now));
        }
        for (let turn = 0; turn < 3_000 && heard.length < sent.length; turn++) {
          now += 10;
          if (send.retransmitAt <= now) send.timeout(now);
          wire.push(...flush(now));
          const late: Uint8Array[] = [];
          for (const packet of wire) {
            const drawn = turn > 200 ? 11 : (fates[fate++ % fates.length] as number);
            if (drawn < 3) continue;
            if (drawn === 3) late.push(packet);
            else arrive(packet, now);
            if (drawn === 4) late.push(packet);
          }
          wire = late;
        }
        expect(heard).toEqual(sent);
        now += 10;
        for (let turn = 0; turn < 50 && send.heldBytes > 0; turn++, now += 5_000) {
          if (send.retransmitAt <= now) send.timeout(now);
          for (const packet of flush(now)) arrive(packet, now);
        }
        expect([send.heldBytes, send.inFlightBytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 150 },
  );
});

describe('numbers', () => {
  test('that wrap count an epoch, so that a packet from before is no news four billion packets later', () => {
    const { send, receive, flush, arrive, heard } = rig(200, -2);
    const packets: Uint8Array[] = [];
    for (let count = 0; count < 4; count++) {
      send.add(filled(50, count));
      packets.push(...flush(count));
    }
    expect(packets.map((packet) => [readI32(packet, 16), packet[2]])).toEqual([
      [-2, 0],
      [-1, 0],
      [0, 1],
      [1, 1],
    ]);
    for (const packet of packets) arrive(packet, 5);
    expect([receive.next, receive.epoch, heard.length]).toEqual([2, 1, 4]);
    const replay = (packets[3] as Uint8Array).slice();
    replay[16] = 2; // what comes next, but of the epoch before
    replay[2] = 0;
    expect(receive.accept(replay, 6)).toBe('duplicate');
    expect(heard).toHaveLength(4);
  });

  test('near one another have epochs that follow', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 0, max: 65_535 }),
        fc.integer({ min: -5_000, max: 5_000 }),
        (base, epoch, step) => {
          const whole = BigInt(epoch) * 2n ** 32n + BigInt(base >>> 0) + BigInt(step);
          const expected = Number(BigInt.asUintN(16, whole >> 32n));
          expect(epochOf((base + step) | 0, { base, epoch })).toBe(expected);
        },
      ),
    );
  });
});

test('greetings survive the wire, and nothing else is one', () => {
  const half = fc.integer();
  const id = fc.record({ low: half, high: half });
  fc.assert(
    fc.property(
      fc.constantFrom('hello' as const, 'welcome' as const),
      id,
      id,
      fc.integer({ min: 1, max: 65_535 }),
      (type, source, destination, windowPackets) => {
        const greeting = { type, source, destination, windowPackets };
        expect(decodeGreeting(encodeGreeting(greeting))).toEqual(greeting);
      },
    ),
  );
  for (const length of [0, 23, 25, 1_400]) expect(decodeGreeting(new Uint8Array(length).fill(0x30))).toBeUndefined();
  expect(decodeGreeting(new Uint8Array(24))).toBeUndefined(); // a window of nothing
});

test('a session’s keys differ by direction and by either id', () => {
  const half = fc.integer();
  const id = fc.record({ low: half, high: half });
  fc.assert(
    fc.property(id, id, id, (a, b, c) => {
      fc.pre(a.low !== b.low && b.low !== c.low && a.low !== c.low);
      expect(sessionKey({ to: a, from: b })).not.toEqual(sessionKey({ to: b, from: a }));
      expect(sessionKey({ to: a, from: b })).not.toEqual(sessionKey({ to: a, from: c }));
      expect(sessionKey({ to: b, from: a })).not.toEqual(sessionKey({ to: c, from: a }));
    }),
  );
});

test('frames that do not fill their packet exactly are refused, whatever the bytes', () => {
  expect(framesAreSound(new Uint8Array(20), 1_000)).toBe(false);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 200 }), (packet) => {
      const isSound = framesAreSound(packet, 1_000);
      let at = 20;
      let count = 0;
      while (at + 2 <= packet.length) {
        at += 2 + ((packet[at] as number) | ((packet[at + 1] as number) << 8));
        count++;
      }
      const fills = at === packet.length && count > 0;
      fc.pre(isSound || !fills);
      expect(isSound).toBe(fills);
    }),
    { numRuns: 2_000 },
  );
});

test('the memory of what was sent is used again', () => {
  const { send, flush, arrive } = rig(1_400);
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 1_000; round++) {
    for (let count = 0; count < 20; count++) send.add(new Uint8Array(1_000));
    send.flush(round, { key, cumulative: 0 }, (packet) => {
      buffers.add(packet.buffer);
      arrive(packet.slice(), round);
    });
    for (const packet of flush(round)) arrive(packet, round);
  }
  expect(send.heldBytes).toBe(0);
  expect(buffers.size).toBeLessThan(4);
});
