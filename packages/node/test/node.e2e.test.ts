import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { openNetwork } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import { createNode } from '../src/create-node.ts';
import { get, post } from './support/http-client.ts';
import { alive, openNode, seedOf, untilAllSee } from './support/real-nodes.ts';
import { recordingLogger } from './support/recording-logger.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const soon = { timeout: 15_000, interval: 20 };

test('three nodes find each other, one leaves, and everyone says so', async () => {
  const ann = await openNode({ name: 'ann', tags: { dc: 'a' } });
  await ann.start();
  const bob = await openNode({ name: 'bob', join: [seedOf(ann)] });
  const cid = await openNode({ name: 'cid', join: [seedOf(ann)] });
  await Promise.all([bob.start(), cid.start()]);
  await Promise.all([bob.ready(), cid.ready()]);
  await untilAllSee([ann, bob, cid], ['ann', 'bob', 'cid']);
  const { body } = await get(bob, '/v1/swim/members');
  expect(body).toMatchObject({ schema: 'grp.swim.members/1', self: bob.swim?.self.id });
  expect(body['members']).toContainEqual(expect.objectContaining({ name: 'ann', status: 'alive', tags: { dc: 'a' } }));
  await cid.stop();
  await expect
    .poll(() => [ann, bob].map((node) => node.swim?.members().find(({ name }) => name === 'cid')?.status), soon)
    .toEqual(['left', 'left']);
});

test('a node answers before it is started, and is ready only afterwards', async () => {
  const node = await openNode({ name: 'ann' });
  expect((await get(node, '/readyz')).status).toBe(503);
  expect((await get(node, '/livez')).status).toBe(200);
  expect((await get(node, '/v1/node/status')).body).toMatchObject({ state: 'starting', ready: false, name: 'ann' });
  await node.start();
  expect((await get(node, '/readyz')).status).toBe(200);
  const { body } = await get(node, '/v1/node/status');
  expect(body).toMatchObject({
    state: 'running',
    ready: true,
    pid: process.pid,
    id: node.swim?.self.id,
    http: node.http,
  });
  const { ports } = node.status();
  expect(new URL(node.http).port).toBe(String(ports.http));
  expect(node.swim?.self.address).toBe(`127.0.0.1:${ports.swim}`);
});

test('a node whose seed is not there yet keeps trying, and joins once it is', async () => {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const seed = network.bound;
  await network.close();
  const logger = recordingLogger();
  const late = await openNode({ name: 'late', join: [seed], logger });
  await late.start();
  expect([late.status().state, late.status().ready]).toEqual(['running', false]);
  expect((await get(late, '/readyz')).status).toBe(503);
  await expect
    .poll(() => logger.events().filter((event) => event === 'node.join-failed').length, soon)
    .toBeGreaterThan(1);
  const first = await openNode({ name: 'first', bind: seed });
  await first.start();
  await late.ready();
  expect((await get(late, '/readyz')).status).toBe(200);
  await expect.poll(() => alive(first), soon).toEqual(['first', 'late']);
});

test('a node joins by hand over HTTP', async () => {
  const [ann, bob] = [await openNode({ name: 'ann' }), await openNode({ name: 'bob' })];
  await Promise.all([ann.start(), bob.start()]);
  const answer = await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] });
  expect(answer).toMatchObject({ status: 200, body: { schema: 'grp.swim.join/1', contacted: [seedOf(ann)] } });
  await expect.poll(() => alive(ann), soon).toEqual(['ann', 'bob']);
});

test('stop in the middle of a join is quick: the seed accepts and says nothing', async () => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  }).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const { port } = mute.address() as { port: number };
  const node = await openNode({ join: [`127.0.0.1:${port}`] });
  const waits = Promise.allSettled([node.start(), node.ready()]);
  await expect.poll(() => sockets.length, soon).toBeGreaterThan(0);
  await node.stop({ timeoutMs: 2_000 });
  const [starting, ready] = await waits;
  expect(starting).toMatchObject({ status: 'rejected', reason: { code: 'NODE_STOPPED' } });
  expect(ready).toMatchObject({ status: 'rejected', reason: { code: 'NODE_STOPPED' } });
  expect(node.status().state).toBe('stopped');
});

test('the later of two nodes with one name stops, and says why', async () => {
  const first = await openNode({ name: 'same' });
  await first.start();
  const second = await openNode({ name: 'same', join: [seedOf(first)] });
  const stopped = new Promise((resolve) => second.onStopped(resolve));
  await expect(second.start().then(() => second.ready())).rejects.toMatchObject({
    code: 'SWIM_NAME_TAKEN',
    kind: 'conflict',
  });
  expect(await stopped).toMatchObject({ code: 'SWIM_NAME_TAKEN' });
  expect(second.status().state).toBe('stopped');
  expect(first.status()).toMatchObject({ state: 'running', ready: true });
});

test('stop over HTTP answers first; then ports and folder are free for the next life, which finds its peers again', async () => {
  const dataDir = await temporaryFolder();
  const [ann, bob] = [await openNode({ name: 'ann' }), await openNode({ name: 'bob', dataDir })];
  await Promise.all([ann.start(), bob.start()]);
  await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] });
  await expect.poll(() => alive(bob), soon).toEqual(['ann', 'bob']);
  await expect(createNode({ roles: ['swim'], bind: '127.0.0.1:0', dataDir })).rejects.toMatchObject({
    code: 'NODE_DATA_DIR_LOCKED',
  });

  const stopped = new Promise((resolve) => bob.onStopped(resolve));
  const { ports } = bob.status();
  expect(await post(bob, '/v1/node/stop')).toMatchObject({ status: 202, body: { schema: 'grp.node.stopping/1' } });
  expect(await stopped).toBeUndefined();
  await expect(fetch(`${bob.http}/livez`)).rejects.toThrow('fetch failed');
  const saved = JSON.parse(await readFile(join(dataDir, 'peers.json'), 'utf8'));
  expect(saved.peers).toEqual([{ name: 'ann', address: ann.swim?.self.address }]);

  // No seed this time: the file knows.
  const http = `127.0.0.1:${ports.http}`;
  const again = await openNode({ name: 'bob', bind: `127.0.0.1:${ports.swim}`, http, dataDir });
  await again.start();
  await untilAllSee([ann, again], ['ann', 'bob']);
});

