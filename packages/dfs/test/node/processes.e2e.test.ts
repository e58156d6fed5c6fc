// File servers as processes: one stands still (SIGSTOP), one is killed.
import { fork, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DfsClient } from '../../src/node/index.ts';
import { tempFolder } from './store-support.ts';

const child = fileURLToPath(new URL('server-child.ts', import.meta.url));
const execArgv = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];

let folder = tempFolder();
let children: ChildProcess[] = [];
let client: DfsClient;
beforeEach(async () => {
  folder = tempFolder();
  children = [];
  const all = ['n1', 'n2', 'n3'];
  const addresses: string[] = [];
  for (const id of all) {
    const [first] = addresses;
    const order = { folder: folder.above, id, all, ...(first !== undefined && { first }) };
    const started = fork(child, [JSON.stringify(order)], { execArgv });
    children.push(started);
    const [address] = (await once(started, 'message')) as [string];
    addresses.push(address);
  }
  client = new DfsClient({ servers: addresses });
});
afterEach(async () => {
  await client.close();
  for (const one of children) {
    const gone = once(one, 'exit');
    if (one.exitCode === null && one.signalCode === null && one.kill('SIGKILL')) await gone;
  }
  folder.remove();
});

async function longest(count: number, action: (index: number) => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  for (let index = 0; index < count; index++) {
    const from = performance.now();
    await action(index);
    longestMs = Math.max(longestMs, performance.now() - from);
  }
  return longestMs;
}

test('nobody waits for a server that stands still', async () => {
  const content = randomBytes(20_000);
  for (let index = 0; index < 10; index++) await client.put(`before/${index}`, content);
  children[2]?.kill('SIGSTOP');
  // A tenth of that where the machine has nothing else to do: see the benchmark.
  expect(await longest(20, (index) => client.put(`during/${index}`, content))).toBeLessThan(2_500);
  const read = async (index: number): Promise<void> => {
    const { stream } = client.get(`before/${index % 10}`);
    expect((await buffer(stream)).equals(content)).toBe(true);
  };
  expect(await longest(20, read)).toBeLessThan(2_500);
  children[2]?.kill('SIGCONT');
  await client.put('after', content);
});

test.skipIf(process.platform !== 'linux')(
  'a server that is killed in the middle of a long get is left for another, and every byte is right',
  async () => {
    const blocks = Array.from({ length: 24 }, () => randomBytes(1_048_576));
    await client.put('long', Readable.from(blocks, { objectMode: false }));
    // Whoever is asked for its bytes reads them from its disk.
    const readBytes = (pid: number): number =>
      Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
    const others = children.slice(1); // the first one keeps the metadata, too
    const before = others.map(({ pid = 0 }) => readBytes(pid));
    const hash = createHash('sha256');
    let received = 0;
    let isKilled = false;
    for await (const part of client.get('long').stream as AsyncIterable<Buffer>) {
      hash.update(part);
      received += part.length;
      if (isKilled || received < 4_194_304) continue;
      isKilled = true;
      const read = others.map(({ pid = 0 }, index) => readBytes(pid) - (before[index] ?? 0));
      others[read.indexOf(Math.max(...read))]?.kill('SIGKILL');
    }
    expect(received).toBe(24 * 1_048_576);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.concat(blocks)).digest('hex'));
  },
);

test('a server that is killed in the middle of a long put is missed by nobody', async () => {
  const block = randomBytes(1_000_000);
  const blocks = async function* (): AsyncGenerator<Buffer> {
    for (let count = 0; count < 24; count++) {
      if (count === 8) children[1]?.kill('SIGKILL');
      yield block;
    }
  };
  const put = await client.put('long', Readable.from(blocks(), { objectMode: false }));
  expect([put.bytes, put.replicas.toSorted()]).toEqual([24_000_000, ['n1', 'n3']]);
  const read = await buffer(client.get('long').stream);
  expect(read.equals(Buffer.concat(Array.from({ length: 24 }, () => block)))).toBe(true);
});
