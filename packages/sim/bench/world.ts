// How fast a world runs: node --conditions=@grp/source packages/sim/bench/world.ts
import type { Address, Clock, Transport } from '@grp/core';
import { createWorld, type Host, type World } from '@grp/sim';

interface Report {
  readonly name: string;
  readonly events: number;
  readonly wallMs: number;
  readonly virtualMs: number;
}

function show({ name, events, wallMs, virtualMs }: Report): void {
  const rate = events / wallMs / 1_000;
  const speed = Math.round(virtualMs / wallMs);
  console.log(
    `${name.padEnd(44)} ${rate.toFixed(2).padStart(6)} M events/s  ${((wallMs / events) * 1e6).toFixed(0).padStart(5)} ns/event  ${speed} × real time`,
  );
}

function eventCount(world: World<unknown>): number {
  const counts = world.counts();
  return counts.timer + counts.send + counts.deliver;
}

async function measure(name: string, world: World<unknown>, virtualMs: number, mode: 'sync' | 'async' = 'sync') {
  for (const phase of ['warm', 'measured']) {
    const before = eventCount(world);
    const startedAt = performance.now();
    if (mode === 'sync') world.runFor(virtualMs);
    else await world.run(virtualMs);
    const wallMs = performance.now() - startedAt;
    if (phase === 'measured') show({ name, events: eventCount(world) - before, wallMs, virtualMs });
  }
}

function ticker(clock: Clock, periodMs: number, act: () => void): void {
  let at = clock.now() + periodMs;
  const tick = (): void => {
    act();
    at += periodMs;
    clock.wakeAt(at, tick);
  };
  clock.wakeAt(at, tick);
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);

function timersOnly(host: Host): void {
  ticker(host.clock, 1 + (host.random.nextU32() % 100) / 100, () => {});
}

// Each node sends to one other at each tick; the other answers: two datagrams, four events of send and deliver.
function pinger(count: number, periodMs: number, payloadBytes: number) {
  const addresses = Array.from({ length: count }, (_, n) => `10.0.${(n + 1) >> 8}.${(n + 1) & 255}:7946` as Address);
  return (host: Host): Transport => {
    const transport = host.transport(7_946);
    const payload = new Uint8Array(payloadBytes);
    const { random } = host;
    transport.onReceive((from, bytes) => {
      if (bytes[0] === 0) {
        bytes[0] = 1;
        transport.send(from, bytes);
      }
    });
    ticker(host.clock, periodMs * (0.9 + (random.nextU32() % 100) / 500), () => {
      payload[1] = random.nextU32();
      transport.send(addresses[random.nextU32() % count] as Address, payload);
    });
    return transport;
  };
}

await measure('timers, 100 nodes', createWorld({ seed: 1, nodes: names(100), start: timersOnly }), 10_000);
await measure('timers, 1,000 nodes', createWorld({ seed: 1, nodes: names(1_000), start: timersOnly }), 1_000);
for (const bytes of [64, 1_000])
  await measure(
    `datagrams of ${bytes} B, 100 nodes (send + deliver)`,
    createWorld({ seed: 1, nodes: names(100), start: pinger(100, 2, bytes) }),
    5_000,
  );
await measure(
  'the same, 1 % loss, 0.5 % duplicates',
  createWorld({
    seed: 1,
    nodes: names(100),
    start: pinger(100, 2, 64),
    network: { loss: 0.01, duplication: 0.005 },
  }),
  5_000,
);
const large = { seed: 1, nodes: names(1_000), start: pinger(1_000, 625, 64) };
await measure('1,000 nodes × 8 events a second', createWorld(large), 60_000);
await measure('the same, promises settle after each event', createWorld(large), 20_000, 'async');
await measure('the same, only after the world’s own', createWorld({ ...large, promises: 'settled' }), 60_000, 'async');