test('a node that crashes is down for the others; one that is cut off by faults too, and heals', async () => {
  const [ann, bob, cid] = [
    await openNode({ name: 'ann' }),
    await openNode({ name: 'bob' }),
    await openNode({ name: 'cid' }),
  ];
  await Promise.all([ann.start(), bob.start(), cid.start()]);
  await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] });
  await post(cid, '/v1/swim/join', { seeds: [seedOf(ann)] });
  await untilAllSee([ann, bob, cid], ['ann', 'bob', 'cid']);
  await cid.stop({ leave: false });
  const statusOf = (name: string) => ann.swim?.members().find((member) => member.name === name)?.status;
  await expect.poll(() => statusOf('cid'), soon).toBe('down');
  await post(ann, '/v1/node/faults', { block: [seedOf(bob)] });
  await post(bob, '/v1/node/faults', { block: [seedOf(ann)] });
  await expect.poll(() => statusOf('bob'), soon).toBe('down');
  await post(ann, '/v1/node/faults', { block: [] });
  await post(bob, '/v1/node/faults', { block: [] });
  await untilAllSee([ann, bob], ['ann', 'bob']);
});

test('with a key file only those who have the key come in; keys are managed over HTTP', async () => {
  const folder = await temporaryFolder();
  const keyFile = join(folder, 'key');
  const [key, next] = [1, 2].map((fill) => Buffer.alloc(32, fill).toString('base64'));
  await writeFile(keyFile, `${key}\n`);
  await chmod(keyFile, 0o600);
  const ann = await openNode({ name: 'ann', keyFile });
  const bob = await openNode({ name: 'bob', keyFile });
  const stranger = await openNode({ name: 'stranger' });
  await Promise.all([ann.start(), bob.start(), stranger.start()]);
  await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] });
  const refused = await post(stranger, '/v1/swim/join', { seeds: [seedOf(ann)], timeoutMs: 500 });
  expect([refused.status, refused.body['error']]).toEqual([504, expect.objectContaining({ code: 'SWIM_JOIN_FAILED' })]);
  await untilAllSee([ann, bob], ['ann', 'bob']);
  expect((await get(stranger, '/v1/swim/keys')).body['error']).toMatchObject({ code: 'SWIM_NO_KEYRING' });
  expect((await get(ann, '/v1/swim/keys')).body).toMatchObject({
    answered: 2,
    members: 2,
    keys: { [key as string]: 2 },
  });
  for (const action of ['install', 'use']) {
    expect(await post(ann, '/v1/swim/keys', { action, key: next })).toMatchObject({
      status: 200,
      body: { answered: 2, errors: {} },
    });
  }
  expect(await post(ann, '/v1/swim/keys', { action: 'remove', key })).toMatchObject({ status: 200 });
  expect((await get(bob, '/v1/swim/keys')).body).toMatchObject({ keys: { [next as string]: 2 } });
});

test('events, queries and tags cross over; bandwidth is counted and reset', async () => {
  const [ann, bob] = [await openNode({ name: 'ann' }), await openNode({ name: 'bob' })];
  await Promise.all([ann.start(), bob.start()]);
  await post(bob, '/v1/swim/join', { seeds: [seedOf(ann)] });
  await untilAllSee([ann, bob], ['ann', 'bob']);
  const heard: string[] = [];
  ann.swim?.on((event) => {
    if (event.type === 'user-event') heard.push(new TextDecoder().decode(event.payload));
    if (event.type === 'query') event.respond(new TextEncoder().encode(`${event.name} is well`));
  });
  expect((await post(bob, '/v1/swim/event', { name: 'deploy', payload: 'v2' })).status).toBe(202);
  await expect.poll(() => heard, soon).toEqual(['v2']);
  const answer = await post(bob, '/v1/swim/query', { name: 'load', names: ['ann'], timeoutMs: 500 });
  expect(answer.body).toMatchObject({
    acknowledgements: ['ann'],
    responses: [{ from: 'ann', payload: 'load is well' }],
  });
  await post(bob, '/v1/swim/tags', { set: { dc: 'b' } });
  await expect.poll(() => ann.swim?.members().find(({ name }) => name === 'bob')?.tags, soon).toEqual({ dc: 'b' });
  const before = (await get(ann, '/v1/swim/bandwidth')).body['total'] as { bytesIn: number };
  expect(before.bytesIn).toBeGreaterThan(0);
  const after = (await post(ann, '/v1/swim/reset')).body['total'] as { bytesIn: number };
  expect(after.bytesIn).toBeLessThan(before.bytesIn);
});

test('a name that cannot be one is refused, and nothing stays open', async () => {
  const dataDir = await temporaryFolder();
  await expect(openNode({ name: 'no good name', dataDir })).rejects.toMatchObject({ code: 'SWIM_NAME_INVALID' });
  await openNode({ name: 'good-name', dataDir });
});
