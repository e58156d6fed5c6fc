// A whole store in one process: file servers on loopback, and one copy of the metadata whose log is memory.
import { join } from 'node:path';
import { GrpError, systemClock, systemRandom, type Keyring, type Streams } from '@grp/core';
import { dialStreams, openNetwork, sealStreams, type Network } from '@grp/transport-udp';
import {
  createMetaService,
  DfsMeta,
  type MasterConfig,
  type MetaService,
  type ReplicatedLog,
} from '../../src/index.ts';
import { createFileServer, DfsClient, fileServerOrders, openBlobStore, Peers } from '../../src/node/index.ts';
import { transferConfig, type BlobStore, type FileServer } from '../../src/node/index.ts';

export interface Node {
  readonly id: string;
  readonly store: BlobStore;
  readonly server: FileServer;
  readonly network: Network;
  incarnation: number;
}

export interface Cluster {
  readonly nodes: readonly Node[];
  readonly meta: DfsMeta;
  readonly addresses: readonly string[];
  client(options?: Partial<ConstructorParameters<typeof DfsClient>[0]>): DfsClient;
  /** Stops a node's server; what it stored stays on its disk. */
  stop(id: string): Promise<void>;
  /** The membership says who runs now. */
  setUp(ids: readonly string[]): void;
  close(): Promise<void>;
}

/** A log of one, without a disk. */
export function memoryLog(meta: DfsMeta): ReplicatedLog {
  let index = 0;
  return {
    propose: async (command) => meta.apply(command, ++index),
    readBarrier: async () => {},
    leader: () => undefined,
    leading: true,
    serving: true,
  };
}

export async function startCluster(
  folder: string,
  count: number,
  master: Partial<MasterConfig> = {},
  keyring?: Keyring,
): Promise<Cluster> {
  const meta = new DfsMeta();
  let up: readonly string[] = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  let tellUp: () => void = () => {};
  const peers = new Peers({ streams: sealed(dialStreams(), keyring), config: transferConfig.defaults });
  const service = createMetaService({
    meta,
    log: memoryLog(meta),
    membership: {
      up: () => up,
      onChange(listener) {
        tellUp = listener;
        return () => {};
      },
    },
    orders: fileServerOrders(peers),
    clock: systemClock(),
    random: systemRandom(),
    onFatal(cause) {
      throw cause;
    },
    master,
    defer: (callback) => void setImmediate(callback),
  });
  const nodes = await Promise.all(up.map((id) => startNode({ folder, id, service, keyring })));
  const clients: DfsClient[] = [];
  const running = new Set(nodes);
  const addresses = nodes.map(({ server }) => server.address);
  const stop = async (node: Node): Promise<void> => {
    if (!running.delete(node)) return;
    await node.server.close();
    await node.network.close();
    await node.store.close();
  };
  return {
    ...{ nodes, meta, addresses },
    client(options = {}) {
      const client = new DfsClient({ servers: addresses, ...options });
      clients.push(client);
      return client;
    },
    stop: (id) => stop(nodes.find((node) => node.id === id) as Node),
    setUp(ids) {
      up = ids;
      tellUp();
    },
    async close() {
      for (const client of clients) await client.close();
      service.stop();
      peers.close();
      for (const node of nodes) await stop(node);
    },
  };
}

interface NodeParts {
  readonly folder: string;
  readonly id: string;
  readonly service: MetaService;
  readonly keyring: Keyring | undefined;
}

function sealed(streams: Streams, keyring: Keyring | undefined): Streams {
  return keyring === undefined ? streams : sealStreams({ streams, keyring });
}

async function startNode({ folder, id, service, keyring }: NodeParts): Promise<Node> {
  const store = await openBlobStore({ dir: join(folder, id), config: { reserveBytes: 0 } });
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const streams = sealed(network.streams, keyring);
  const node = { id, store, network, incarnation: 0 };
  const server = createFileServer({
    ...{ node: id, store, streams },
    incarnation: () => node.incarnation,
    answer: (request) => service.answer(request),
    onDamaged: (blob) => void service.answer({ kind: 'rot-report', node: id, incarnation: node.incarnation, blob }),
  });
  const request = { kind: 'join', node: id, life: `${id}-1`, address: server.address, zone: '' } as const;
  const joined = await service.answer({ ...request, freeBytes: 2 ** 40 });
  if (joined.kind !== 'joined') throw new GrpError({ code: 'X', kind: 'failure', message: JSON.stringify(joined) });
  node.incarnation = joined.incarnation;
  return Object.assign(node, { server });
}
