import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scrub } from '../../src/node/index.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { until } from './net-support.ts';
import { sha256Of, tempFolder } from './store-support.ts';

let folder = tempFolder();
let cluster: Cluster;
beforeEach(async () => {
  folder = tempFolder();
  cluster = await startCluster(folder.above, 3, { graceMs: 50, settleMs: 50 });
});
afterEach(async () => {
  await cluster.close();
  folder.remove();
});

async function bytesOf(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

test.each([0, 4_096, 6_000_000])('%i bytes come back, with their digest', async (bytes) => {
  const client = cluster.client();
  const content = randomBytes(bytes);
  const put = await client.put('a/b.bin', content);
  expect(put).toMatchObject({ name: 'a/b.bin', bytes, sha256: sha256Of(content) });
  expect(put.replicas.length).toBeGreaterThanOrEqual(2);
  const { stream, found } = client.get('a/b.bin');
  expect((await bytesOf(stream)).equals(content)).toBe(true);
  expect((await found).manifest).toMatchObject({ version: put.version, bytes });
  expect((await bytesOf(client.get('a/b.bin', { verify: 'frames' }).stream)).equals(content)).toBe(true);
});

test('a stream is put with flat memory, and its progress is told', async () => {
  const client = cluster.client();
  const block = randomBytes(100_000);
  const blocks = function* (): Generator<Buffer> {
    for (let count = 0; count < 120; count++) yield block;
  };
  const told: number[] = [];
  const put = await client.put('stream', Readable.from(blocks()), { onProgress: (bytes) => told.push(bytes) });
  expect(put.bytes).toBe(12_000_000);
  expect(told.at(-1)).toBe(12_000_000);
  expect(told.every((bytes, index) => bytes >= (told[index - 1] ?? 0))).toBe(true);
  const { stream } = client.get('stream', { range: { offset: 11_999_990, length: 100 } });
  expect((await bytesOf(stream)).equals(block.subarray(-10))).toBe(true);
});

test('the other calls', async () => {
  const client = cluster.client();
  const first = await client.put('x/1', Buffer.from('one'));
  const second = await client.put('x/1', Buffer.from('two'), { ifVersion: first.version });
  await client.put('x/2', Buffer.from('three'), { ifAbsent: true });
  await expect(client.put('x/2', Buffer.from('four'), { ifAbsent: true })).rejects.toMatchObject({
    code: 'DFS_CONFLICT',
  });
  await expect(client.put('x/1', Buffer.from('z'), { ifVersion: first.version })).rejects.toMatchObject({
    code: 'DFS_CONFLICT',
  });
  expect((await client.list('x/')).files.map(({ name }) => name)).toEqual(['x/1', 'x/2']);
  expect((await client.versions('x/1')).map(({ version }) => version)).toEqual([second.version, first.version]);
  expect((await bytesOf(client.get('x/1', { version: first.version }).stream)).toString()).toBe('one');
  expect((await client.stat('x/1')).manifest.version).toBe(second.version);
  await client.remove('x/1');
  await expect(bytesOf(client.get('x/1').stream)).rejects.toMatchObject({ code: 'DFS_NOT_FOUND' });
  expect((await client.servers()).servers.map(({ id }) => id).toSorted()).toEqual(['n1', 'n2', 'n3']);
  expect((await client.repairStatus()).lost).toBe(0);
  await expect(client.put('../x', Buffer.from(''))).rejects.toMatchObject({ code: 'DFS_NAME_INVALID' });
  expect(() => client.get('a\0')).toThrow('NUL');
  const again = { requestId: 'the-same' };
  const once = await client.put('twice', Buffer.from('1'), again);
  expect((await client.put('twice', Buffer.from('1'), again)).version).toBe(once.version);
});

describe('what goes wrong with a put', () => {
  test('its source fails', async () => {
    const client = cluster.client();
    const source = new PassThrough();
    source.write(randomBytes(3_000_000));
    const put = client.put('broken', source);
    setTimeout(() => source.destroy(new Error('unplugged')), 50);
    await expect(put).rejects.toMatchObject({
      code: 'DFS_SOURCE_CHANGED',
      message: expect.stringContaining('unplugged'),
    });
    await expect(client.stat('broken')).rejects.toMatchObject({ code: 'DFS_NOT_FOUND' });
    await until(() => cluster.nodes.every(({ store }) => store.status().writing === 0));
    expect(cluster.nodes.map(({ store }) => store.status().blobs)).toEqual([0, 0, 0]);
  });

  test('it is aborted', async () => {
    const client = cluster.client();
    const controller = new AbortController();
    const source = new PassThrough();
    source.write(randomBytes(5_000_000));
    const put = client.put('aborted', source, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(put).rejects.toMatchObject({ code: 'DFS_ABORTED' });
    expect(source.destroyed).toBe(true);
    await until(() => cluster.nodes.every(({ store }) => store.status().writing === 0));
  });

  test('a server dies in the middle, and two are enough', async () => {
    const client = cluster.client();
    const source = new PassThrough();
    const head = randomBytes(5_000_000);
    source.write(head);
    const put = client.put('survivor', source);
    await until(() => cluster.nodes.every(({ store }) => store.status().writing === 1));
    await cluster.stop('n2');
    const tail = randomBytes(5_000_000);
    source.end(tail);
    const { bytes, replicas } = await put;
    expect([bytes, replicas.toSorted()]).toEqual([10_000_000, ['n1', 'n3']]);
    expect((await bytesOf(client.get('survivor').stream)).equals(Buffer.concat([head, tail]))).toBe(true);
  });

  test('two of three are gone', async () => {
    const client = cluster.client({ config: { putTimeoutMs: 500 } });
    await client.put('before', Buffer.from('1'));
    await cluster.stop('n2');
    await cluster.stop('n3');
    await expect(client.put('after', Buffer.from('2'))).rejects.toMatchObject({ code: 'DFS_NO_QUORUM' });
    await expect(client.stat('after')).rejects.toMatchObject({ code: 'DFS_NOT_FOUND' });
  });
});

describe('what goes wrong with a get', () => {
  test('the server that is read dies in the middle', async () => {
    const client = cluster.client();
    const content = randomBytes(17_000_000);
    await client.put('long', content);
    const { stream } = client.get('long');
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of stream) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes < 2_000_000) continue;
      const reading = cluster.nodes.find(({ server }) => server.status().transfers > 0);
      if (reading !== undefined && parts.length < 1e6) await cluster.stop(reading.id);
      bytes = -Infinity;
    }
    expect(Buffer.concat(parts).equals(content)).toBe(true);
  });

  test('a replica has rotted: its bytes are not handed over, and it is mended', async () => {
    const client = cluster.client();
    const content = randomBytes(4_300_000);
    await client.put('rotten', content);
    await until(() => cluster.nodes.every(({ store }) => store.status().blobs === 1));
    for (const id of ['n1', 'n2']) {
      const large = join(folder.above, id, 'large');
      const file = openSync(join(large, readdirSync(large)[0] ?? ''), 'r+');
      writeSync(file, Buffer.from('rot'), 0, 3, 4_000_000);
      closeSync(file);
    }
    for (let count = 0; count < 3; count++)
      expect((await bytesOf(client.get('rotten').stream)).equals(content)).toBe(true);
    // Reading finds what it reads; the scrub finds the rest.
    for (const { id, store, incarnation } of cluster.nodes) {
      const tell = (blob: string): void => void client.request({ kind: 'rot-report', node: id, incarnation, blob });
      await scrub(store, { bytesPerSecond: 2 ** 30, onDamaged: tell });
    }
    const holders = async (): Promise<number> => (await client.stat('rotten')).manifest.holders.length;
    const areGood = async (): Promise<boolean> => {
      const reports = await Promise.all(
        cluster.nodes.map(({ store }) => scrub(store, { bytesPerSecond: 2 ** 30, onDamaged() {} })),
      );
      return reports.every(({ blobs, damaged }) => blobs === 1 && damaged === 0);
    };
    for (let tries = 0; tries < 200 && ((await holders()) < 3 || !(await areGood())); tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect([await holders(), await areGood()]).toEqual([3, true]);
  });

  test('the consumer takes nothing for a while, and then goes on', async () => {
    const client = cluster.client({ config: { stallMs: 50 } });
    const content = randomBytes(12_000_000);
    await client.put('slow', content);
    const { stream } = client.get('slow');
    const iterator = stream[Symbol.asyncIterator]();
    const first = (await iterator.next()).value as Buffer;
    await new Promise((resolve) => setTimeout(resolve, 300));
    const parts = [first];
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      parts.push(next.value as Buffer);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
  });

  test('it is aborted, or its stream destroyed', async () => {
    const client = cluster.client();
    await client.put('long', randomBytes(12_000_000));
    const controller = new AbortController();
    const { stream } = client.get('long', { signal: controller.signal });
    stream.once('data', () => controller.abort());
    await expect(bytesOf(stream)).rejects.toMatchObject({ code: 'DFS_ABORTED' });
    const other = client.get('long').stream;
    other.once('data', () => other.destroy());
    await new Promise((resolve) => other.once('close', resolve));
    await until(() => cluster.nodes.every(({ server }) => server.status().transfers === 0));
    await until(() => cluster.nodes.every(({ server }) => server.status().budgetUsedBytes === 0));
  });
});

test('a server that is lost is replaced: three replicas again', async () => {
  const other = join(folder.above, 'five');
  const five = await startCluster(other, 5, { graceMs: 50, settleMs: 50 });
  try {
    const client = five.client();
    const content = randomBytes(300_000);
    const names = Array.from({ length: 10 }, (_, index) => `file-${index}`);
    for (const name of names) await client.put(name, content);
    await five.stop('n2');
    five.setUp(['n1', 'n3', 'n4', 'n5']);
    const holders = async (name: string): Promise<readonly string[]> => (await client.stat(name)).manifest.holders;
    for (let tries = 0; tries < 300; tries++) {
      const all = await Promise.all(names.map(holders));
      if (all.every((list) => list.length === 3 && !list.includes('n2'))) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const name of names) {
      expect((await holders(name)).filter((id) => id !== 'n2')).toHaveLength(3);
      expect((await bytesOf(client.get(name).stream)).equals(content)).toBe(true);
    }
  } finally {
    await five.close();
  }
});
