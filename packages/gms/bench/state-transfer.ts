// A large state to a joiner while three members send 1,000 messages a second: how long it takes, and the longest pause of
// the others' deliveries. All in this process, on real sockets:
// `node --conditions=@grp/source packages/gms/bench/state-transfer.ts [--megabytes 100]`. One JSON line.
import { parseArgs } from 'node:util';
import { systemClock, systemRandom, type NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { openNetwork } from '@grp/transport-udp';
import { createGroup, type FailureDetector, type GroupHandle } from '../src/index.ts';

const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '100' } } });
const bytes = Number(values.megabytes) * 1_048_576;
const chunk = new Uint8Array(65_536);
const defer = (run: () => void): void => void setImmediate(run);
const nobody: FailureDetector = { onSuspect: () => () => {}, onTrust: () => () => {}, hint: () => {} };
let received = 0;

async function member(name: string): Promise<GroupHandle> {
  const { transport } = await openNetwork({ bind: '127.0.0.1:0', connect: true });
  const links = createLinks({ transport, clock: systemClock(), random: systemRandom(), defer });
  const state = {
    *capture() {
      for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
    },
    async restore(chunks: AsyncIterable<Uint8Array>) {
      received = 0;
      for await (const piece of chunks) received += piece.length;
    },
  };
  return createGroup({ links, detector: nobody, defer }, { name, id: `${name}#1` as NodeId, state });
}

async function main(): Promise<void> {
  const groups = [await member('a'), await member('b'), await member('c')] as const;
  await groups[0].join();
  for (const group of groups.slice(1)) await group.join([groups[0].self.address]);
  const pauses = groups.map(() => 0);
  const lastAt = groups.map(() => performance.now());
  for (const [index, group] of groups.entries())
    group.onBatch(() => {
      const now = performance.now();
      pauses[index] = Math.max(pauses[index] ?? 0, now - (lastAt[index] ?? now));
      lastAt[index] = now;
    });
  const payload = new Uint8Array(100);
  const timer = setInterval(() => {
    for (const group of groups) for (let count = 0; count < 5; count++) group.post(payload);
  }, 5);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = Math.max(...pauses);
  pauses.fill(0);
  const joiner = await member('d');
  const startedAt = performance.now();
  await joiner.join([groups[1].self.address]);
  const tookMs = performance.now() - startedAt;
  const during = Math.max(...pauses);
  clearInterval(timer);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const rows = new Set([...groups, joiner].map(({ delivered }) => `${delivered.sequence} ${delivered.orderHash}`));
  console.log(
    JSON.stringify({
      megabytes: received / 1_048_576,
      tookMs: Math.round(tookMs),
      pauseBeforeMs: Math.round(before),
      pauseDuringMs: Math.round(during),
      equal: rows.size === 1,
    }),
  );
}

await main();
process.exit();
