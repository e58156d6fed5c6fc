import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killClusterNow } from '../src/cluster/down.ts';
import { isAlive } from '../src/cluster/processes.ts';
import { readStateNow } from '../src/cluster/state.ts';
import { runGrp, startGrp } from './support/process.ts';

interface ClusterNode {
  readonly id: string;
  readonly pid: number;
  readonly state: string;
  readonly http: string;
  readonly ports: { readonly swim: number; readonly http: number };
}

const dir = mkdtempSync(join(tmpdir(), 'grp-cluster-'));
const here = ['--dir', dir];

async function nodes(): Promise<readonly ClusterNode[]> {
  return (await runGrp('cluster', 'status', ...here)).documents[0]?.['nodes'] as ClusterNode[];
}

async function statusAt(observer: string, name: string): Promise<string | undefined> {
  const { documents } = await runGrp('swim', 'members', '--node', observer, ...here);
  const members = documents[0]?.['members'] as { name: string; status: string }[];
  return members.find((member) => member.name === name)?.status;
}

beforeAll(async () => {
  const up = await runGrp('cluster', 'up', '-n', '3', '--base-port', '0', '--detach', '--record', ...here);
  if (up.code !== 0) throw new Error(`cluster up: ${JSON.stringify(up)}`);
}, 60_000);
afterAll(() => killClusterNow(dir));

