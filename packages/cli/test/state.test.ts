import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterDocument } from '../src/cluster/observe.ts';
import { isAlive, lookUp, parseStat, sendSignal } from '../src/cluster/processes.ts';
import { lastLines } from '../src/cluster/log-file.ts';
import {
  nodeFiles,
  readState,
  requireNode,
  requireState,
  updateNode,
  updateState,
  type ClusterNode,
} from '../src/cluster/state.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'grp-cli-'));
// No process has this number: Linux stops at 4,194,304.
const nobody = 999_999_999;

function node(id: string, change: Partial<ClusterNode> = {}): ClusterNode {
  const ports = { swim: 1, http: 8 };
  return {
    id,
    pid: nobody,
    startTicks: 1,
    intended: 'up',
    roles: ['swim'],
    bind: '127.0.0.1:1',
    http: 'http://127.0.0.1:8',
    ports,
    ...change,
  };
}

describe('processes', () => {
  test('a stat line is read behind a name that holds anything', () => {
    const rest = ['S', ...Array.from({ length: 18 }, () => '0'), '4711', '0'];
    const line = `12 (a) b (c) S 1) ${rest.join(' ')}`;
    expect(parseStat(line)).toEqual({ startTicks: 4_711, paused: false });
    expect(parseStat(line.replace(' S 0', ' T 0'))).toEqual({ startTicks: 4_711, paused: true });
    expect(parseStat(line.replace(' S 0', ' Z 0'))).toBeUndefined();
    expect(parseStat('')).toBeUndefined();
  });

  test('this process is alive under its own mark only', () => {
    const startTicks = lookUp(process.pid)?.startTicks ?? null;
    expect(isAlive({ pid: process.pid, startTicks })).toBe(true);
    expect(isAlive({ pid: nobody, startTicks: null })).toBe(false);
  });

  test.runIf(process.platform === 'linux')('a number that was given to another process is not the same process', () => {
    expect(isAlive({ pid: process.pid, startTicks: (lookUp(process.pid)?.startTicks ?? 0) + 1 })).toBe(false);
  });

  test('a signal never goes to a group or a stranger', () => {
    for (const pid of [0, -1, nobody]) expect(sendSignal({ pid, startTicks: null }, 'SIGCONT')).toBe(false);
  });
});

describe('the state of a cluster', () => {
  test('is undefined before there is one, and named when it is needed', async () => {
    const dir = folder();
    expect(await readState(dir)).toBeUndefined();
    await expect(requireState(dir)).rejects.toMatchObject({ code: 'CLUSTER_NONE', kind: 'not-found' });
  });

  test('survives concurrent changes: none is lost, no file is left', async () => {
    const dir = folder();
    await updateState(dir, () => ['n1', 'n2', 'n3', 'n4'].map((id) => node(id)));
    await Promise.all(['n1', 'n2', 'n3', 'n4'].map((id) => updateNode(dir, id, { intended: 'killed' })));
    const state = await requireState(dir);
    expect(state.nodes.map(({ intended }) => intended)).toEqual(['killed', 'killed', 'killed', 'killed']);
    expect(readdirSync(dir)).toEqual(['state.json']);
  });

  test('a lock whose owner died is broken', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'state.lock'), String(nobody));
    await updateState(dir, () => [node('n1')]);
    expect((await requireState(dir)).nodes).toHaveLength(1);
  });

  test.each([
    ['not JSON', '{'],
    ['another schema', '{"schema":"grp.cluster.state/9","nodes":[]}'],
    ['nodes that are none', '{"schema":"grp.cluster.state/1","nodes":[1]}'],
  ])('a file that is %s is refused', async (_, text) => {
    const dir = folder();
    writeFileSync(join(dir, 'state.json'), text);
    await expect(readState(dir)).rejects.toMatchObject({ code: 'CLUSTER_STATE_INVALID' });
  });

  test('an unknown id is answered with the known ones', async () => {
    const dir = folder();
    const state = await updateState(dir, () => [node('n1'), node('n2')]);
    expect(requireNode(state, 'n2').id).toBe('n2');
    expect(() => requireNode(state, 'n9')).toThrow(
      expect.objectContaining({ code: 'CLUSTER_NODE_UNKNOWN', hint: 'The nodes are: n1, n2.' }),
    );
  });

  test('a new cluster has a new beginning, a change to the old one does not', async () => {
    const dir = folder();
    const old = { schema: 'grp.cluster.state/1', startedAt: '2020-01-01T00:00:00.000Z', nodes: [node('n1')] };
    writeFileSync(join(dir, 'state.json'), JSON.stringify(old));
    expect((await updateNode(dir, 'n1', { intended: 'killed' })).startedAt).toBe(old.startedAt);
    expect((await updateState(dir, () => [node('n1', { pid: 0 })])).startedAt).not.toBe(old.startedAt);
  });
});

describe('what a node that has ended is called', () => {
  test.each([
    ['killed', { intended: 'killed' }, undefined, { state: 'killed' }],
    ['stopped when asked', { intended: 'stopped' }, undefined, { state: 'stopped' }],
    ['stopped when it left by itself', {}, { pid: nobody, code: 0 }, { state: 'stopped' }],
    ['exited with its code', {}, { pid: nobody, code: 5 }, { state: 'exited', exitCode: 5 }],
    ['exited without a word', {}, undefined, { state: 'exited', exitCode: null }],
    ['exited, whatever an earlier life said', {}, { pid: 1, code: 0 }, { state: 'exited', exitCode: null }],
  ] as const)('%s', async (_, change, exit, expected) => {
    const dir = folder();
    const state = await updateState(dir, () => [node('n1', change)]);
    const files = nodeFiles(dir, 'n1');
    mkdirSync(files.folder, { recursive: true });
    if (exit !== undefined) writeFileSync(files.exit, JSON.stringify(exit));
    const { nodes, schema } = await clusterDocument(dir, state);
    expect(schema).toBe('grp.cluster.status/1');
    expect(nodes[0]).toMatchObject({
      id: 'n1',
      roles: ['swim'],
      http: 'http://127.0.0.1:8',
      ports: { swim: 1 },
      ...expected,
    });
  });

  test.runIf(process.platform === 'linux')('a number that now belongs to another process is not the node', async () => {
    const dir = folder();
    const startTicks = (lookUp(process.pid)?.startTicks ?? 0) + 1;
    const state = await updateState(dir, () => [node('n1', { pid: process.pid, startTicks })]);
    expect((await clusterDocument(dir, state)).nodes[0]?.state).toBe('exited');
  });
});

test('the last lines of a log, and where what is new begins', async () => {
  const file = join(folder(), 'n1.log');
  writeFileSync(file, 'one\ntwo\nthree\nhalf');
  expect(await lastLines(file, 2)).toEqual({ lines: ['two', 'three'], end: 14 });
  expect((await lastLines(file, 0)).lines).toEqual([]);
  expect(readFileSync(file).subarray(14).toString()).toBe('half');
  await expect(lastLines(join(folder(), 'none'), 1)).rejects.toMatchObject({ code: 'CLI_FILE_UNREADABLE' });
});
