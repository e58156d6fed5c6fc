// What the nodes of a file store take of memory: with very many small files, and while a large one goes in and out.
// `npm run soak -- dfs-memory [--files N] [--mebibytes N] [--limit MIB]`
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { DfsClient } from '@grp/dfs/node';
import { bringUp } from '../src/index.ts';
import { bringDown } from '../src/cluster/down.ts';
import { readState } from '../src/cluster/state.ts';
import { untilRepaired } from '../src/dfs/bytes.ts';
import { fetchFile } from '../src/dfs/fetch.ts';
import { sendFile } from '../src/dfs/send.ts';
import { openSource } from '../src/dfs/source.ts';
import { clientsOf } from '../test/support/files.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '100000' },
    mebibytes: { type: 'string', default: '1024' },
    limit: { type: 'string', default: '256' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'grp-dfs-memory-'));
const template = { roles: ['swim', 'dfs'] } as const;
const pieceBytes = 4_194_304;
const atOnce = 128;
await bringUp({ dir, count: 3, basePort: 0, template, logFormat: 'json', timeoutMs: 120_000 });
const nodes = (await readState(dir))?.nodes ?? [];
const clients = await clientsOf(dir);
const problems: string[] = [];
try {
  report('idle');
  if (Number(values.files) > 0) await smallFiles(Number(values.files));
  if (Number(values.mebibytes) > 0) await largeFile(Number(values.mebibytes));
} catch (cause) {
  problems.push(String(cause));
} finally {
  await bringDown({ dir, timeoutMs: 10_000 });
}
for (const problem of problems) console.error(problem);
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
process.exitCode = problems.length === 0 ? 0 : 8;

/** Resident memory of each node now, and at most since it began. */
function report(what: string): void {
  const of = (pid: number, field: string): number =>
    Math.round(
      Number(new RegExp(String.raw`${field}:\s+(\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    );
  const now = nodes.map(({ pid }) => of(pid, 'VmRSS'));
  const peak = nodes.map(({ pid }) => of(pid, 'VmHWM'));
  console.log(JSON.stringify({ what, rssMiB: now, peakMiB: peak }));
  if (Math.max(...peak) > Number(values.limit)) problems.push(`${what}: a node took ${Math.max(...peak)} MiB`);
}

async function smallFiles(count: number): Promise<void> {
  const servers = nodes.map(({ bind, ports }) => `${bind.slice(0, bind.lastIndexOf(':'))}:${ports['dfs']}`);
  const client = new DfsClient({ servers });
  const began = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await client.put(`small/${next++}`, randomBytes(100));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.error(`${count} files in ${Math.round(performance.now() - began)} ms`);
  await client.close();
  report('small files put');
  await untilRepaired(clients, { timeoutMs: 300_000 });
  report('small files whole');
}

async function largeFile(mebibytes: number): Promise<void> {
  const piece = randomBytes(pieceBytes);
  const pieces = Array.from({ length: (mebibytes * 1_048_576) / pieceBytes }, () => piece);
  const file = join(dir, 'large');
  await writeFile(file, Readable.from(pieces));
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file, { highWaterMark: pieceBytes })) hash.update(bytes as Buffer);
  const wanted = hash.digest('hex');
  const source = await openSource(file);
  const put = await sendFile({ clients, name: 'large', source });
  await source.close();
  if (put.sha256 !== wanted) problems.push('the large file was put altered');
  report('large file put');
  for (const client of clients) {
    const found = await fetchFile({ clients: [client], name: 'large', onFound: () => {}, write: async () => {} });
    if (found.sha256 !== wanted) problems.push('the large file was read altered');
  }
  report('large file read through each node');
}
