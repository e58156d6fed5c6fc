import { once } from 'node:events';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeDataHead, encodeHello, encodePut } from '../../src/node/net/bodies.ts';
import { encodeFrameHeader, kinds, type Kind } from '../../src/node/net/frames.ts';
import { fileServerOrders } from '../../src/node/net/orders.ts';
import { get, put, serve, until, type Served, type World } from './net-support.ts';
import { contentOf, newBlobId, sha256Of, tempFolder } from './store-support.ts';

let folder = tempFolder();
let world: World | undefined;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(async () => {
  await world?.close();
  world = undefined;
  folder.remove();
});

const counters = (of: World, index = 0): Readonly<Record<string, number>> =>
  of.servers[index]?.server.status().counters ?? {};

test.each([0, 1, 1_048_577, 9_000_000])('%i bytes come back as they went', async (bytes) => {
  world = await serve(folder.above, 1);
  const { blob, ack } = await put(world.peer(0), bytes, { epoch: 5, hint: bytes % 2 });
  expect(ack).toEqual({ node: 'n0', incarnation: 10, epoch: 5 });
  expect((await get(world.peer(0), blob)).equals(contentOf(blob, bytes))).toBe(true);
  expect(await world.peer(0).digest(blob, true)).toEqual({ bytes, epoch: 5, sha256: sha256Of(contentOf(blob, bytes)) });
  await until(() => world?.servers[0]?.server.status().transfers === 0);
  expect(world.servers[0]?.server.status().budgetUsedBytes).toBe(0);
});

test.each([
  [0, 10],
  [5, 1],
  [1_048_570, 12],
  [1_048_576, 1_048_576],
  [100, 0],
  [2_999_999, 100],
  [3_000_000, 5],
])('a part from %i of %i bytes', async (offset, length) => {
  world = await serve(folder.above, 1);
  const { blob } = await put(world.peer(0), 3_000_000);
  const content = contentOf(blob, 3_000_000);
  const wanted = content.subarray(offset, length === 0 ? undefined : offset + length);
  expect((await get(world.peer(0), blob, { offset, length })).equals(wanted)).toBe(true);
});

test('many small blobs at once share one connection', async () => {
  world = await serve(folder.above, 1);
  const peer = world.peer(0);
  const stored = await Promise.all(Array.from({ length: 300 }, () => put(peer, 2_000)));
  expect(world.servers[0]?.server.status().connections).toBe(1);
  const first = stored[0]?.blob ?? '';
  expect((await get(peer, first)).equals(contentOf(first, 2_000))).toBe(true);
  expect((await peer.list(1_000)).map(({ blob }) => blob)).toEqual(stored.map(({ blob }) => blob).toSorted());
});

test('large blobs from several peers at once stay within the budget', async () => {
  world = await serve(folder.above, 1, { budgetBytes: 4_194_304, windowBytes: 2_097_152 });
  const peer = world.peer(0);
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, world?.servers[0]?.server.status().budgetUsedBytes ?? 0)), 1);
  const stored = await Promise.all([1, 2, 3, 4].map(() => put(peer, 7_000_000)));
  clearInterval(timer);
  // Each of them may have a frame in hand when the budget is spent.
  expect(most).toBeLessThanOrEqual(4_194_304 + 4 * 2_097_152);
  for (const { blob } of stored) expect((await get(peer, blob)).length).toBe(7_000_000);
});

