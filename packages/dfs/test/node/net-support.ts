// File servers on loopback, with a metadata service that knows nothing.
import { join } from 'node:path';
import { dialStreams, openNetwork, type Network } from '@grp/transport-udp';
import type { Ack } from '../../src/index.ts';
import { createFileServer, type FileServer } from '../../src/node/net/file-server.ts';
import { IncomingGet } from '../../src/node/net/incoming-get.ts';
import { transferConfig, type TransferConfig } from '../../src/node/net/config.ts';
import { OutgoingPut } from '../../src/node/net/outgoing-put.ts';
import { Peers } from '../../src/node/net/peers.ts';
import type { Peer } from '../../src/node/net/peer.ts';
import { openBlobStore, type BlobStore } from '../../src/node/store/blob-store.ts';
import { framesOf, newBlobId, sha256Of, contentOf } from './store-support.ts';

export interface Served {
  readonly server: FileServer;
  readonly store: BlobStore;
  readonly network: Network;
  readonly damaged: string[];
  incarnation: number;
}

export interface World {
  readonly servers: readonly Served[];
  readonly peers: Peers;
  peer(index: number): Peer;
  close(): Promise<void>;
}

export async function serve(folder: string, count: number, config: Partial<TransferConfig> = {}): Promise<World> {
  const servers: Served[] = [];
  for (let index = 0; index < count; index++) {
    const store = await openBlobStore({
      dir: join(folder, `n${index}`),
      config: { smallSegmentBytes: 1_048_576, aheadBytes: 65_536, reserveBytes: 0 },
    });
    const network = await openNetwork({ bind: '127.0.0.1:0' });
    const { streams } = network;
    const damaged: string[] = [];
    const served: Served = { server: undefined as never, store, network, damaged, incarnation: 10 + index };
    const server = createFileServer({
      ...{ node: `n${index}`, store, streams, config },
      incarnation: () => served.incarnation,
      answer: async (request) => ({ kind: 'failed', code: 'DFS_BUSY', message: request.kind, outcomeUnknown: false }),
      onDamaged: (blob) => damaged.push(blob),
    });
    servers.push(Object.assign(served, { server }));
  }
  const clientStreams = dialStreams();
  const peers = new Peers({ streams: clientStreams, config: transferConfig.resolve(config) });
  return {
    servers,
    peers,
    peer: (index) => peers.at((servers[index] as Served).server.address),
    async close() {
      peers.close();
      await clientStreams.close();
      for (const { server, network, store } of servers) {
        await server.close();
        await network.close();
        await store.close();
      }
    },
  };
}

export interface PutOptions {
  readonly blob?: string;
  readonly epoch?: number;
  readonly hint?: number;
  /** What to tell at the end, if not the truth. */
  readonly toldBytes?: number;
  readonly spoil?: boolean;
}

/** Puts a blob on one server. Rejects with the code that the server gave, or what happened. */
export function put(
  peer: Peer,
  bytes: number,
  options: PutOptions = {},
): Promise<{ readonly blob: string; readonly ack: Ack }> {
  const { blob = newBlobId(), epoch = 1, hint = bytes, toldBytes = bytes, spoil = false } = options;
  const content = contentOf(blob, bytes);
  return new Promise((resolve, reject) => {
    const outgoing = new OutgoingPut(peer, { blob, epoch, bytesHint: hint }, 8_388_608, {
      onTaken: () => {},
      onStored: (ack) => resolve({ blob, ack }),
      onFailed: (problem, error) => reject(error ?? new Error(problem)),
    });
    for (const frame of framesOf(blob, content))
      outgoing.write(spoil ? { ...frame, crc: (frame.crc ^ 1) >>> 0 } : frame);
    outgoing.finish(toldBytes, sha256Of(content));
  });
}

/** Gets a blob, or a part of it. */
export function get(
  peer: Peer,
  blob: string,
  { offset = 0, length = 0, windowBytes = 2_097_152 } = {},
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    const incoming = new IncomingGet(
      peer,
      { blob, offset, length, windowBytes },
      {
        onContent: () => {},
        onFrame(frame) {
          parts.push(...frame.parts);
          incoming.credit(frame.bytes);
        },
        onEnd: () => resolve(Buffer.concat(parts)),
        onFailed: (problem, { isDamaged, error }) =>
          reject(error ?? Object.assign(new Error(problem), { code: isDamaged ? 'altered' : 'gone' })),
      },
    );
  });
}

/** Asks until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never held: ${String(holds)}`);
}
