// Puts and gets of a store with three replicas, durable, over loopback, beside three fsynced copies made by one process.
// npm run bench -- dfs [--servers HOST:PORT,…] [--small 1000] [--middle 100] [--large-mib 1024] [--no-floor] [--json]
// Without --servers it starts three file servers as processes; the metadata is then a log of one. With it, it measures a
// cluster that runs, metadata through raft: `grp cluster up -n 3 --role swim,dfs`, then the addresses of the dfs ports.
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DfsClient } from '../src/node/index.ts';
import { runServer, type ServerOrder } from './server-process.ts';

const mebibyte = 1_048_576;

interface Row {
  readonly what: string;
  readonly atOnce: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of this process for one: on a busy machine this says more than the rate. */
  readonly cpuUs: number;
}

interface Work {
  readonly what: string;
  readonly bytes: number;
  readonly count: number;
  readonly atOnce: number;
  readonly run: (index: number) => Promise<void>;
}

async function measure({ what, bytes, count, atOnce, run }: Work): Promise<Row> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const from = performance.now();
      await run(index);
      latencies.push(performance.now() - from);
    }
  };
  const from = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  const rate = count / seconds;
  const row = {
    ...{ what, atOnce, perSecond: round(rate), megabytesPerSecond: round((rate * bytes) / 1e6) },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), cpuUs: Math.round((user + system) / count) },
  };
  process.stderr.write(
    `${what}, ${atOnce} at once: ${row.perSecond}/s, ${row.megabytesPerSecond} MB/s, p50 ${row.p50Ms} ms, ${row.cpuUs} us of CPU\n`,
  );
  return row;
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** Three copies, each written and fdatasynced, at the same time. */
async function threeCopies(folder: string, name: string, blocks: readonly Uint8Array[]): Promise<void> {
  await Promise.all(
    [1, 2, 3].map(async (copy) => {
      const path = join(folder, `${name}-${copy}`);
      const file = await open(path, 'w');
      for (const block of blocks) await file.write(block);
      await file.datasync();
      await file.close();
      await unlink(path);
    }),
  );
}

async function drain(client: DfsClient, name: string): Promise<number> {
  let bytes = 0;
  const { stream } = client.get(name);
  stream.on('data', (part: Buffer) => (bytes += part.length));
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  return bytes;
}

interface Sizes {
  readonly small: number;
  readonly middle: number;
  readonly largeMiB: number;
}

async function benchClient(client: DfsClient, { small, middle, largeMiB }: Sizes): Promise<Row[]> {
  const block = randomBytes(mebibyte);
  const rows: Row[] = [];
  const run = async (work: Work): Promise<void> => void rows.push(await measure(work));
  const tiny = Buffer.from(block.subarray(0, 4_096));
  await client.put('warm', tiny);
  for (const atOnce of [1, 8, 32]) {
    const put = async (index: number): Promise<void> => void (await client.put(`4k/${atOnce}/${index}`, tiny));
    await run({ what: 'put 4 KiB', bytes: 4_096, count: small, atOnce, run: put });
    const get = async (index: number): Promise<void> => void (await drain(client, `4k/${atOnce}/${index}`));
    await run({ what: 'get 4 KiB', bytes: 4_096, count: small, atOnce, run: get });
  }
  for (const atOnce of [1, 4]) {
    const put = async (index: number): Promise<void> => void (await client.put(`1m/${atOnce}/${index}`, block));
    await run({ what: 'put 1 MiB', bytes: mebibyte, count: middle, atOnce, run: put });
    const get = async (index: number): Promise<void> => void (await drain(client, `1m/${atOnce}/${index}`));
    await run({ what: 'get 1 MiB', bytes: mebibyte, count: middle, atOnce, run: get });
  }
  const large = function* (): Generator<Buffer> {
    for (let count = 0; count < largeMiB; count++) yield block;
  };
  const bytes = largeMiB * mebibyte;
  const put = async (): Promise<void> =>
    void (await client.put('large', Readable.from(large(), { objectMode: false, highWaterMark: mebibyte })));
  await run({ what: `put ${largeMiB} MiB`, bytes, count: 1, atOnce: 1, run: put });
  const get = async (): Promise<void> => {
    if ((await drain(client, 'large')) !== bytes) throw new Error('too short');
  };
  await run({ what: `get ${largeMiB} MiB`, bytes, count: 2, atOnce: 1, run: get });
  return rows;
}

