// Messages per second through the chat's gRPC stream beside Debian's etcd, in one run on one disk, every write synced:
// `npm run bench -- chat [--full] [--json] [--sizes 3,5] [--clients 1,64,1000] [--seconds 2] [--turns 1] [--dir FOLDER]
// [--prof FOLDER]`. The servers are whole nodes of the command line; each client has a stream of its own and waits for each
// answer. A minute or two; a table or one JSON document; exit code 8 when a promise was not kept.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
// @boundaries-ignore the benches put the same load on both
import {
  measureLoad,
  measureWrites,
  startEtcd,
  syncsPerSecond,
  type CellFigures,
  type EtcdCluster,
} from '../../raft/bench/raft-cluster.ts';
import { startChat, type ChatServers } from './chat-servers.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    clients: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    turns: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    prof: { type: 'string' },
  },
});
const numbers = (text: string): number[] => text.split(',').map(Number);
const plan = {
  sizes: numbers(values.sizes ?? (values.full ? '3,5' : '3')),
  clients: numbers(values.clients ?? (values.full ? '1,16,64,256,1000' : '1,64,1000')),
  seconds: Number(values.seconds),
  turns: Number(values.turns ?? (values.full ? 3 : 1)),
};
const hasEtcd = spawnSync('etcd', ['--version']).status === 0;
const loadScript = fileURLToPath(new URL('chat-load.ts', import.meta.url));
const valueBytes = 256;

interface Row extends CellFigures {
  readonly servers: number;
  readonly clients: number;
  readonly over: 'chat' | 'etcd';
  /** Writes per second divided by etcd's in the same cell. */
  readonly ratio: number | undefined;
}

async function rowsOf(size: number, folder: string): Promise<readonly Row[]> {
  mkdirSync(folder, { recursive: true });
  const nodeArgs = values.prof === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.prof}`];
  const chat = await startChat(size, folder, nodeArgs);
  const etcd = hasEtcd ? await startEtcd(size, folder) : undefined;
  try {
    // Compilers and caches are warm in a server that has run for a minute, and that is what is asked for.
    for (const clients of [64, 256]) await cell(chat, undefined, clients, 2_000);
    const rows: Row[] = [];
    for (const clients of plan.clients) {
      const [ours, theirs]: [CellFigures[], CellFigures[]] = [[], []];
      for (let turn = 0; turn < plan.turns; turn++) {
        ours.push(await cell(chat, undefined, clients, plan.seconds * 1_000));
        if (etcd !== undefined) theirs.push(await cell(chat, etcd, clients, plan.seconds * 1_000));
      }
      const [mine, other] = [middle(ours), middle(theirs)];
      const common = { servers: size, clients };
      if (mine !== undefined)
        rows.push({
          ...common,
          over: 'chat',
          ...mine,
          ratio: other && round(mine.writesPerSecond / other.writesPerSecond),
        });
      if (other !== undefined) rows.push({ ...common, over: 'etcd', ...other, ratio: 1 });
    }
    return rows;
  } finally {
    await Promise.all([chat.stop(), etcd?.stop()]);
  }
}

async function cell(
  chat: ChatServers,
  etcd: EtcdCluster | undefined,
  clients: number,
  measureMs: number,
): Promise<CellFigures> {
  const common = { valueBytes, warmUpMs: 1_000, measureMs, clients };
  if (etcd === undefined)
    return measureLoad(loadScript, { ...common, target: chat.leader, token: chat.token }, chat.pids);
  const targets = [etcd.endpoints[await etcd.leader()] as string];
  return measureWrites({ ...common, over: 'etcd', targets }, etcd.pids);
}

function middle(cells: readonly CellFigures[]): CellFigures | undefined {
  return cells.toSorted((a, b) => a.writesPerSecond - b.writesPerSecond)[cells.length >> 1];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

const folder = mkdtempSync(join(values.dir, 'grp-bench-chat-'));
try {
  const loadBefore = load();
  const syncs = [syncsPerSecond(folder)];
  const rows: Row[] = [];
  for (const size of plan.sizes) rows.push(...(await rowsOf(size, join(folder, String(size)))));
  syncs.push(syncsPerSecond(folder));
  const wanted: Readonly<Record<number, number>> = { 1: 1, 64: 1.5, 1_000: 1.5 };
  const promises = rows
    .filter(
      ({ servers, over, clients, ratio }) =>
        servers === 3 && over === 'chat' && ratio !== undefined && clients in wanted,
    )
    .map(({ clients, ratio = 0 }) => {
      const least = wanted[clients] ?? 0;
      return {
        promise: `gRPC stream, ${clients} clients: times etcd`,
        wanted: least,
        found: ratio,
        kept: ratio >= least,
      };
    });
  const ok = promises.every(({ kept }) => kept);
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    loadBefore,
    loadAfter: load(),
    syncsPerSecond: syncs,
  };
  if (values.json) console.log(JSON.stringify({ schema: 'grp.bench.chat/1', ok, machine, plan, rows, promises }));
  else {
    console.log(`${machine.cores} × ${machine.processor}, ${machine.system}, Node ${machine.node}`);
    console.log(
      `load ${loadBefore} before, ${machine.loadAfter} after; the bare disk syncs 4 KiB ${syncs.join(', ')} times a second`,
    );
    console.table(rows);
    if (promises.length > 0) console.table(promises);
  }
  process.exitCode = ok ? 0 : 8;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