describe('from one server to another', () => {
  test('a blob is copied, under the life that was meant', async () => {
    world = await serve(folder.above, 2);
    const orders = fileServerOrders(world.peers);
    const served = world.servers;
    const as = (
      index: number,
    ): { id: string; incarnation: number; address: string; zone: string; freeBytes: number; up: boolean } => {
      const { server, incarnation } = served[index] as Served;
      return { id: `n${index}`, incarnation, address: server.address, zone: '', freeBytes: 0, up: true };
    };
    for (const bytes of [0, 3_000, 6_000_000]) {
      const { blob } = await put(world.peer(0), bytes);
      const sha256 = sha256Of(contentOf(blob, bytes));
      const order = { copy: 1, blob, bytes, sha256, from: as(0), to: as(1), epoch: 77 };
      expect(await orders.copy(order)).toEqual({ node: 'n1', incarnation: 11, epoch: 77 });
      expect((await get(world.peer(1), blob)).equals(contentOf(blob, bytes))).toBe(true);
      expect(world.servers[1]?.store.find(blob)).toEqual({ blob, bytes, epoch: 77 });
      expect(await orders.copy({ ...order, bytes: bytes + 1 })).toBe('source-bad');
      expect(await orders.copy({ ...order, blob: newBlobId() })).toBe('source-bad');
      expect(await orders.copy({ ...order, from: { ...as(0), address: '127.0.0.1:1' } })).toBe('source-unreachable');
      expect(await orders.copy({ ...order, to: { ...as(1), address: '127.0.0.1:1' } })).toBe('target-unreachable');
      expect(await orders.copy({ ...order, to: { ...as(1), incarnation: 3 } })).toBe('target-unreachable');
      const removal = { deletion: 1, at: as(1), items: [{ blob, epoch: 76 }] };
      expect([await orders.remove(removal), world.servers[1]?.store.find(blob) !== undefined]).toEqual([true, true]);
      expect(await orders.remove({ ...removal, at: { ...as(1), incarnation: 9 } })).toBe(false);
      const again = { ...removal, items: [{ blob, epoch: 77 }] };
      expect([await orders.remove(again), world.servers[1]?.store.find(blob)]).toEqual([true, undefined]);
    }
  });

  test('rot is never copied, and the source hears of it', async () => {
    world = await serve(folder.above, 2);
    const { blob } = await put(world.peer(0), 6_000_000);
    spoil(join(folder.above, 'n0'));
    await expect(get(world.peer(0), blob)).rejects.toMatchObject({ code: 'altered' });
    await expect(get(world.peer(0), blob, { offset: 3_000_000, length: 10 })).rejects.toMatchObject({
      code: 'DFS_BLOB_DAMAGED',
    });
    await expect(world.peer(0).digest(blob, true)).rejects.toMatchObject({ code: 'DFS_BLOB_DAMAGED' });
    expect(world.servers[0]?.damaged).toEqual([blob, blob]);
    expect(world.servers[1]?.store.find(blob)).toBeUndefined();
  });
});

/** Flips a bit in the third frame of the only large blob. */
function spoil(dir: string): void {
  const [name = ''] = readdirSync(join(dir, 'large'));
  const descriptor = openSync(join(dir, 'large', name), 'r+');
  writeSync(descriptor, Buffer.from([0]), 0, 1, 3_000_005);
  closeSync(descriptor);
}

