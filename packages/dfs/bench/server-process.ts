// One file server as a process of its own, for benchmarks; the first one keeps the metadata, too.
import { join } from 'node:path';
import { systemClock, systemRandom } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { createMetaService, DfsMeta, type MetaReply, type MetaRequest } from '../src/index.ts';
import { createFileServer, DfsClient, fileServerOrders, openBlobStore, Peers } from '../src/node/index.ts';
import { transferConfig } from '../src/node/index.ts';
import { oneLog } from './one-log.ts';

/** What the parent gives: the folder, this server's id, all ids, and the first server's address if this is another. */
export interface ServerOrder {
  readonly folder: string;
  readonly id: string;
  readonly all: readonly string[];
  readonly first?: string;
}

export async function runServer({ folder, id, all, first }: ServerOrder): Promise<void> {
  const store = await openBlobStore({ dir: join(folder, id) });
  const { streams } = await openNetwork({ bind: '127.0.0.1:0', maxStreams: 1_024, maxStreamsPerPeer: 1_024 });
  const elsewhere: MetaReply = { kind: 'not-leader', ...(first !== undefined && { leader: first }) };
  let asked = async (_request: MetaRequest): Promise<MetaReply> => elsewhere;
  if (first === undefined) {
    const meta = new DfsMeta();
    const log = await oneLog(join(folder, 'log'), meta);
    const peers = new Peers({ streams, config: transferConfig.defaults });
    const service = createMetaService({
      ...{ meta, log, orders: fileServerOrders(peers), clock: systemClock(), random: systemRandom() },
      membership: { up: () => all, onChange: () => () => {} },
      onFatal(cause) {
        throw cause;
      },
      defer: (callback) => void setImmediate(callback),
    });
    asked = (request) => service.answer(request);
  }
  let incarnation = 0;
  const server = createFileServer({
    ...{ node: id, store, streams },
    incarnation: () => incarnation,
    answer: (request) => asked(request),
  });
  const client = new DfsClient({ servers: [first ?? server.address] });
  const freeBytes = store.status().freeBytes;
  const joined = await client.request({
    kind: 'join',
    node: id,
    life: id,
    address: server.address,
    zone: '',
    freeBytes,
  });
  if (joined?.kind !== 'joined') throw new Error(`not joined: ${JSON.stringify(joined)}`);
  ({ incarnation } = joined);
  const cpuAtStart = process.cpuUsage();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(cpuAtStart);
    const { rss } = process.memoryUsage();
    process.send?.({ rss, peakRss: process.resourceUsage().maxRSS * 1_024, cpuMs: (user + system) / 1_000 });
  });
  process.once('disconnect', () => process.exit());
  process.send?.(server.address);
}
