// Puts and gets of a store with three replicas, durable, over loopback, beside three fsynced copies made by one process:
// npm run bench -- dfs [--ceph] [--turns 1] [--ceph-seconds 10] [--servers HOST:PORT,…] [--small 1000] [--middle 100]
// [--large-mib 1024] [--no-floor] [--dir FOLDER] [--json]
// Without --servers it starts three file servers as processes; the metadata is then a log of one. With it, it measures a
// cluster that runs, metadata through raft: `grp cluster up -n 3 --role swim,dfs`, then the addresses of the dfs ports.
// --ceph measures Debian's Ceph on the same disk in the same run. Exit code 8 when a promise was not kept.
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DfsClient } from '../src/node/index.ts';
import { cephSide } from './ceph-side.ts';
import { CephCluster, whyNoCeph } from './ceph.ts';
import { clientSide, measureStopped } from './dfs-client-side.ts';
import { floorSide, measureDisk } from './dfs-floor.ts';
import { judge, rowsSideBySide } from './dfs-judge.ts';
import { cellsOf, measureInTurns, mebibyte, type Row, type Side, type Sizes } from './dfs-measure.ts';
import { runServer, type ServerOrder } from './server-process.ts';

const { values } = parseArgs({
  options: {
    ceph: { type: 'boolean', default: false },
    'ceph-seconds': { type: 'string', default: '10' },
    turns: { type: 'string', default: '1' },
    servers: { type: 'string' },
    small: { type: 'string', default: '1000' },
    middle: { type: 'string', default: '100' },
    'large-mib': { type: 'string', default: '1024' },
    dir: { type: 'string', default: tmpdir() },
    'no-floor': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const sizes: Sizes = {
  small: Number(values.small),
  middle: Number(values.middle),
  largeMiB: Number(values['large-mib']),
};

/** What has to be done at the end, last things first, also when somebody interrupts. */
class Ending {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #done: Promise<void> | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => void this.run().finally(() => process.exit(130)));
  }

  get isUnderWay(): boolean {
    return this.#done !== undefined;
  }

  before(step: () => void | Promise<void>): void {
    this.#steps.unshift(step);
  }

  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    for (const step of this.#steps) await step();
  }
}

async function startCeph(folder: string, ending: Ending): Promise<CephCluster | undefined> {
  const reason = whyNoCeph(folder);
  if (reason !== undefined) {
    process.stderr.write(`Ceph is not measured: ${reason}\n`);
    return undefined;
  }
  const ceph = new CephCluster(folder);
  ending.before(() => ceph.stop());
  await ceph.start();
  return ceph;
}

interface OwnServers {
  readonly children: readonly ChildProcess[];
  readonly addresses: readonly string[];
}

async function startServers(folder: string, ending: Ending): Promise<OwnServers> {
  const all = ['n1', 'n2', 'n3'];
  const children: ChildProcess[] = [];
  const addresses: string[] = [];
  ending.before(async () => {
    const alive = children.filter((child) => child.exitCode === null && child.signalCode === null);
    for (const child of alive) child.kill('SIGKILL');
    await Promise.all(alive.map((child) => once(child, 'exit')));
  });
  for (const id of all) {
    const [first] = addresses;
    const order: ServerOrder = { folder, id, all, ...(first !== undefined && { first }) };
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, DFS_BENCH: JSON.stringify(order) },
    });
    children.push(child);
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`file server ${id} ended at its start`)));
    const [address] = (await Promise.race([once(child, 'message'), ended])) as [string];
    addresses.push(address);
  }
  return { children, addresses };
}

/** Compilers and caches are warm in servers that have run for a minute, and that is what is asked for. */
async function warmUp(client: DfsClient): Promise<void> {
  const tiny = randomBytes(4_096);
  let left = Math.min(4 * sizes.small, 4_000);
  const worker = async (): Promise<void> => {
    while (left-- > 0) await client.put(`warm/${left}`, tiny);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

interface ProcessFigures {
  readonly rss: number;
  readonly peakRss: number;
  readonly cpuMs: number;
}

async function figuresOf(child: ChildProcess): Promise<ProcessFigures> {
  const told = once(child, 'message');
  child.send('tell');
  return ((await told) as [ProcessFigures])[0];
}

async function report(folder: string, ending: Ending) {
  const load = (): number => Math.round((loadavg()[0] ?? 0) * 10) / 10;
  const loadBefore = load();
  const disk = [measureDisk(folder)];
  const ceph = values.ceph ? await startCeph(folder, ending) : undefined;
  const { children, addresses } =
    values.servers === undefined
      ? await startServers(folder, ending)
      : { children: [], addresses: values.servers.split(',') };
  const client = new DfsClient({ servers: addresses });
  ending.before(() => client.close());
  await warmUp(client);
  const sides: Side[] = [
    ...(values['no-floor'] ? [] : [floorSide(folder)]),
    ...(ceph === undefined ? [] : [await cephSide(ceph, Number(values['ceph-seconds']), 500)]),
    clientSide(client),
  ];
  const measured: Row[] = [...(await measureInTurns(cellsOf(sizes), sides, Number(values.turns)))];
  const victim = children[2];
  if (victim !== undefined) measured.push(...(await measureStopped(client, victim)));
  disk.push(measureDisk(folder));
  const machine = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()}`,
    ...{ node: process.versions.node, ceph: ceph?.version, loadBefore, loadAfter: load(), disk },
  };
  const rows = rowsSideBySide(measured);
  const promises = judge(rows);
  const ok = promises.every(({ kept }) => kept);
  return { ok, machine, rows, promises, processes: await Promise.all(children.map(figuresOf)) };
}

function print({ machine, rows, promises, processes }: Awaited<ReturnType<typeof report>>): void {
  console.log(`${machine.cores} × ${machine.processor}, ${machine.system}, Node ${machine.node}`);
  if (machine.ceph !== undefined) console.log(machine.ceph);
  for (const { appendsPerSecond, megabytesPerSecond } of machine.disk)
    console.log(`the bare disk: ${appendsPerSecond} synced appends of 4 KiB a second, ${megabytesPerSecond} MB/s`);
  console.table(rows.map(({ turns, ...row }) => ({ ...row, ...(turns !== undefined && { turns: turns.join(' ') }) })));
  console.table(promises);
  console.table(
    processes.map(({ peakRss, cpuMs }) => ({ peakMiB: Math.round(peakRss / mebibyte), cpuMs: Math.round(cpuMs) })),
  );
  console.log(`client: ${Math.round(process.resourceUsage().maxRSS / 1_024)} MiB at most`);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(values.dir, 'grp-bench-dfs-'));
  const ending = new Ending();
  ending.before(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  try {
    const found = await report(folder, ending);
    if (values.json) process.stdout.write(`${JSON.stringify({ schema: 'grp.bench.dfs/2', ...found }, undefined, 2)}\n`);
    else print(found);
    process.exitCode = found.ok ? 0 : 8;
  } catch (error) {
    // What was interrupted fails because it was.
    if (!ending.isUnderWay) throw error;
  } finally {
    await ending.run();
  }
}

const order = process.env['DFS_BENCH'];
if (order === undefined) await main();
else await runServer(JSON.parse(order) as ServerOrder);
