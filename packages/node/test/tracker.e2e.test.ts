import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address, Streams } from '@grp/core';
import { createTrackerClient, type TrackerClient } from '@grp/tracker';
import { nodeCrypto, tlsStreams } from '@grp/tracker/node';
import { openNetwork } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import type { Node } from '../src/node.ts';
import { testCertificate, testKey } from './support/certificate.ts';
import { get, post } from './support/http-client.ts';
import { openNode } from './support/real-nodes.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const crypto = nodeCrypto();

async function connect(
  node: Node,
  nick: string,
  wrap: (streams: Streams) => Streams = (streams) => streams,
): Promise<TrackerClient> {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const client = createTrackerClient({
    ...{ streams: wrap(network.streams), nick, address: network.self, crypto },
    tracker: `127.0.0.1:${node.status().ports.tracker}` as Address,
    signer: crypto.signer(crypto.digest(new TextEncoder().encode(nick))),
  });
  onTestFinished(async () => {
    await client.stop();
    await network.close();
  });
  await client.start({ timeoutMs: 10_000 });
  return client;
}

test('the role tracker serves clients, and administrators over HTTP', async () => {
  const node = await openNode({ roles: ['tracker'] });
  await node.start();
  expect(node.status()).toMatchObject({ roles: ['tracker'], ready: true });
  const [ann, bob] = [await connect(node, 'ann'), await connect(node, 'bob')];
  await ann.join('tea', { create: true, order: 'total' });
  await bob.join('tea');

  expect((await get(node, '/v1/tracker/groups')).body).toMatchObject({
    schema: 'grp.tracker.groups/1',
    groups: [{ group: 'tea', order: 'total', members: 2 }],
  });
  expect((await get(node, '/v1/tracker/members?group=tea')).body).toMatchObject({
    schema: 'grp.tracker.members/1',
    members: [{ nick: 'ann' }, { nick: 'bob' }],
  });
  expect(await post(node, '/v1/tracker/policy', { group: 'tea', access: 'invite', moderated: true })).toMatchObject({
    status: 200,
    body: { schema: 'grp.tracker.policy/1', access: 'invite', moderated: true },
  });
  expect((await get(node, '/v1/tracker/policy?group=tea')).body).toMatchObject({ access: 'invite' });
  expect((await post(node, '/v1/tracker/invite', { group: 'tea', nick: 'eve' })).body).toMatchObject({ isHere: false });
  expect((await post(node, '/v1/tracker/kick', { group: 'tea', nick: 'bob', reason: 'loud' })).status).toBe(200);
  expect((await post(node, '/v1/tracker/ban', { group: 'tea', nick: 'bob' })).status).toBe(200);
  expect((await get(node, '/v1/tracker/policy?group=tea')).body).toMatchObject({ bans: ['bob'] });
  expect((await post(node, '/v1/tracker/unban', { group: 'tea', nick: 'bob' })).status).toBe(200);
  expect((await get(node, '/v1/tracker/metrics')).body).toMatchObject({
    health: { sessions: { here: 2, lost: 0 }, groups: 1 },
    groups: [{ group: 'tea', members: 1 }],
  });
  const text = await (await fetch(`${node.http}/metrics`)).text();
  expect(text).toContain('grp_tracker_sessions{state="here"} 2');
  expect(text).toContain('grp_tracker_group_members{group="tea"} 1');
});

test('what is wrong is said in the API’s form', async () => {
  const node = await openNode({ roles: ['tracker'] });
  await node.start();
  const codes = [
    await get(node, '/v1/tracker/members?group=nowhere'),
    await get(node, '/v1/tracker/members'),
    await post(node, '/v1/tracker/kick', { group: 'nowhere', nick: 'ann' }),
    await post(node, '/v1/tracker/policy', { group: 'tea', access: 'anyhow' }),
    await post(node, '/v1/tracker/kick', { group: 'tea', nick: 'ann', do: 'drop' }),
  ].map(({ status, body }) => [status, (body['error'] as { code: string }).code]);
  expect(codes).toEqual([
    [404, 'TRACKER_GROUP_UNKNOWN'],
    [400, expect.stringMatching(/^[A-Z_]+$/)],
    [404, 'TRACKER_GROUP_UNKNOWN'],
    [400, expect.stringMatching(/^[A-Z_]+$/)],
    [400, expect.stringMatching(/^[A-Z_]+$/)],
  ]);
});

test('groups and policies survive in the data folder', async () => {
  const dataDir = await temporaryFolder();
  const first = await openNode({ roles: ['tracker'], dataDir });
  await first.start();
  const ann = await connect(first, 'ann');
  await ann.join('tea', { create: true, order: 'total' });
  await post(first, '/v1/tracker/policy', { group: 'tea', limit: 7 });
  await first.stop();
  const second = await openNode({ roles: ['tracker'], dataDir });
  await second.start();
  expect((await get(second, '/v1/tracker/groups')).body).toMatchObject({
    groups: [{ group: 'tea', order: 'total', limit: 7 }],
  });
});

test('with a certificate the tracker speaks TLS, and nothing else', async () => {
  const folder = await temporaryFolder();
  const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(tlsCert, testCertificate);
  await writeFile(tlsKey, testKey, { mode: 0o600 });
  const node = await openNode({ roles: ['tracker'], tlsCert, tlsKey });
  await node.start();
  const client = await connect(node, 'ann', (streams) => tlsStreams({ streams, client: { ca: testCertificate } }));
  expect(client.state).toBe('ready');
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  onTestFinished(() => network.close());
  const plain = createTrackerClient({
    ...{ streams: network.streams, nick: 'bob', address: network.self, crypto },
    ...{ tracker: `127.0.0.1:${node.status().ports.tracker}` as Address, signer: crypto.signer(new Uint8Array(32)) },
  });
  await expect(plain.start({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'TRACKER_LOST' });
});
