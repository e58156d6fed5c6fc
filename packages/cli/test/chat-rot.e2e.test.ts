import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatClient } from '@grp/chat';
import { afterEach, expect, test } from 'vitest';
import { NodeClient } from '../src/client/http-client.ts';
import { killNode, pauseNode, restartNode, resumeNode } from '../src/cluster/control.ts';
import { killClusterNow } from '../src/cluster/down.ts';
import { nodeFiles, readState } from '../src/cluster/state.ts';
import type { RaftStatusDocument } from '../src/raft/documents.ts';
import { bringUp } from '../src/index.ts';
import { chatClient, judge, write } from '../src/demo/chat-record.ts';
import { drawFrom, flipText, rotRound, unequal } from './support/rot.ts';

// The long version: `npm run soak -- chat-rot`.
const room = 'storm';
const timeoutMs = 60_000;
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) killClusterNow(dir);
});

async function cluster(count: number): Promise<{ readonly dir: string; readonly reader: ChatClient }> {
  const dir = mkdtempSync(join(tmpdir(), 'grp-rot-'));
  dirs.push(dir);
  const template = { roles: ['chat'] } as const;
  await bringUp({ dir, count, basePort: 0, template, logFormat: 'json', timeoutMs });
  const reader = await chatClient(dir);
  await reader.register('ann', 'password of ann');
  await reader.login('ann', 'password of ann');
  return { dir, reader };
}

async function statusOf(dir: string, node: string): Promise<RaftStatusDocument> {
  const http = (await readState(dir))?.nodes.find(({ id }) => id === node)?.http ?? '';
  return NodeClient.local(http, 5_000).get<RaftStatusDocument>('/v1/raft/status');
}

test('two of five servers rot while they are down: nothing acknowledged is lost, and nobody repairs anything', async () => {
  const seed = Number(process.env['GRP_ROT_SEED'] ?? Date.now() % 1_000_000);
  const draw = drawFrom(seed);
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const { dir, reader } = await cluster(5);
  const stop = new AbortController();
  const clients = await Promise.all([1, 2].map(() => chatClient(dir, reader.token)));
  const writing = clients.map((one, index) => write(one, room, `w${index}`, stop.signal, { pauseMs: 20 }));
  const seen: unknown[] = [];
  for (const [victims, all] of [
    [['n4', 'n5'], false],
    [['n1', 'n5'], true],
  ] as const) {
    const { rotten, problems } = await rotRound({ dir, ids, victims, all, draw });
    seen.push(rotten);
    expect({ seed, seen, problems }).toMatchObject({ problems: [] });
    const different = await unequal({ dir, ids, reader, room, withinMs: timeoutMs, exact: false });
    expect({ seed, seen, different }).toMatchObject({ different: [] });
  }
  stop.abort();
  const writers = await Promise.all(writing);
  for (const one of clients) one.close();
  expect(writers.flatMap(({ failed }) => failed)).toEqual([]);
  expect(writers.flatMap(({ acknowledged }) => acknowledged).length).toBeGreaterThan(20);
  expect({ seed, seen, problems: judge(await reader.history(room), writers) }).toMatchObject({ problems: [] });
  expect(await unequal({ dir, ids, reader, room, withinMs: timeoutMs })).toEqual([]);
  reader.close();
}, 120_000);

test.runIf(process.env['GRP_LONG'] !== undefined)(
  'a server that has lost an acknowledged entry elects nobody with one who never had it (npm run soak -- long-tests)',
  async () => {
    const { dir, reader } = await cluster(3);
    const text = 'acknowledged by two of three';
    await pauseNode(dir, 'n3');
    await reader.send(room, text);
    await Promise.all([killNode(dir, 'n1'), killNode(dir, 'n2')]);
    await resumeNode(dir, 'n3');
    expect(await flipText(nodeFiles(dir, 'n2').data, text)).toBeGreaterThan(0);
    // Two of three are a majority, but the message is on neither of them any more: they must wait for the third.
    const rotten = restartNode(dir, 'n2', { empty: false, timeoutMs });
    await expect.poll(async () => (await statusOf(dir, 'n2')).id, { timeout: timeoutMs }).toBe('n2');
    await expect(reader.send(room, 'too early', { timeoutMs: 3_000 })).rejects.toMatchObject({
      code: 'CHAT_NO_QUORUM',
    });
    expect(await statusOf(dir, 'n2')).toMatchObject({ leader: null, recovering: true });
    expect(await statusOf(dir, 'n3')).toMatchObject({ leader: null, recovering: false });
    await restartNode(dir, 'n1', { empty: false, timeoutMs });
    await rotten;
    expect((await reader.history(room)).map((message) => message.text)).toContain(text);
    expect(await unequal({ dir, ids: ['n1', 'n2', 'n3'], reader, room, withinMs: timeoutMs })).toEqual([]);
    reader.close();
  },
  120_000,
);
