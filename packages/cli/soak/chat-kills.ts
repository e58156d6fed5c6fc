// Five chat servers, many clients that write and read, two random servers killed and restarted again and again; then every
// promise is checked: nothing lost, nothing twice, every server's own copy equal, and what all saw is linearizable.
// `npm run soak -- chat-kills [--clients N] [--seconds N] [--every N]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ChatClient } from '@grp/chat';
import { bringUp, killNode } from '../src/index.ts';
import { restartNode } from '../src/cluster/control.ts';
import { bringDown } from '../src/cluster/down.ts';
import { chatClient } from '../src/demo/chat-record.ts';
import { judgeRoom, useRoom, type RoomOperation } from '../test/support/room-history.ts';
import { unequal } from '../test/support/rot.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '120' },
    every: { type: 'string', default: '5' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'grp-chat-kills-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const room = 'storm';
const template = { roles: ['chat'] } as const;
await bringUp({ dir, count: ids.length, basePort: 0, template, logFormat: 'json', timeoutMs: 60_000 });
let kills = 0;
let problems: readonly string[] = [];
const figures: Record<string, number> = {};
try {
  const reader = await chatClient(dir);
  await reader.register('ann', 'password of ann');
  await reader.login('ann', 'password of ann');
  const clients = await Promise.all(
    Array.from({ length: Number(values.clients) }, () => chatClient(dir, reader.token)),
  );
  const stop = new AbortController();
  const began = performance.now();
  const options = { room, pauseMs: 0, timeoutMs: 30_000, signal: stop.signal };
  const using = clients.map((client, index) => useRoom(client, { ...options, by: `w${index}` }));
  const watched = watch(reader, stop.signal);
  while (performance.now() - began < Number(values.seconds) * 1_000) {
    await sleep(Number(values.every) * 1_000);
    const victims = ids.toSorted(() => Math.random() - 0.5).slice(0, 2);
    await Promise.all(victims.map((id) => killNode(dir, id)));
    kills += victims.length;
    await sleep(500 + Math.random() * 500);
    for (const id of victims) await restartNode(dir, id, { empty: false, timeoutMs: 60_000 });
    console.error(`${Math.round((performance.now() - began) / 1_000)} s: ${kills} kills`);
  }
  stop.abort();
  const operations = (await Promise.all(using)).flat();
  const seconds = (performance.now() - began) / 1_000;
  for (const client of clients) client.close();
  const history = await reader.history(room);
  const failed = operations.filter(({ outcome }) => outcome !== 'ok');
  problems = [
    ...judgeRoom(history, operations),
    ...failed.map(({ by, f, outcome }) => `${by}: a ${f} failed: ${outcome}`),
    ...(await watched)
      .filter((sequence, index) => sequence !== index + 1)
      .map((sequence) => `watched ${sequence} out of turn`),
    ...(await unequal({ dir, ids, reader, room, withinMs: 60_000 })),
  ];
  const acknowledged = operations.filter(({ f, outcome }) => f === 'send' && outcome === 'ok');
  Object.assign(figures, {
    acknowledged: acknowledged.length,
    reads: operations.length - acknowledged.length,
    failed: failed.length,
    perSecond: Math.round(acknowledged.length / seconds),
    gapMsMax: longestGap(acknowledged),
  });
  reader.close();
} finally {
  await bringDown({ dir, timeoutMs: 5_000 });
}
console.log(JSON.stringify({ kills, ...figures, problems: problems.slice(0, 20), problemCount: problems.length }));
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** The sequences that a watcher is given, through all failovers. */
async function watch(client: ChatClient, signal: AbortSignal): Promise<readonly number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of client.watch(room, { signal })) sequences.push(sequence);
  return sequences;
}

/** The longest time in which nobody's message was acknowledged. */
function longestGap(acknowledged: readonly RoomOperation[]): number {
  const times = acknowledged.map((operation) => operation.return).toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
  return Math.round(gaps.reduce((longest, gap) => Math.max(longest, gap), 0)); // too many to be arguments of one call
}
