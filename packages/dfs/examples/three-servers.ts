// Three file servers, and one copy of the metadata, in one process: a file is put, read, and outlives a server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock, systemRandom } from '@grp/core';
import { createMetaService, DfsMeta, type ReplicatedLog } from '@grp/dfs';
import { createFileServer, DfsClient, fileServerOrders, openBlobStore, Peers } from '@grp/dfs/node';
import { transferConfig } from '@grp/dfs/node';
import { openNetwork } from '@grp/transport-udp';

// A log of one server, in memory: a real store replicates it with raft, see the role dfs of @grp/node.
const meta = new DfsMeta();
let index = 0;
const log: ReplicatedLog = {
  propose: async (command) => meta.apply(command, ++index),
  readBarrier: async () => {},
  leader: () => undefined,
  leading: true,
  serving: true,
};

const ids = ['n1', 'n2', 'n3'];
const folder = mkdtempSync(join(tmpdir(), 'grp-dfs-'));
const networks = await Promise.all(ids.map(() => openNetwork({ bind: '127.0.0.1:0' })));
const streams = networks.map((network) => network.streams);
const peers = new Peers({ streams: streams[0] as (typeof streams)[0], config: transferConfig.defaults });
const service = createMetaService({
  ...{ meta, log, orders: fileServerOrders(peers), clock: systemClock(), random: systemRandom() },
  membership: { up: () => ids, onChange: () => () => {} },
  onFatal: console.error,
});
const servers = await Promise.all(
  ids.map(async (node, at) => {
    const store = await openBlobStore({ dir: join(folder, node) });
    const own = streams[at] as (typeof streams)[0];
    let incarnation = 0;
    const answer = service.answer.bind(service);
    const server = createFileServer({ node, store, streams: own, incarnation: () => incarnation, answer });
    const request = { kind: 'join', node, life: node, address: server.address, zone: '' } as const;
    const reply = await answer({ ...request, freeBytes: store.status().freeBytes });
    if (reply.kind === 'joined') ({ incarnation } = reply);
    const close = async (): Promise<void> => {
      await server.close();
      await networks[at]?.close();
      await store.close();
    };
    return { address: server.address, close };
  }),
);

const client = new DfsClient({ servers: servers.map(({ address }) => address) });
const put = await client.put('notes/today.txt', Buffer.from('buy milk'));
console.log(`put: ${put.bytes} bytes on at least ${Math.min(2, put.replicas.length)} servers`);
await servers[1]?.close();
console.log(`one server less: ${await text(client.get('notes/today.txt').stream)}`);

await client.close();
service.stop();
peers.close();
await Promise.all([servers[0]?.close(), servers[2]?.close()]);
rmSync(folder, { recursive: true });
