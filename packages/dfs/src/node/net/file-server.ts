import { silentLogger, type Logger, type Streams } from '@grp/core';
import { decodeRequest, encodeReply } from '../../codec.ts';
import type { MetaReply, MetaRequest } from '../../messages.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { FrameBuffers } from '../store/frame-buffers.ts';
import { Budget } from './budget.ts';
import { transferConfig, type TransferConfig } from './config.ts';
import { Counters } from './counters.ts';
import { Peers } from './peers.ts';
import { ServerConnection } from './server-connection.ts';
import type { ServerParts } from './server-parts.ts';

/** What a file server serves, and to whom. */
export interface FileServerOptions {
  /** This server's id, as the metadata knows it. */
  readonly node: string;
  readonly store: BlobStore;
  /** Where clients and other servers come in, and how blobs are fetched from other servers. Not closed by `close`. */
  readonly streams: Streams;
  /** The incarnation that the metadata gave to this life; 0 while it has none: acknowledgements then count for nothing. */
  readonly incarnation: () => number;
  /** Answers requests for the metadata. Never rejects. */
  readonly answer: (request: MetaRequest) => Promise<MetaReply>;
  /** A blob here turned out to be damaged: a rot report is due. */
  readonly onDamaged?: (blob: string) => void;
  readonly config?: Partial<TransferConfig>;
  readonly logger?: Logger;
}

/** What a file server does at the moment, and has done. */
export interface FileServerStatus {
  readonly connections: number;
  readonly transfers: number;
  /** Content in memory. */
  readonly budgetUsedBytes: number;
  /** What was done and what was refused, by name (`put-stored`, `put-wrong-crc`, `get-stalled`, …). */
  readonly counters: Readonly<Record<string, number>>;
}

/** The blobs of one store, served. */
export interface FileServer {
  /** Where it is reached, `host:port`. */
  readonly address: string;
  status(): FileServerStatus;
  /** Ends all transfers. The store stays open. Idempotent. */
  close(): Promise<void>;
}

/** Serves the blobs of a store, and passes on requests for the metadata. @throws GrpError CONFIG_INVALID */
export function createFileServer(options: FileServerOptions): FileServer {
  return new TcpFileServer(options);
}

class TcpFileServer implements FileServer {
  readonly address: string;
  readonly #parts: ServerParts;
  readonly #peers: Peers;
  readonly #connections = new Set<ServerConnection>();
  readonly #stopAccepting: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #isClosed = false;

  constructor(options: FileServerOptions) {
    const { node, store, streams, incarnation, answer, onDamaged = () => {}, logger = silentLogger } = options;
    const config = transferConfig.resolve(options.config);
    const counters = new Counters();
    this.address = streams.self;
    const buffers = new FrameBuffers();
    this.#peers = new Peers({ streams, config, node, buffers });
    this.#parts = {
      ...{ node, store, config, counters, incarnation, buffers },
      budget: new Budget(config.budgetBytes),
      retaining: new Set(),
      fetching: new Map(),
      now: () => performance.now(),
      onDamaged(blob) {
        counters.add('damaged');
        logger.log('warn', 'dfs.blob-damaged', { blob });
        onDamaged(blob);
      },
    };
    const answerBytes = async (bytes: Uint8Array): Promise<Uint8Array> => {
      const request = decodeRequest(bytes);
      return encodeReply(request === undefined ? notUnderstood : await answer(request));
    };
    this.#stopAccepting = streams.onAccept((stream) => {
      if (this.#connections.size >= config.connectionsMax) {
        counters.add('connection-refused');
        return undefined;
      }
      const connection = new ServerConnection(this.#parts, { answer: answerBytes, peers: this.#peers }, (why) => {
        this.#connections.delete(connection);
        if (why === undefined) return;
        counters.add(`cut-${why}`);
        logger.log('info', 'dfs.peer-cut-off', { peer: stream.peer, why });
      });
      this.#connections.add(connection);
      return connection.attach(stream);
    });
    this.#timer = setInterval(() => this.#endStalled(), Math.max(10, config.stallMs / 4));
    this.#timer.unref();
  }

  status(): FileServerStatus {
    const connections = [...this.#connections];
    return {
      connections: connections.length,
      transfers: connections.reduce((sum, { transferCount }) => sum + transferCount, 0),
      budgetUsedBytes: this.#parts.budget.usedBytes,
      counters: this.#parts.counters.report(),
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#stopAccepting();
    this.#peers.close();
    for (const connection of this.#connections) connection.close();
    await Promise.all([...this.#connections].map((connection) => connection.gone));
  }

  #endStalled(): void {
    const before = this.#parts.now() - this.#parts.config.stallMs;
    for (const connection of this.#connections) connection.endStalled(before);
  }
}

const notUnderstood: MetaReply = {
  kind: 'failed',
  code: 'DFS_REQUEST_INVALID',
  message: 'The request is not understood.',
  outcomeUnknown: false,
};
