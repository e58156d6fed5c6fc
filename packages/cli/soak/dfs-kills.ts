// A file store of five nodes. First: writers and readers, while random nodes are killed and come back empty, the next one
// when nothing is left to repair; every acknowledged version must be there and right, the history of each file linearizable,
// and every replica made anew within 30 s of the last kill. Then: a large file, whose serving replica dies while it is read.
// Last: a replica stands still, and nobody waits for it.
// `npm run soak -- dfs-kills [--seconds N] [--kills N] [--mebibytes N]`
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bringUp, killNode, pauseNode, restartNode, resumeNode } from '../src/index.ts';
import { bringDown } from '../src/cluster/down.ts';
import { getBytes, statOf, untilRepaired } from '../src/dfs/bytes.ts';
import { fetchFile } from '../src/dfs/fetch.ts';
import { sendFile } from '../src/dfs/send.ts';
import { openSource } from '../src/dfs/source.ts';
import { clientsOf, masterOf } from '../test/support/files.ts';
import { FileHistory } from './support/file-history.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    kills: { type: 'string', default: '6' },
    mebibytes: { type: 'string', default: '1024' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'grp-dfs-kills-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const names = Array.from({ length: 12 }, (_, index) => `soak/${index}`);
const [writerCount, readerCount] = [3, 3];
const [quietMs, stopMsMax, repairMsMax, pauseMsMax] = [100, 250, 30_000, 1_000];
const template = { roles: ['swim', 'dfs'] } as const;
await bringUp({ dir, count: ids.length, basePort: 0, template, logFormat: 'json', timeoutMs: 120_000 });
const all = await clientsOf(dir);
const problems: string[] = [];
const figures: Record<string, number> = {};
try {
  if (Number(values.kills) > 0) await killsUnderLoad();
  if (Number(values.mebibytes) > 0) await largeFile(Number(values.mebibytes) * 1_048_576);
  await standstill();
} catch (cause) {
  problems.push(String(cause));
} finally {
  await bringDown({ dir, timeoutMs: 5_000 });
}
console.log(JSON.stringify({ ...figures, problems: problems.slice(0, 20), problemCount: problems.length }));
if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
else console.error(`Logs and data: ${dir}`);
process.exitCode = problems.length === 0 ? 0 : 8;

async function killsUnderLoad(): Promise<void> {
  const history = new FileHistory();
  const stop = new AbortController();
  const working = [
    ...Array.from({ length: writerCount }, (_, index) => write(history, index, stop.signal)),
    ...Array.from({ length: readerCount }, (_, index) => read(history, index, stop.signal)),
  ];
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  let kills = 0;
  let longestRepairMs = 0;
  while (seconds() < Number(values.seconds) || kills < Number(values.kills)) {
    await sleep(1_000);
    const victim = ids[randomInt(ids.length)] as string;
    const killedAt = performance.now();
    await killNode(dir, victim);
    kills++;
    await sleep(randomInt(1_500));
    await restartNode(dir, victim, { empty: true, timeoutMs: 60_000 });
    await untilRepaired(all, { timeoutMs: 90_000, also: ({ servers }) => servers.every(({ up }) => up) });
    const tookMs = performance.now() - killedAt;
    longestRepairMs = Math.max(longestRepairMs, tookMs);
    console.error(`${Math.round(seconds())} s: kill ${kills} (${victim}), whole again after ${Math.round(tookMs)} ms`);
  }
  stop.abort();
  await Promise.all(working);
  if (longestRepairMs > repairMsMax) problems.push(`repair took ${Math.round(longestRepairMs)} ms`);
  problems.push(...history.judge(), ...history.failed.filter((one) => one.startsWith('get')));
  await checkAll(history);
  Object.assign(figures, {
    kills,
    seconds: Math.round(seconds()),
    acknowledged: history.acknowledged.length,
    read: history.operations.length - history.acknowledged.length,
    failed: history.failed.length,
    longestPutMs: Math.round(history.longestMs.put),
    longestGetMs: Math.round(history.longestMs.get),
    longestRepairMs: Math.round(longestRepairMs),
  });
  for (const failure of history.failed.slice(0, 5)) console.error(failure);
}

/** All nodes but one are asked first by one client, so that a kill meets some of them. */
function clientsFrom(turn: number): typeof all {
  const at = turn % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

async function write(history: FileHistory, index: number, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const bytes = randomBytes(randomInt(10) === 0 ? 2_000_000 : randomInt(1, 60_000));
    await history.put(clientsFrom(index + number), names[randomInt(names.length)] as string, bytes);
    await sleep(randomInt(quietMs));
  }
}

async function read(history: FileHistory, index: number, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    await history.get(clientsFrom(index + number + 2), names[randomInt(names.length)] as string);
    await sleep(randomInt(quietMs));
  }
}

