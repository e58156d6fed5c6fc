// Raft beside Debian's etcd, in one run on one disk, every write synced, all servers in processes of their own:
// `npm run bench -- raft [--full] [--json] [--only writes|failover|restart|calm] [--sizes 3,5] [--clients 1,64,1000]
// [--over native,grpc,etcd] [--seconds 2] [--turns 1] [--kills 10] [--entries 100000] [--dir FOLDER] [--prof FOLDER]`.
// A minute or two; with --full, half an hour. Tables, or one JSON document; exit code 8 when a promise was not kept.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureWrites, pause, startEtcd, startRaft, syncsPerSecond, type RaftCluster } from './raft-cluster.ts';
import { measureEtcdGaps, measureRaftGaps, type GapFigures } from './raft-failover.ts';
import { measureRestart } from './raft-restart.ts';
import { measureAllWrites, type Carrier, type WriteRow } from './raft-writes.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    sizes: { type: 'string' },
    clients: { type: 'string' },
    over: { type: 'string', default: 'native,grpc,etcd' },
    seconds: { type: 'string', default: '2' },
    turns: { type: 'string' },
    kills: { type: 'string' },
    entries: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    prof: { type: 'string' },
  },
});
const isFull = values.full;
const numbers = (text: string): number[] => text.split(',').map(Number);
const plan = {
  sizes: numbers(values.sizes ?? (isFull ? '3,5' : '3')),
  clients: numbers(values.clients ?? (isFull ? '1,16,64,256,1000' : '1,64,1000')),
  over: values.over.split(',') as Carrier[],
  seconds: Number(values.seconds),
  turns: Number(values.turns ?? (isFull ? 3 : 1)),
  kills: Number(values.kills ?? (isFull ? 50 : 10)),
  entries: Number(values.entries ?? (isFull ? 1_000_000 : 100_000)),
};
const isWanted = (part: string): boolean => values.only === undefined || values.only === part;
const hasEtcd = plan.over.includes('etcd') && spawnSync('etcd', ['--version']).status === 0;

interface Promised {
  readonly promise: string;
  readonly wanted: number;
  readonly found: number;
  readonly kept: boolean;
}