describe('a detached cluster', () => {
  test('has all nodes running, each with its ports', async () => {
    const all = await nodes();
    expect(all.map(({ id, state }) => `${id} ${state}`)).toEqual(['n1 running', 'n2 running', 'n3 running']);
    for (const { pid, http, ports } of all) {
      expect(pid).toBeGreaterThan(0);
      expect(ports.http).toBe(ports.swim + 7);
      expect(http).toBe(`http://127.0.0.1:${ports.http}`);
    }
  });

  test('is not started twice', async () => {
    const again = await runGrp('cluster', 'up', ...here);
    expect(again).toMatchObject({ code: 6, documents: [{ error: { code: 'CLUSTER_EXISTS' } }] });
  });

  test('is asked without naming a node, and waits', async () => {
    expect((await runGrp('swim', 'members', ...here)).documents[0]?.['self']).toMatch(/^n1#/);
    expect((await runGrp('cluster', 'wait', '--for', 'converged', ...here)).code).toBe(0);
    expect((await runGrp('cluster', 'wait', '--for', 'leader', ...here)).documents[0]).toMatchObject({
      error: { code: 'CLUSTER_NO_LEADER_ROLE' },
    });
    expect((await runGrp('cluster', 'kill', 'n9', ...here)).code).toBe(3);
  });

  test('notices a kill, and a restart is a new life with the same ports', async () => {
    const before = (await nodes())[2];
    expect((await runGrp('cluster', 'kill', 'n3', ...here)).documents[0]).toMatchObject({
      schema: 'grp.cluster.kill/1',
      id: 'n3',
      state: 'killed',
    });
    expect((await runGrp('cluster', 'kill', 'n3', ...here)).code).toBe(6);
    expect((await runGrp('cluster', 'wait', '--for', 'converged', '--timeout', '15s', ...here)).code).toBe(0);
    expect(await statusAt('n1', 'n3')).toBe('down');
    expect((await runGrp('cluster', 'restart', 'n3', ...here)).documents[0]).toMatchObject({
      id: 'n3',
      state: 'running',
      ports: before?.ports,
    });
    expect((await runGrp('cluster', 'wait', '--for', 'converged', '--timeout', '15s', ...here)).code).toBe(0);
    expect((await nodes())[2]?.pid).not.toBe(before?.pid);
  });

  test('a paused node can go on', async () => {
    expect((await runGrp('cluster', 'pause', 'n2', ...here)).documents[0]).toMatchObject({ state: 'paused' });
    expect((await nodes())[1]?.state).toBe('paused');
    expect((await runGrp('cluster', 'resume', 'n2', ...here)).code).toBe(0);
    expect((await runGrp('cluster', 'wait', '--for', 'converged', '--timeout', '30s', ...here)).code).toBe(0);
  });

  test('is cut in two and healed', async () => {
    const cut = await runGrp('cluster', 'partition', 'n1/n2,n3', ...here);
    expect(cut.documents[0]).toMatchObject({
      schema: 'grp.cluster.partition/1',
      sides: [['n1'], ['n2', 'n3']],
      skipped: [],
    });
    const status = await runGrp('node', 'status', '--node', 'n2', ...here);
    const [n1] = await nodes();
    expect(status.documents[0]).toMatchObject({ faults: { block: [`127.0.0.1:${n1?.ports.swim}`] } });
    expect((await runGrp('cluster', 'heal', ...here)).code).toBe(0);
    expect((await runGrp('node', 'status', '--node', 'n2', ...here)).documents[0]).toMatchObject({
      faults: { block: [] },
    });
    expect((await runGrp('cluster', 'wait', '--for', 'converged', '--timeout', '60s', ...here)).code).toBe(0);
  });

  test('is reached by the doctor, by TCP and by UDP', async () => {
    const [n1] = await nodes();
    const { code, documents } = await runGrp(
      'doctor',
      '--peer',
      `127.0.0.1:${n1?.ports.swim}`,
      '--bind',
      '127.0.0.1:0',
    );
    const checks = documents[0]?.['checks'] as { check: string; status: string }[];
    const peer = checks.filter(({ check }) => check.startsWith('peer-'));
    expect({ code, peer }).toMatchObject({
      code: 0,
      peer: [
        { check: 'peer-tcp', status: 'ok' },
        { check: 'peer-udp', status: 'ok' },
      ],
    });
  });

  test('shows a log, line by line', async () => {
    const { code, documents } = await runGrp('cluster', 'logs', 'n1', '--lines', '3', ...here);
    expect(code).toBe(0);
    expect(documents.length).toBeGreaterThan(0);
    expect(documents[0]).toMatchObject({ schema: 'grp.cluster.log/1', id: 'n1', line: expect.any(String) });
  });

  test('tells of a node that crashed by itself', async () => {
    const [, , n3] = await nodes();
    process.kill(n3?.pid ?? 0, 'SIGKILL');
    await expect
      .poll(async () => (await nodes())[2], { timeout: 10_000 })
      .toMatchObject({ state: 'exited', exitCode: null });
  });

  test('goes down, and may be asked again', async () => {
    const down = await runGrp('cluster', 'down', ...here);
    expect(down.code).toBe(0);
    expect((await nodes()).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'exited']);
    expect((await runGrp('cluster', 'down', ...here)).code).toBe(0);
    expect((await runGrp('swim', 'members', '--node', 'n1', ...here)).code).toBe(5);
  });

  test('was recorded, each life in a file of its own; its folder is one trace', async () => {
    expect(readdirSync(join(dir, 'recordings'))).toEqual(['n1-1.trace', 'n2-1.trace', 'n3-1.trace', 'n3-2.trace']);
    const { code, documents } = await runGrp('lab', 'replay', dir, join(dir, 'recordings', 'n1-1.trace'));
    expect(code).toBe(0);
    const [trace] = documents as [{ nodes: object[]; messages: number; lost: number; omitted: number }];
    expect(trace).toMatchObject({ kind: 'recording', omitted: 0 });
    expect(trace.nodes).toMatchObject([{ name: 'n1' }, { name: 'n2' }, { name: 'n3' }, { name: 'n3' }]);
    // The datagrams of a healthy cluster arrive; those to the killed node and through the cut do not.
    expect(trace.messages).toBeGreaterThan(50);
    expect(trace.lost).toBeLessThan(trace.messages / 2);
    const { documents: page } = await runGrp('lab', 'export', dir, '--format', 'shiviz');
    expect(page[0]).toMatchObject({ format: 'shiviz', title: 'recording of n1, n2, n3' });
  });
});

test('an attached cluster goes down with its command, and nothing is left', async () => {
  const own = mkdtempSync(join(tmpdir(), 'grp-cluster-'));
  const up = startGrp(['cluster', 'up', '-n', '2', '--base-port', '0', '--dir', own, '--json']);
  try {
    await up.line(/^\{"schema":"grp.cluster.status\/1"/);
    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expect(readStateNow(own)?.nodes.filter((node) => isAlive(node))).toEqual([]);
  } finally {
    killClusterNow(own);
  }
});

test('a node that cannot start takes the whole attempt back', async () => {
  const own = mkdtempSync(join(tmpdir(), 'grp-cluster-'));
  const up = await runGrp('cluster', 'up', '-n', '2', '--base-port', '0', '--role', 'messenger', '--dir', own);
  expect(up).toMatchObject({
    code: 2,
    documents: [{ error: { code: 'NODE_ROLE_UNAVAILABLE', message: expect.stringContaining('n1') } }],
  });
  expect(readStateNow(own)?.nodes.filter((node) => isAlive(node))).toEqual([]);
});
