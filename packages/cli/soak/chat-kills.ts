// Five chat servers, many writers, two random servers killed and restarted again and again; then every promise is checked.
// `npm run soak -- chat-kills [--clients N] [--seconds N] [--every N]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bringUp, killNode } from '../src/index.ts';
import { restartNode } from '../src/cluster/control.ts';
import { bringDown } from '../src/cluster/down.ts';
import { chatClient, judge, write } from '../test/support/chat.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '120' },
    every: { type: 'string', default: '5' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'grp-chat-kills-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
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
  const writing = clients.map((client, index) => write(client, 'storm', `w${index}`, stop.signal));
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
  const writers = await Promise.all(writing);
  const seconds = (performance.now() - began) / 1_000;
  for (const client of clients) client.close();
  const history = await reader.history('storm');
  const failed = writers.flatMap((writer) => writer.failed);
  problems = [...judge(history, writers), ...failed, ...(await differences(reader.token, history))];
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  Object.assign(figures, {
    acknowledged,
    failed: failed.length,
    perSecond: Math.round(acknowledged / seconds),
    gapMsMax: Math.round(Math.max(...writers.map(({ gapMs }) => gapMs))),
  });
  reader.close();
} finally {
  await bringDown({ dir, timeoutMs: 5_000 });
}
console.log(JSON.stringify({ kills, ...figures, problems: problems.slice(0, 20), problemCount: problems.length }));
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** Servers whose own copy is not, within a minute, what the leader has. */
async function differences(token: string | undefined, history: readonly object[]): Promise<readonly string[]> {
  const wanted = JSON.stringify(history);
  const found: string[] = [];
  for (const id of ids) {
    const one = await chatClient(dir, token, [id]);
    const deadline = performance.now() + 60_000;
    while (JSON.stringify(await one.history('storm', { local: true })) !== wanted) {
      if (performance.now() > deadline) {
        found.push(`${id} has another history`);
        break;
      }
      await sleep(200);
    }
    one.close();
  }
  return found;
}
