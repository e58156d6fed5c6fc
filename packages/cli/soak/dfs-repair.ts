// How soon a file store of five nodes is whole again. First: a node is killed that holds so much, little and then much; the
// time from its death, and from the moment in which the master knows of it, until there are three replicas of everything.
// Then: bits are flipped in what one node holds, while it serves: no get may see one, and all that was hit is made anew.
// `npm run soak -- dfs-repair [--little N] [--much N] [--flips N]` (files of 1 MiB)
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bringUp, killNode, restartNode } from '../src/index.ts';
import { bringDown } from '../src/cluster/down.ts';
import type { NodeClient } from '../src/client/http-client.ts';
import { getBytes, putBytes, repairOf, untilRepaired } from '../src/dfs/bytes.ts';
import type { StatDocument } from '../src/dfs/documents.ts';
import { withQuery } from '../src/dfs/paths.ts';
import { clientsOf, masterOf } from '../test/support/files.ts';

const { values } = parseArgs({
  options: {
    little: { type: 'string', default: '66' },
    much: { type: 'string', default: '1000' },
    flips: { type: 'string', default: '10000' },
  },
});
const mebibyte = 1_048_576;
const repairMsMax = 20_000;
const mendMsMax = 180_000;
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const dir = mkdtempSync(join(tmpdir(), 'grp-dfs-repair-'));
const template = { roles: ['swim', 'dfs'] } as const;
await bringUp({ dir, count: ids.length, basePort: 0, template, logFormat: 'json', timeoutMs: 120_000 });
const all = await clientsOf(dir);
const digests = new Map<string, string>();
const problems: string[] = [];
try {
  await put('little', Number(values.little));
  await repairAfterDeath('little');
  await put('much', Number(values.much));
  await repairAfterDeath('much');
  await flipBits(Number(values.flips));
} catch (cause) {
  problems.push(String(cause));
} finally {
  await bringDown({ dir, timeoutMs: 10_000 });
}
for (const problem of problems.slice(0, 20)) console.error(problem);
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** Eight at once, through the nodes in turn. */
async function put(prefix: string, count: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const bytes = randomBytes(mebibyte);
      const name = `${prefix}/${index}`;
      await putBytes(clientsFrom(index), name, bytes);
      digests.set(name, digestOf(bytes));
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  await whole();
}

async function repairAfterDeath(what: string): Promise<void> {
  const master = await masterOf(dir);
  const victim = ids.find((id) => id !== master) as string;
  const before = await repairOf(all);
  const others = await clientsOf(
    dir,
    ids.filter((id) => id !== victim),
  );
  const killedAt = performance.now();
  await killNode(dir, victim);
  const isDown = async (): Promise<boolean> =>
    (await repairOf(others)).servers.some(({ node, up }) => node === victim && !up);
  while (!(await isDown())) await sleep(10);
  const detectedAt = performance.now();
  await untilRepaired(others, { timeoutMs: 120_000 });
  const endedAt = performance.now();
  const after = await repairOf(others);
  const fromDeathMs = Math.round(endedAt - killedAt);
  console.log(
    JSON.stringify({
      what,
      copies: after.copiesDone - before.copiesDone,
      megabytes: Math.round((after.copyBytesDone - before.copyBytesDone) / 1e6),
      fromDeathMs,
      fromDetectionMs: Math.round(endedAt - detectedAt),
    }),
  );
  if (fromDeathMs > repairMsMax) problems.push(`${what}: whole again after ${fromDeathMs} ms`);
  await restartNode(dir, victim, { empty: false, timeoutMs: 60_000 });
  await whole();
}

async function flipBits(count: number): Promise<void> {
  const victim = ids[randomInt(ids.length)] as string;
  const root = join(dir, 'nodes', victim);
  const isLarge = (path: string): boolean =>
    path.includes('/data/dfs/') && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= mebibyte;
  let files: readonly string[] = [];
  for (let flip = 0; flip < count; flip++) {
    // Files come and go while the node works.
    if (flip % 100 === 0) files = filesBelow(root).filter(isLarge);
    const path = files[randomInt(files.length)] as string;
    if (isLarge(path)) flipOne(path);
  }
  const copiesBefore = (await repairOf(all)).copiesDone;
  let wrong = 0;
  for (const [index, [name, sha256]] of [...digests].entries()) {
    const found = await getBytes(clientsFrom(index), name).catch((cause: unknown) => String(cause));
    if (typeof found === 'string' || digestOf(found.content) !== sha256) {
      wrong++;
      problems.push(`${name}: ${typeof found === 'string' ? found : 'altered'}`);
    }
  }
  const askedAt = performance.now();
  for (const client of all) await client.post('/v1/dfs/repair', {});
  // Every holder reads its copies for this: that the metadata knows of no rot would prove nothing.
  while ((await unfit()) > 0 && performance.now() - askedAt < mendMsMax) await sleep(100);
  await whole();
  const left = await unfit();
  if (left > 0) problems.push(`${left} files have less than three good replicas`);
  const copies = (await repairOf(all)).copiesDone - copiesBefore;
  if (copies === 0) problems.push('nothing that was altered was made anew');
  console.log(
    JSON.stringify({
      what: 'flips',
      flips: count,
      node: victim,
      files: digests.size,
      wrong,
      copies,
      unfit: left,
      repairMs: Math.round(performance.now() - askedAt),
    }),
  );
}

/** Files without three replicas whose bytes are right. */
async function unfit(): Promise<number> {
  let count = 0;
  for (const [index, name] of [...digests.keys()].entries()) {
    const [client] = clientsFrom(index);
    const { replicas } = await (client as NodeClient).get<StatDocument>(
      withQuery('/v1/dfs/stat', { name, verify: 'true' }),
    );
    if (replicas.filter(({ state }) => state === 'live').length < 3) count++;
  }
  return count;
}

function flipOne(path: string): void {
  const descriptor = openSync(path, 'r+');
  const at = randomInt(statSync(path).size);
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ (1 << randomInt(8));
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function whole(): Promise<void> {
  await untilRepaired(all, { timeoutMs: 180_000, also: ({ servers }) => servers.every(({ up }) => up) });
}

function clientsFrom(turn: number): typeof all {
  const at = turn % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