async function writesOf(folder: string): Promise<{ rows: readonly WriteRow[]; syncs: readonly number[] }> {
  const [rows, syncs]: [WriteRow[], number[]] = [[], []];
  for (const size of plan.sizes) {
    const nodeArgs = values.prof === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.prof}`];
    const raft = await startRaft({ size, folder: join(folder, `raft-${size}`), nodeArgs });
    const etcd = hasEtcd ? await startEtcd(size, join(folder, `etcd-${size}`)) : undefined;
    try {
      const found = await measureAllWrites({ ...plan, measureMs: plan.seconds * 1_000, folder }, raft, etcd);
      rows.push(...found.rows);
      syncs.push(...found.syncs);
    } finally {
      await Promise.all([raft.stop(), etcd?.stop()]);
    }
  }
  return { rows, syncs };
}

async function failoverOf(folder: string): Promise<readonly GapFigures[]> {
  const raft = await startRaft({ size: 3, folder: join(folder, 'raft-failover'), hasGrpc: false });
  const gaps: GapFigures[] = [];
  try {
    gaps.push(await measureRaftGaps(raft, 'kill', plan.kills), await measureRaftGaps(raft, 'stop', plan.kills));
  } finally {
    await raft.stop();
  }
  if (!hasEtcd) return gaps;
  const etcd = await startEtcd(3, join(folder, 'etcd-failover'));
  try {
    return [...gaps, await measureEtcdGaps(etcd, Math.min(plan.kills, 7))];
  } finally {
    await etcd.stop();
  }
}

/** Without snapshots, so that the whole log is read. */
async function restartOf(folder: string) {
  const config = { snapshotEntries: 1_000_000_000, snapshotBytes: 1_000_000_000_000 };
  const raft = await startRaft({ size: 3, folder: join(folder, 'raft-restart'), hasGrpc: false, config });
  try {
    return await measureRestart(raft, plan.entries);
  } finally {
    await raft.stop();
  }
}

/** Elections without a fault, under the greatest number of clients (0: none at all), and then without any. */
async function calmOf(folder: string) {
  const raft = await startRaft({ size: 3, folder: join(folder, 'raft-calm'), hasGrpc: false });
  try {
    const before = await changesOf(raft);
    const clients = Math.max(...plan.clients);
    const common = { over: 'native' as const, targets: raft.addresses, clients, valueBytes: 256, warmUpMs: 0 };
    const loadMs = clients === 0 ? 0 : plan.seconds * 500;
    // In pieces, because a load process has to answer within a minute.
    for (let leftMs = loadMs; leftMs > 0; leftMs -= 20_000)
      await measureWrites({ ...common, measureMs: Math.min(leftMs, 20_000) }, raft.pids);
    await pause(plan.seconds * 1_000 - loadMs);
    return { seconds: plan.seconds, clients, elections: (await changesOf(raft)) - before, load: load() };
  } finally {
    await raft.stop();
  }
}

async function changesOf(raft: RaftCluster): Promise<number> {
  return Math.max(...(await Promise.all(raft.servers.map(async (server) => (await server.status()).term))));
}

function judge(rows: readonly WriteRow[], gaps: readonly GapFigures[]): readonly Promised[] {
  const promises: Promised[] = [];
  const atLeast = (promise: string, wanted: number, found: number | undefined): void => {
    if (found !== undefined) promises.push({ promise, wanted, found, kept: found >= wanted });
  };
  const find = (over: string, clients: number): WriteRow | undefined =>
    rows.find((row) => row.servers === 3 && row.over === over && row.clients === clients);
  atLeast('gRPC stream, 1 client: times etcd', 1, find('grpc', 1)?.ratio);
  for (const clients of [64, 1_000])
    atLeast(`gRPC stream, ${clients} clients: times etcd`, 1.5, find('grpc', clients)?.ratio);
  atLeast('native, 1 client: times etcd', 1.2, find('native', 1)?.ratio);
  atLeast('native, 1,000 clients: writes per second', 50_000, find('native', 1_000)?.writesPerSecond);
  const [killed, left] = gaps;
  const atMost = (promise: string, wanted: number, found: number | undefined): void => {
    if (found !== undefined) promises.push({ promise, wanted, found, kept: found <= wanted });
  };
  atMost('leader killed: median without writes, ms', 250, killed?.medianMs);
  atMost('leader killed: longest without writes, ms', 500, killed?.maxMs);
  atMost('leader leaves: median without writes, ms', 30, left?.medianMs);
  return promises;
}

function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

const folder = mkdtempSync(join(values.dir, 'grp-bench-raft-'));
try {
  const loadBefore = load();
  const syncsBefore = syncsPerSecond(folder);
  const writes = isWanted('writes') ? await writesOf(folder) : { rows: [], syncs: [] };
  const gaps = isWanted('failover') ? await failoverOf(folder) : [];
  const restart = isWanted('restart') ? await restartOf(folder) : undefined;
  const calm = values.only === 'calm' ? await calmOf(folder) : undefined;
  const promises = judge(writes.rows, gaps);
  const ok = promises.every(({ kept }) => kept);
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    loadBefore,
    loadAfter: load(),
    syncsPerSecond: [syncsBefore, ...writes.syncs],
  };
  if (values.json)
    console.log(
      JSON.stringify({
        schema: 'grp.bench.raft/1',
        ok,
        machine,
        plan,
        writes: writes.rows,
        gaps,
        restart,
        calm,
        promises,
      }),
    );
  else {
    console.log(`${machine.cores} × ${machine.processor}, ${machine.system}, Node ${machine.node}`);
    console.log(
      `load ${machine.loadBefore} before, ${machine.loadAfter} after; the bare disk syncs 4 KiB ${machine.syncsPerSecond.join(', ')} times a second`,
    );
    for (const table of [
      writes.rows,
      gaps,
      restart === undefined ? [] : [restart.restart],
      restart === undefined ? [] : [restart.snapshot],
      calm === undefined ? [] : [calm],
      promises,
    ])
      if (table.length > 0) console.table(table);
  }
  process.exitCode = ok ? 0 : 8;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