describe('a peer that', () => {
  test('lies about the length is refused', async () => {
    world = await serve(folder.above, 1);
    await expect(put(world.peer(0), 5_000, { toldBytes: 5_001 })).rejects.toMatchObject({ code: 'DFS_CORRUPT' });
    expect(counters(world)).toMatchObject({ 'put-wrong-length': 1 });
    expect(world.servers[0]?.store.status()).toMatchObject({ blobs: 0, writing: 0 });
  });

  test('sends altered content is refused', async () => {
    world = await serve(folder.above, 1);
    await expect(put(world.peer(0), 5_000_000, { spoil: true })).rejects.toMatchObject({ code: 'DFS_CORRUPT' });
    expect(counters(world)).toMatchObject({ 'put-wrong-crc': 1 });
  });

  test('says nothing, or no sense, is cut off', async () => {
    world = await serve(folder.above, 1, { stallMs: 200 });
    const silent = await dial(world);
    const strange = await dial(world);
    strange.write('GET / HTTP/1.1\r\nHost: example\r\n\r\n');
    await Promise.all([closed(silent), closed(strange)]);
    const of = world;
    await until(() => of.servers[0]?.server.status().connections === 0);
    expect(counters(of)).toEqual({ 'cut-no-greeting': 1, 'cut-no-protocol': 1 });
  });

  test('stalls in the middle of a put is cut off, and nothing of the blob is left', async () => {
    world = await serve(folder.above, 1, { stallMs: 200 });
    const socket = await dial(world);
    say(socket, kinds.hello, 0, encodeHello({ version: 1, node: '', windowBytes: 1_048_576 }));
    say(socket, kinds.put, 1, encodePut({ blob: newBlobId(), epoch: 1, bytesHint: 0 }));
    await closed(socket);
    const of = world;
    await until(() => counters(of)['put-stalled'] === 1 && counters(of)['cut-stalled'] === 1);
    expect(world.servers[0]?.store.status()).toMatchObject({ blobs: 0, writing: 0 });
  });

  test('stalls in the middle of a get is cut off', async () => {
    world = await serve(folder.above, 1, { stallMs: 300 });
    const { blob } = await put(world.peer(0), 9_000_000);
    const { IncomingGet } = await import('../../src/node/net/incoming-get.ts');
    const problem = await new Promise<string>((resolve) => {
      void new IncomingGet(
        world?.peer(0) as never,
        { blob, offset: 0, length: 0, windowBytes: 4_194_304 },
        {
          onContent: () => {},
          onFrame: () => {}, // and never a credit
          onEnd: () => resolve('ended'),
          onFailed: resolve,
        },
      );
    });
    expect(problem).not.toBe('ended');
    expect(counters(world)).toMatchObject({ 'get-stalled': 1 });
    await until(() => world?.servers[0]?.server.status().budgetUsedBytes === 0);
  });

  test('dies in the middle leaves nothing', async () => {
    world = await serve(folder.above, 1);
    const socket = await dial(world);
    const blob = newBlobId();
    say(socket, kinds.hello, 0, encodeHello({ version: 1, node: '', windowBytes: 1_048_576 }));
    say(socket, kinds.put, 1, encodePut({ blob, epoch: 1, bytesHint: 0 }));
    socket.write(encodeFrameHeader(kinds.data, 1, 100_000));
    socket.write(Buffer.concat([encodeDataHead(1, 0), Buffer.alloc(50_000)]));
    await until(() => world?.servers[0]?.store.status().writing === 1);
    socket.destroy();
    await until(() => world?.servers[0]?.store.status().writing === 0);
    expect(counters(world)).toMatchObject({ 'put-gone': 1 });
  });

  test('sends anything at all does no harm', async () => {
    world = await serve(folder.above, 1);
    for (let seed = 1; seed <= 42; seed++) {
      const socket = await dial(world);
      say(socket, kinds.hello, 0, encodeHello({ version: 1, node: 'x', windowBytes: 0 }));
      const length = (seed * 37) % 90;
      say(
        socket,
        ((seed % 21) + 1) as Kind,
        seed % 3,
        Buffer.from(sha256Of(Buffer.from([seed])).repeat(2)).subarray(0, length),
      );
      socket.end();
      await closed(socket);
    }
    const { blob } = await put(world.peer(0), 10_000);
    expect((await get(world.peer(0), blob)).length).toBe(10_000);
    await until(() => (world?.servers[0]?.server.status().connections ?? 9) <= 2);
  });
});

test('a server that is not there is told soon', async () => {
  world = await serve(folder.above, 1);
  await expect(put(world.peers.at('127.0.0.1:1'), 10)).rejects.toThrow('refused');
  await expect(world.peers.at('nonsense').meta(new Uint8Array(0))).rejects.toMatchObject({
    code: 'DFS_META_UNREACHABLE',
  });
});

test('a blob that is begun in one life and ends in another is not acknowledged', async () => {
  world = await serve(folder.above, 1);
  const served = world.servers[0] as Served;
  const { ack } = await put(world.peer(0), 10);
  const wiped = served.store.wipe();
  served.incarnation = 99;
  await wiped;
  expect(ack.incarnation).toBe(10);
  expect((await put(world.peer(0), 10)).ack.incarnation).toBe(99);
  expect(served.store.status().blobs).toBe(1);
});

async function dial(of: World): Promise<Socket> {
  const [host = '', port = ''] = (of.servers[0]?.server.address ?? '').split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function say(socket: Socket, kind: Kind, request: number, body: Uint8Array): void {
  socket.write(Buffer.concat([encodeFrameHeader(kind, request, body.length), body]));
}
