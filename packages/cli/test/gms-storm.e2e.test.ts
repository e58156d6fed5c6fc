import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NodeClient } from '../src/client/http-client.ts';
import { killNode, pauseNode, restartNode, resumeNode } from '../src/cluster/control.ts';
import { killClusterNow } from '../src/cluster/down.ts';
import { untilLed } from '../src/cluster/lists.ts';
import { bringUp } from '../src/cluster/up.ts';
import type { ViewDocument } from '../src/gms/views.ts';
import { follow, GroupRecord, multicastAlways, settledMarks } from '../src/demo/group-record.ts';

const dir = mkdtempSync(join(tmpdir(), 'grp-gms-storm-'));
let nodes: readonly { readonly id: string; readonly http: string; readonly roles: readonly string[] }[] = [];

beforeAll(async () => {
  const template = { roles: ['swim', 'gms'] as const };
  const up = await bringUp({ dir, count: 5, basePort: 0, template, logFormat: 'json', timeoutMs: 60_000 });
  nodes = up.nodes.map(({ id, http, roles }) => ({ id, http, roles }));
}, 120_000);
afterAll(() => killClusterNow(dir));

async function leader(): Promise<string> {
  return untilLed(
    nodes.map(({ id, http, roles }) => ({ name: id, http, roles })),
    { timeoutMs: 60_000 },
  );
}

test('five nodes multicast for a minute while leaders die and one stands still: one row, nothing lost, nothing doubled', async () => {
  const record = new GroupRecord();
  const ended = new AbortController();
  const following = nodes.map(({ id, http }) => follow(record, id, http, ended.signal));
  const sending = new AbortController();
  const senders = nodes.map(({ id, http }) => multicastAlways(record, { node: id, http, pauseMs: 20 }, sending.signal));

  const endsAt = performance.now() + 60_000;
  for (let kill = 0; kill < 5; kill++) {
    await sleep(3_000);
    const dead = await leader();
    await killNode(dir, dead);
    await sleep(2_000);
    await restartNode(dir, dead, { empty: false, timeoutMs: 60_000 });
    if (kill === 2) {
      const [still] = nodes.filter(({ id }) => id !== dead);
      await pauseNode(dir, still?.id ?? '');
      await sleep(5_000);
      await resumeNode(dir, still?.id ?? '');
    }
  }
  await sleep(Math.max(0, endsAt - performance.now()));
  sending.abort();
  const counts = await Promise.all(senders);
  const marks = await settledMarks(nodes, 60_000);
  expect(marks.map(({ mark }) => mark)).toEqual(marks.map(() => marks[0]?.mark));
  ended.abort();
  await Promise.all(following);
  record.conclude();
  expect(record.problems).toEqual([]);
  for (const { acknowledged } of counts) expect(acknowledged).toBeGreaterThan(100);
  expect(record.counts.deliveries).toBeGreaterThan(record.counts.receipts * 2);
  const { delivered } = await NodeClient.local(nodes[0]?.http ?? '', 5_000).get<ViewDocument>('/v1/gms/view');
  expect(delivered.sequence).toBeGreaterThanOrEqual(record.counts.receipts);
}, 240_000);
