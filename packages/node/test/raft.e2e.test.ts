import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatClient } from '@grp/chat';
import { openNetwork } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import { createNode } from '../src/create-node.ts';
import type { Node } from '../src/node.ts';
import type { NodeOptions } from '../src/options.ts';
import { readRaftLog } from '../src/raft/read-log.ts';
import { get, post } from './support/http-client.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

async function start(options: NodeOptions): Promise<Node> {
  const node = await createNode({ http: '127.0.0.1:0', ...options });
  onTestFinished(() => node.stop({ leave: false }));
  await node.start();
  await node.ready();
  return node;
}

async function untilLed(node: Node): Promise<void> {
  const leader = async () => (await get(node, '/v1/raft/status')).body['leader'];
  await expect.poll(leader, { timeout: 20_000 }).not.toBeNull();
}

test('the role raft alone: a map that survives a restart, compare-and-set, status, metrics, snapshot, and its log offline', async () => {
  const dataDir = await temporaryFolder();
  const options = { roles: ['raft'], name: 'solo', bind: '127.0.0.1:0', dataDir } as const;
  const node = await start(options);
  await untilLed(node);
  const map = (one: Node, body: object) => post(one, '/v1/raft/map', body);
  expect((await map(node, { type: 'put', key: 'colour', value: 'blue' })).status).toBe(200);
  const swap = { type: 'compare-and-set', key: 'colour', expected: 'blue', value: 'green' };
  expect((await map(node, swap)).body).toMatchObject({ holds: true });
  expect((await map(node, swap)).body).toMatchObject({ holds: false });
  expect((await map(node, { type: 'get', key: 'colour' })).body).toMatchObject({ value: 'green' });
  expect((await map(node, { type: 'put', key: 'colour' })).status).toBe(400);
  const status = (await get(node, '/v1/raft/status')).body;
  expect(status).toMatchObject({
    ...{ schema: 'grp.raft.status/1', group: 'raft', id: 'solo', role: 'leader', leader: 'solo' },
    ...{ voters: ['solo'], learners: [], recovering: false },
  });
  expect((await get(node, '/v1/raft/status?group=chat')).status).toBe(404);
  expect((await post(node, '/v1/raft/snapshot', {})).body).toMatchObject({ snapshotIndex: status['appliedIndex'] });
  const metrics = await (await fetch(`${node.http}/metrics`)).text();
  expect(metrics).toContain('grp_raft_role{group="raft",role="leader"} 1');
  await node.stop();

  const { entries, ...log } = await readRaftLog(dataDir);
  expect(log).toMatchObject({ group: 'raft', lastIndex: status['lastIndex'], damage: null });
  const types = [];
  for await (const { type } of entries(1, log.lastIndex)) types.push(type);
  expect(types).toContain('command');
  await expect(readRaftLog(dataDir, 'chat')).rejects.toMatchObject({ code: 'RAFT_LOG_NONE' });

  const again = await start(options);
  await untilLed(again);
  expect((await map(again, { type: 'get', key: 'colour' })).body).toMatchObject({ value: 'green' });
});

test('a role that keeps a log needs a data folder, and a cluster file must name the server', async () => {
  await expect(createNode({ roles: ['raft'], bind: '127.0.0.1:0' })).rejects.toMatchObject({
    code: 'NODE_DATA_DIR_NEEDED',
  });
  const dataDir = await temporaryFolder();
  const file = join(dataDir, 'cluster.json');
  await writeFile(file, '{"servers": {"one": "127.0.0.1:9001"}}');
  const wrong = { roles: ['chat'], dataDir, clusterConfig: file } as const;
  await expect(createNode(wrong)).rejects.toMatchObject({ code: 'NODE_OPTION_INVALID' });
  await expect(createNode({ ...wrong, name: 'two' })).rejects.toMatchObject({ message: /only one/ });
  await writeFile(file, '{"servers": 1}');
  await expect(createNode({ ...wrong, name: 'one' })).rejects.toMatchObject({ code: 'CHAT_CLUSTER_FILE' });
});

test('three servers by a cluster file: a chat and a map over one port, and the next leader at once when one leaves', async () => {
  const folder = await temporaryFolder();
  const names = ['a', 'b', 'c'];
  const probes = await Promise.all(names.flatMap(() => [0, 1]).map(() => openNetwork({ bind: '127.0.0.1:0' })));
  const addresses = probes.map(({ bound }) => bound);
  await Promise.all(probes.map((probe) => probe.close()));
  const peers = addresses.map((address) => address.replace('127.0.0.1', 'localhost')); // names are fine, too
  const servers = names.map((name, index) => [name, { client: addresses[index * 2], peer: peers[index * 2 + 1] }]);
  const clusterConfig = join(folder, 'cluster_config.json');
  await writeFile(clusterConfig, JSON.stringify({ servers: Object.fromEntries(servers) }));
  const nodes = await Promise.all(
    names.map((name) => start({ roles: ['raft', 'chat'], name, clusterConfig, dataDir: join(folder, name) })),
  );
  for (const node of nodes) await untilLed(node);
  const client = new ChatClient({ servers: names.map((_, index) => String(addresses[index * 2])) });
  onTestFinished(() => client.close());
  await client.register('ann', 'password of ann');
  await client.login('ann', 'password of ann');
  expect((await client.send('general', 'before')).sequence).toBe(1);
  const roleOf = async (node: Node) => (await get(node, '/v1/raft/status?group=chat')).body['role'];
  const roles = await Promise.all(nodes.map(roleOf));
  await nodes[roles.indexOf('leader')]?.stop();
  expect((await client.send('general', 'after')).sequence).toBe(2);
  const history = await client.history('general');
  expect(history.map(({ text }) => text)).toEqual(['before', 'after']);
});
