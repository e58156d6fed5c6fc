import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportTrace, mergeRecordings, parseRecordingFile, type NodeRecording } from '@grp/lab';
import { createNode, type Node } from '@grp/node';
import { expect, test } from 'vitest';
import { grp } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-record-'));
const fileOf = (name: string): string => join(folder, `${name}.trace`);

async function start(name: string, join?: string): Promise<Node> {
  const common = {
    roles: ['swim', 'gms'],
    name,
    bind: '127.0.0.1:0',
    http: '127.0.0.1:0',
    record: fileOf(name),
  } as const;
  const node = await createNode({ ...common, ...(join !== undefined && { join: [join] }) });
  await node.start();
  await node.ready();
  return node;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('what two real nodes record is one trace: views, messages that arrive, deliveries in one order', async () => {
  const ann = await start('ann');
  const bob = await start('bob', `127.0.0.1:${ann.status().ports['swim'] ?? 0}`);
  await until(() => ann.gms?.view?.members.length === 2 && bob.gms?.view?.members.length === 2);
  for (const text of ['tea?', 'coffee?']) await bob.gms?.multicast(new TextEncoder().encode(text));
  await until(() => ann.gms?.delivered.sequence === 2);
  await bob.stop();
  await ann.stop();

  const nodes = ['ann', 'bob'].map((name) => parseRecordingFile(readFileSync(fileOf(name), 'utf8')));
  const trace = mergeRecordings(nodes.filter((node): node is NodeRecording => typeof node !== 'string'));
  expect(trace.lanes).toEqual(['ann', 'bob']);
  expect(trace.omittedCount).toBe(0);
  const marks = (lane: string, mark: string): readonly string[] =>
    trace.events.flatMap((event) =>
      event.type === 'mark' && event.lane === lane && event.mark === mark ? [event.label] : [],
    );
  for (const lane of ['ann', 'bob']) {
    expect(marks(lane, 'deliver')).toEqual(['1 of bob', '2 of bob']);
    expect(marks(lane, 'view').length).toBeGreaterThan(0);
  }
  const arrived = new Set(trace.events.flatMap((event) => (event.type === 'arrival' ? [event.serial] : [])));
  const ordered = trace.events.filter((event) => event.type === 'departure' && event.kind === 'ordered');
  expect(ordered.length).toBeGreaterThan(0);
  for (const event of ordered) expect('serial' in event && arrived.has(event.serial)).toBe(true);
  // No content: a recording may be shown to others.
  for (const name of ['ann', 'bob']) expect(readFileSync(fileOf(name), 'utf8')).not.toContain('coffee');
  expect(exportTrace(trace, 'html')).toContain('recording of ann, bob');

  const { code, stdout } = await grp('lab', 'replay', fileOf('ann'), fileOf('bob'));
  expect(code).toBe(0);
  expect(stdout).toContain('recording of ann, bob.');
});
