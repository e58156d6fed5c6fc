// What the protocol itself costs, without a network: two engines, one after the other, in one thread.
// node --conditions=@grp/source packages/link/bench/engine.ts [seconds per figure] > result.json
import { systemRandom, type Address } from '@grp/core';
import { linkConfig } from '@grp/link';
import { Engine } from '../src/engine.ts';
import type { LinkListeners } from '../src/happenings.ts';

interface Result {
  readonly messageBytes: number;
  readonly datagramBytes: number;
  readonly sendMicrosPerPacket: number;
  readonly receiveMicrosPerPacket: number;
  readonly microsPerMessage: number;
  readonly messagesPerPacket: number;
}

const seconds = Number(process.argv[2] ?? 1);
const [a, b] = ['10.0.0.1:1' as Address, '10.0.0.2:1' as Address];

function measure(messageBytes: number, datagramBytes: number): Result {
  const settings = linkConfig.resolve({ windowBytesInitial: 1_048_576, windowBytesMax: 4_194_304 });
  const random = systemRandom();
  let toFar: Uint8Array[] = [];
  let toNear: Uint8Array[] = [];
  const areas = Array.from({ length: 1_024 }, () => new Uint8Array(datagramBytes));
  let nextArea = 0;
  // What the network would do: one more copy.
  const carry = (bytes: Uint8Array): Uint8Array => {
    const copy = (areas[nextArea++ % areas.length] as Uint8Array).subarray(0, bytes.length);
    copy.set(bytes);
    return copy;
  };
  const near = new Engine({ settings, datagramBytes, random, transmit: (_, bytes) => toFar.push(carry(bytes)) });
  const far = new Engine({ settings, datagramBytes, random, transmit: (_, bytes) => toNear.push(carry(bytes)) });
  let delivered = 0;
  const listeners: LinkListeners = { deliver: () => void delivered++, reset() {}, writable() {}, trouble() {} };
  const ignore = (): void => {};
  const message = new Uint8Array(messageBytes).fill(7);
  const perTurn = Math.max(16, Math.floor(32_768 / messageBytes));
  const clock = { now: () => performance.now() };
  let [sendMs, receiveMs, packets] = [0, 0, 0];
  const until = performance.now() + seconds * 1_000;
  let isWarm = false;
  while (performance.now() < until) {
    if (!isWarm && performance.now() > until - seconds * 700) {
      isWarm = true;
      [sendMs, receiveMs, packets, delivered] = [0, 0, 0, 0];
    }
    for (let turn = 0; turn < 100; turn++) {
      const t0 = performance.now();
      for (let count = 0; count < perTurn; count++) near.send(b, message, clock);
      near.flush(t0);
      const t1 = performance.now();
      const arrived = toFar;
      toFar = [];
      const t2 = performance.now();
      for (const packet of arrived) {
        far.receive(a, packet, performance.now());
        if (far.happenings.count > 0) far.happenings.drain(listeners, ignore);
      }
      far.flush(t2);
      const t3 = performance.now();
      const acks = toNear;
      toNear = [];
      for (const ack of acks) near.receive(b, ack, t3);
      near.flush(t3);
      const t4 = performance.now();
      packets += arrived.length;
      sendMs += t1 - t0 + (t4 - t3);
      receiveMs += t3 - t2;
    }
  }
  const round = (value: number): number => Math.round(value * 1_000) / 1_000;
  return {
    messageBytes,
    datagramBytes,
    sendMicrosPerPacket: round((sendMs * 1_000) / packets),
    receiveMicrosPerPacket: round((receiveMs * 1_000) / packets),
    microsPerMessage: round(((sendMs + receiveMs) * 1_000) / delivered),
    messagesPerPacket: round(delivered / packets),
  };
}

const results = [
  [100, 1_400],
  [1_000, 1_400],
  [1_370, 1_400],
  [100, 8_900],
  [1_000, 8_900],
  [8_870, 8_900],
].map(([messageBytes, datagramBytes]) => measure(messageBytes as number, datagramBytes as number));
console.error(
  'message   frame   messages/packet   send µs/packet   receive µs/packet   both µs/message   (copies included)',
);
for (const result of results)
  console.error(
    `${result.messageBytes} B`.padStart(7) +
      `${result.datagramBytes}`.padStart(8) +
      `${result.messagesPerPacket}`.padStart(18) +
      `${result.sendMicrosPerPacket}`.padStart(17) +
      `${result.receiveMicrosPerPacket}`.padStart(20) +
      `${result.microsPerMessage}`.padStart(18),
  );
console.log(JSON.stringify({ schema: 'grp.bench.link-engine/1', node: process.version, seconds, results }));
