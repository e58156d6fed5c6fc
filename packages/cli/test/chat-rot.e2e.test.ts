import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killClusterNow } from '../src/cluster/down.ts';
import { bringUp } from '../src/index.ts';
import { chatClient, judge, write } from './support/chat.ts';
import { drawFrom, rotRound, unequal } from './support/rot.ts';

// The long version: `npm run soak -- chat-rot`.
const dir = mkdtempSync(join(tmpdir(), 'grp-rot-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const room = 'storm';
const timeoutMs = 60_000;

beforeAll(async () => {
  const template = { roles: ['chat'] } as const;
  await bringUp({ dir, count: ids.length, basePort: 0, template, logFormat: 'json', timeoutMs });
}, timeoutMs);
afterAll(() => killClusterNow(dir));

test('two of five servers rot while they are down: nothing acknowledged is lost, and nobody repairs anything', async () => {
  const seed = Number(process.env['GRP_ROT_SEED'] ?? Date.now() % 1_000_000);
  const draw = drawFrom(seed);
  const reader = await chatClient(dir);
  await reader.register('ann', 'password of ann');
  await reader.login('ann', 'password of ann');
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
