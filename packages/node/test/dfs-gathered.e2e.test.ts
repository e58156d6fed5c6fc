import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { systemClock, systemRandom } from '@grp/core';
import { createMetaService, DfsMeta } from '@grp/dfs';
import { createFileServer, DfsClient, fileServerOrders, openBlobStore, Peers, transferConfig } from '@grp/dfs/node';
import { dialStreams, openNetwork } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import { nodeConfig } from '../src/config.ts';
import type { DfsPart } from '../src/dfs/dfs-part.ts';
import { dfsRoutes } from '../src/dfs/dfs-routes.ts';
import { createServer } from '../src/http/server.ts';
import type { RoleContext } from '../src/role.ts';
import { recordingLogger } from './support/recording-logger.ts';

const ids = ['n1', 'n2', 'n3'];
const names = Array.from({ length: 12 }, (_, index) => `f${index}`);
const content = Buffer.alloc(300_000, 'bytes of a small file ');

/** Three file servers, their metadata in memory, and the HTTP API before them. `vanish`: a server is gone, and nobody knows. */
async function openStore() {
  const meta = new DfsMeta();
  const [clock, logger, config] = [systemClock(), recordingLogger(), nodeConfig.resolve({})];
  const peers = new Peers({ streams: dialStreams(), config: transferConfig.defaults });
  let index = 0;
  const service = createMetaService({
    meta,
    log: {
      propose: async (command) => meta.apply(command, ++index),
      readBarrier: async () => {},
      leader: () => undefined,
      leading: true,
      serving: true,
    },
    membership: { up: () => ids, onChange: () => () => {} },
    orders: fileServerOrders(peers),
    clock,
    random: systemRandom(),
    onFatal(cause) {
      throw cause;
    },
    defer: (callback) => void setImmediate(callback),
  });
  const folder = mkdtempSync(join(tmpdir(), 'grp-gathered-'));
  const closing: (() => Promise<void>)[] = [];
  const addresses: string[] = [];
  for (const id of ids) {
    const store = await openBlobStore({ dir: join(folder, id), config: { reserveBytes: 0 } });
    const network = await openNetwork({ bind: '127.0.0.1:0' });
    let incarnation = 0;
    const server = createFileServer({
      ...{ node: id, store, streams: network.streams, incarnation: () => incarnation, onDamaged: () => {} },
      answer: (asked) => service.answer(asked),
    });
    const life = { life: `${id}-1`, address: server.address, zone: '', freeBytes: 2 ** 40 };
    const joined = await service.answer({ kind: 'join', node: id, ...life });
    if (joined.kind === 'joined') ({ incarnation } = joined);
    addresses.push(server.address);
    closing.push(async () => {
      await server.close();
      await network.close();
      await store.close();
    });
  }
  const client = new DfsClient({ servers: addresses, local: (asked) => service.answer(asked) });
  const http = createServer({ host: '127.0.0.1', token: undefined, tls: undefined, config, clock, logger });
  const group = { serving: true, raft: { status: () => ({ leader: 'n1' }) } };
  const context = { options: { config }, clock, logger, recorder: undefined, name: 'n1' } as unknown as RoleContext;
  dfsRoutes(http.app, { client, group } as unknown as DfsPart, context);
  const url = await http.app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await http.close(0);
    await client.close();
    service.stop();
    peers.close();
    for (const close of closing) await close();
  });
  return { url, vanish: async () => closing.pop()?.() };
}

/** A put of two copies, both of which must be stored. With a length it can be taken in whole; without, it is a stream. */
async function put(url: string, name: string, hasLength: boolean): Promise<{ status: number; body: unknown }> {
  const headers = hasLength ? { 'content-length': content.length } : { 'transfer-encoding': 'chunked' };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`${url}/v1/dfs/files/${name}?replicas=2`, { method: 'PUT', headers }, resolve);
    sent.on('error', reject);
    sent.end(content);
  });
  return { status: answer.statusCode ?? 0, body: JSON.parse((await buffer(answer)).toString('utf8')) as unknown };
}

test('a small file is taken in whole, and goes to another server where one has just gone', async () => {
  const { url, vanish } = await openStore();
  expect((await put(url, 'first', true)).status).toBe(201); // from now on the client knows the servers
  await vanish();
  const small = await Promise.all(names.map((name) => put(url, name, true)));
  const sha256 = createHash('sha256').update(content).digest('hex');
  for (const answer of small) expect(answer).toMatchObject({ status: 201, body: { bytes: content.length, sha256 } });
  const got = await fetch(`${url}/v1/dfs/files/f0`);
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
});

test('what comes as a stream has nothing that it could be sent again from, and says so', async () => {
  const { url, vanish } = await openStore();
  expect((await put(url, 'first', true)).status).toBe(201);
  await vanish();
  const answers = await Promise.all(names.map((name) => put(url, name, false)));
  // All of them on the two that live: once in half a million runs.
  expect(answers).toContainEqual(
    expect.objectContaining({ status: 503, body: { error: expect.objectContaining({ code: 'DFS_NO_QUORUM' }) } }),
  );
});