async function benchFloor(folder: string, { small, middle, largeMiB }: Sizes): Promise<Row[]> {
  const block = randomBytes(mebibyte);
  const tiny = [block.subarray(0, 4_096)];
  const rows: Row[] = [];
  for (const atOnce of [1, 8, 32]) {
    const run = (index: number): Promise<void> => threeCopies(folder, `t${index}`, tiny);
    rows.push(await measure({ what: 'floor 4 KiB', bytes: 4_096, count: small, atOnce, run }));
  }
  for (const atOnce of [1, 4]) {
    const run = (index: number): Promise<void> => threeCopies(folder, `m${index}`, [block]);
    rows.push(await measure({ what: 'floor 1 MiB', bytes: mebibyte, count: middle, atOnce, run }));
  }
  const blocks = Array.from({ length: largeMiB }, () => block);
  const run = (): Promise<void> => threeCopies(folder, 'l', blocks);
  rows.push(await measure({ what: `floor ${largeMiB} MiB`, bytes: largeMiB * mebibyte, count: 1, atOnce: 1, run }));
  return rows;
}

/** Puts and gets while one of three servers stands still: the longest of each. */
async function benchStopped(client: DfsClient, victim: ChildProcess): Promise<Row[]> {
  const tiny = randomBytes(4_096);
  for (let index = 0; index < 50; index++) await client.put(`before/${index}`, tiny);
  victim.kill('SIGSTOP');
  const put = async (index: number): Promise<void> => void (await client.put(`grey/${index}`, tiny));
  const get = async (index: number): Promise<void> => void (await drain(client, `before/${index % 50}`));
  const rows = [
    await measure({ what: 'put 4 KiB, one stopped', bytes: 4_096, count: 300, atOnce: 4, run: put }),
    await measure({ what: 'get 4 KiB, one stopped', bytes: 4_096, count: 300, atOnce: 4, run: get }),
  ];
  victim.kill('SIGCONT');
  return rows;
}

async function startServers(
  folder: string,
): Promise<{ readonly children: readonly ChildProcess[]; readonly addresses: readonly string[] }> {
  const all = ['n1', 'n2', 'n3'];
  const children: ChildProcess[] = [];
  const addresses: string[] = [];
  for (const id of all) {
    const [first] = addresses;
    const order: ServerOrder = { folder, id, all, ...(first !== undefined && { first }) };
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, DFS_BENCH: JSON.stringify(order) },
    });
    const [address] = (await once(child, 'message')) as [string];
    children.push(child);
    addresses.push(address);
  }
  return { children, addresses };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      servers: { type: 'string' },
      small: { type: 'string', default: '1000' },
      middle: { type: 'string', default: '100' },
      'large-mib': { type: 'string', default: '1024' },
      dir: { type: 'string', default: tmpdir() },
      'no-floor': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const sizes = { small: Number(values.small), middle: Number(values.middle), largeMiB: Number(values['large-mib']) };
  const folder = mkdtempSync(join(values.dir, 'grp-bench-dfs-'));
  const { children, addresses } =
    values.servers === undefined ? await startServers(folder) : { children: [], addresses: values.servers.split(',') };
  const client = new DfsClient({ servers: addresses });
  try {
    const floor = values['no-floor'] ? [] : await benchFloor(folder, sizes);
    const rows = [...floor, ...(await benchClient(client, sizes))];
    const victim = children[2];
    if (victim !== undefined) rows.push(...(await benchStopped(client, victim)));
    const processes = await Promise.all(
      children.map(async (child) => {
        const told = once(child, 'message');
        child.send('tell');
        return ((await told) as [{ readonly rss: number; readonly peakRss: number; readonly cpuMs: number }])[0];
      }),
    );
    if (values.json)
      process.stdout.write(`${JSON.stringify({ schema: 'grp.bench.dfs/1', rows, processes }, undefined, 2)}\n`);
    else {
      console.table(rows);
      console.table(
        processes.map(({ peakRss, cpuMs }) => ({ peakMiB: Math.round(peakRss / mebibyte), cpuMs: Math.round(cpuMs) })),
      );
      const { maxRSS } = process.resourceUsage();
      console.log(`client: ${Math.round(maxRSS / 1_024)} MiB at most`);
    }
  } finally {
    await client.close();
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

const order = process.env['DFS_BENCH'];
if (order === undefined) await main();
else await runServer(JSON.parse(order) as ServerOrder);
