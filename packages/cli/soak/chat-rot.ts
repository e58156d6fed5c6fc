// Five chat servers; again and again two of them are killed, a byte of any of their files is flipped or the file is cut, and
// they come back: nobody repairs anything, nothing acknowledged is lost, and in the end all five are equal.
// `npm run soak -- chat-rot [--rounds N] [--seed S] [--clients N]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeClient } from '../src/client/http-client.ts';
import { bringDown } from '../src/cluster/down.ts';
import { readState } from '../src/cluster/state.ts';
import { bringUp } from '../src/index.ts';
import { chatClient, judge, write } from '../src/demo/chat-record.ts';
import { drawFrom, rotRound, unequal } from '../test/support/rot.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '4' },
  },
});
const draw = drawFrom(Number(values.seed));
const dir = mkdtempSync(join(tmpdir(), 'grp-chat-rot-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const room = 'storm';
await bringUp({
  dir,
  count: ids.length,
  basePort: 0,
  template: { roles: ['chat'] },
  logFormat: 'json',
  timeoutMs: 60_000,
});
const problems: string[] = [];
const stop = new AbortController();
let acknowledged = 0;
let rounds = 0;
let worstMs = 0;
try {
  const reader = await chatClient(dir);
  await reader.register('ann', 'password of ann');
  await reader.login('ann', 'password of ann');
  const clients = await Promise.all(
    Array.from({ length: Number(values.clients) }, () => chatClient(dir, reader.token)),
  );
  const writing = clients.map((client, index) => write(client, room, `w${index}`, stop.signal, { pauseMs: 50 }));
  for (; rounds < Number(values.rounds) && problems.length === 0; rounds++) {
    if (rounds % 5 === 4) await takeSnapshots();
    const first = draw(ids.length);
    const victims = [ids[first], ids[(first + 1 + draw(ids.length - 1)) % ids.length]] as string[];
    const all = draw(3) === 0;
    const round = await rotRound({ dir, ids, victims, all, draw });
    console.error(`round ${rounds + 1}${all ? ', all down' : ''}: ${round.rotten.join('; ')}`);
    const began = performance.now();
    const found = await unequal({ dir, ids, reader, room, withinMs: 60_000, exact: false });
    worstMs = Math.max(worstMs, performance.now() - began);
    problems.push(...[...round.problems, ...found].map((problem) => `round ${rounds + 1}: ${problem}`));
  }
  stop.abort();
  const writers = await Promise.all(writing);
  for (const client of clients) client.close();
  acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  problems.push(...(await unequal({ dir, ids, reader, room, withinMs: 60_000 })));
  problems.push(...judge(await reader.history(room), writers), ...writers.flatMap(({ failed }) => failed));
  reader.close();
} finally {
  stop.abort();
  await bringDown({ dir, timeoutMs: 5_000 });
}
const figures = { rounds, acknowledged, equalAgainMsMax: Math.round(worstMs) };
console.log(JSON.stringify({ schema: 'grp.soak.chat-rot/1', seed: Number(values.seed), ...figures, problems }));
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** Snapshots are files that can rot, too. */
async function takeSnapshots(): Promise<void> {
  const nodes = (await readState(dir))?.nodes ?? [];
  await Promise.allSettled(nodes.map(({ http }) => NodeClient.local(http, 10_000).post('/v1/raft/snapshot', {})));
}