/** Every acknowledged version is there, right, and on three nodes. */
async function checkAll(history: FileHistory): Promise<void> {
  for (const { name, version, sha256 } of history.acknowledged) {
    const found = await getBytes(all, name, version).catch((cause: unknown) => String(cause));
    const isRight = typeof found !== 'string' && createHash('sha256').update(found.content).digest('hex') === sha256;
    if (!isRight) problems.push(`${name}: version ${version} is ${typeof found === 'string' ? found : 'altered'}`);
  }
  for (const name of names) {
    const { replicas } = await statOf(all, name);
    const live = replicas.filter(({ state }) => state === 'live');
    if (live.length !== 3) problems.push(`${name} has ${live.length} live replicas`);
  }
}

async function largeFile(bytes: number): Promise<void> {
  const file = join(dir, 'large');
  await pipeline(randomPieces(bytes), createWriteStream(file));
  const wanted = await digestOf(file);
  const source = await openSource(file);
  const putAt = performance.now();
  const put = await sendFile({ clients: all, name: 'large', source });
  figures['largePutMs'] = Math.round(performance.now() - putAt);
  await source.close();
  if (put.sha256 !== wanted || statSync(file).size !== put.bytes) problems.push('the large file was put altered');
  await untilRepaired(all, { timeoutMs: 120_000 });
  const holders = (await statOf(all, 'large')).replicas.map(({ node }) => node);
  const [reader] = ids.filter((id) => !holders.includes(id)) as [string];
  const hash = createHash('sha256');
  let [received, isKilled, lastAt, longestMs] = [0, false, 0, 0];
  const getAt = performance.now();
  await fetchFile({
    clients: await clientsOf(dir, [reader]),
    name: 'large',
    onFound: () => {},
    write: async (piece) => {
      hash.update(piece);
      received += piece.length;
      if (isKilled) longestMs = Math.max(longestMs, performance.now() - lastAt);
      lastAt = performance.now();
      if (isKilled || received < bytes / 4) return;
      isKilled = true;
      const serving = await servingOf(holders);
      console.error(`${serving} serves the large file, and is killed`);
      await killNode(dir, serving);
      lastAt = performance.now();
    },
  });
  figures['largeGetPauseMs'] = Math.round(longestMs);
  if (longestMs > pauseMsMax) problems.push(`after the kill nothing came for ${Math.round(longestMs)} ms`);
  figures['largeGetMs'] = Math.round(performance.now() - getAt);
  if (hash.digest('hex') !== wanted) problems.push('the large file was read altered');
  for (const id of ids) await restartNode(dir, id, { empty: false, timeoutMs: 60_000 }).catch(() => {});
  await untilRepaired(all, { timeoutMs: 180_000, also: ({ servers }) => servers.every(({ up }) => up) });
}

/** The holder that sends something at the moment. */
async function servingOf(holders: readonly string[]): Promise<string> {
  for (const id of holders) {
    const { http } = { http: (await clientsOf(dir, [id]))[0]?.url ?? '' };
    const metrics = await (await fetch(`${http}/metrics`)).text();
    if (Number(/^grp_dfs_transfers (\d+)/m.exec(metrics)?.[1] ?? 0) > 0) return id;
  }
  return holders[0] as string;
}

async function standstill(): Promise<void> {
  const history = new FileHistory();
  const master = await masterOf(dir);
  const [stopped, reader] = ids.filter((id) => id !== master) as [string, string];
  const clients = await clientsOf(dir, [reader]);
  await history.put(clients, 'still', randomBytes(4_096));
  await history.get(clients, 'still');
  await pauseNode(dir, stopped);
  history.longestMs.put = 0;
  history.longestMs.get = 0;
  const until = performance.now() + 10_000;
  for (let number = 0; performance.now() < until; number++) {
    const name = `still/${number % 50}`;
    await history.put(clients, name, randomBytes(4_096));
    await history.get(clients, name);
  }
  await resumeNode(dir, stopped);
  const { put, get } = history.longestMs;
  Object.assign(figures, {
    stoppedOperations: history.operations.length,
    stoppedLongestPutMs: Math.round(put),
    stoppedLongestGetMs: Math.round(get),
  });
  problems.push(...history.failed, ...history.judge());
  if (Math.max(put, get) > stopMsMax)
    problems.push(`with a replica stopped, one waited ${Math.round(Math.max(put, get))} ms`);
}

function* randomPieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0;) {
    const piece = randomBytes(Math.min(left, 4_194_304));
    left -= piece.length;
    yield piece;
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 4_194_304 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
