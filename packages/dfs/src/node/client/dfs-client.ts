import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { systemClock, systemRandom, type Clock, type GrpError, type Streams } from '@grp/core';
import { dialStreams } from '@grp/transport-udp';
import { clientConfig, serviceConfig, type ClientConfig } from '../../config.ts';
import { dfsError } from '../../errors.ts';
import type { Conditions, MetaReply, MetaRequest } from '../../messages.ts';
import type { Ack, BlobId, FileSummary, Manifest, RepairStatus, ServerId, ServerView } from '../../model.ts';
import { assertName } from '../../names.ts';
import { transferConfig, type TransferConfig } from '../net/config.ts';
import { Peers } from '../net/peers.ts';
import { GetRun, type GetFound } from './get-run.ts';
import { MetaClient } from './meta-client.ts';
import { finalFailure } from '../../client/failure.ts';
import { BytesSource, StreamSource } from './put-source.ts';
import { PutRun } from './put-run.ts';
import { ServerViews } from './server-views.ts';

/** Where a client finds the metadata and the file servers. */
export interface DfsClientOptions {
  /** dfs ports of nodes, `host:port`; any will do, one that runs is enough. */
  readonly servers: readonly string[];
  /** Default: TCP, dialled from here, closed by `close`. */
  readonly streams?: Streams;
  /** The metadata service in this process, if there is one: asked first. */
  readonly local?: (request: MetaRequest) => Promise<MetaReply>;
  /** The file server in this process or nearest to it: read from before others. */
  readonly near?: ServerId;
  readonly config?: Partial<ClientConfig>;
  readonly transfer?: Partial<TransferConfig>;
  readonly clock?: Clock;
  /** A bug; default: thrown where nobody catches it. */
  readonly onFatal?: (cause: unknown) => void;
}

/** Under which conditions a file is put, and how often it is kept. */
export interface PutFileOptions extends Conditions {
  /** Wanted copies (default 3). */
  readonly replicas?: number | undefined;
  /** Versions to keep from now on, this one included. */
  readonly keep?: number | undefined;
  /** The same id again gives the version that it gave the first time (default: a fresh one). */
  readonly requestId?: string | undefined;
  /** The length, if it is known: small files then need fewer round trips. Known for bytes in memory. */
  readonly bytesHint?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears how many bytes a majority of the replicas has taken. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** The version that a put has made. */
export interface PutFileResult {
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The servers that hold it; further replicas may follow. */
  readonly replicas: readonly ServerId[];
}

/** Which version and which bytes of a file are read. */
export interface GetFileOptions {
  /** Default: the newest. */
  readonly version?: number | undefined;
  /** Bytes from `offset` on, `length` of them or to the end. */
  readonly range?: { readonly offset: number; readonly length?: number | undefined } | undefined;
  /**
   * Each MiB is compared with the CRC-32 that its writer gave it for this place of this version. `whole` (default) compares
   * all of a file with its SHA-256, too, at some 0.6 ms of processor for each MiB; `frames` does not. Part of a
   * file has no SHA-256.
   */
  readonly verify?: 'whole' | 'frames' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file being read: it ends after the last byte, verified, or fails. */
export interface FileStream {
  readonly stream: Readable;
  /** Which version is read and how much of it, as soon as it is known. Rejects as the stream fails. */
  readonly found: Promise<GetFound>;
}

const hedgeMs = 100;
const lateMs = 20;
const lateMax = 500;
const serversDefault = 3;

/** Puts and gets files. Every call throws GrpErrors with a code of the package's table; see each. */
export class DfsClient {
  readonly #options: DfsClientOptions;
  readonly #config: ClientConfig;
  readonly #transfer: TransferConfig;
  readonly #clock: Clock;
  readonly #streams: Streams;
  readonly #peers: Peers;
  readonly #meta: MetaClient;
  readonly #views: ServerViews;
  readonly #random = systemRandom();
  readonly #runs = new AbortController();
  #late: { readonly blob: BlobId; readonly ack: Ack }[] = [];
  #lateTimer: ReturnType<typeof setTimeout> | undefined;

  /** @throws GrpError CONFIG_INVALID */
  constructor(options: DfsClientOptions) {
    this.#options = options;
    this.#config = clientConfig.resolve(options.config);
    this.#transfer = transferConfig.resolve(options.transfer);
    this.#clock = options.clock ?? systemClock();
    this.#streams = options.streams ?? dialStreams();
    this.#peers = new Peers({ streams: this.#streams, config: this.#transfer });
    this.#meta = new MetaClient({
      peers: this.#peers,
      servers: () => this.#views.addresses(),
      local: options.local,
      hedgeMs,
      timeoutMs: this.#transfer.requestMs,
    });
    this.#views = new ServerViews(options, this.#clock, () => this.#meta.ask({ kind: 'servers' }));
  }

  /**
   * Stores bytes, or all that a stream gives, as the newest version of a file. Resolves when a majority of the replicas
   * has it in stable storage and the version is committed; until then nothing of it is visible.
   * @throws GrpError DFS_NAME_INVALID, DFS_CONFLICT, DFS_NO_SERVERS, DFS_NO_QUORUM, DFS_META_UNREACHABLE, DFS_FULL, DFS_SOURCE_CHANGED, DFS_ABORTED
   */
  async put(name: string, from: Uint8Array | Readable, options: PutFileOptions = {}): Promise<PutFileResult> {
    assertName(name);
    const { replicas = serversDefault, requestId = randomBytes(16).toString('hex'), signal, onProgress } = options;
    const isBytes = from instanceof Uint8Array;
    const { ifVersion, ifAbsent, keep, bytesHint = isBytes ? from.length : undefined } = options;
    const view = await this.#views.current();
    const run = new PutRun({
      put: {
        ...{ name, requestId, replicas, keep, bytesHint, ifVersion, ifAbsent, view },
        replayable: isBytes,
        reserveBytes: serviceConfig.defaults.reserveBytes,
        config: this.#config,
        random: this.#random,
      },
      source: isBytes ? new BytesSource(from) : new StreamSource(from),
      ...this.#common(signal),
      onProgress,
      onLate: (blob, ack) => this.#tellLate(blob, ack),
    });
    run.start();
    const { serversChangedAt, holders, ...done } = await run.done;
    this.#views.heard(serversChangedAt);
    return { name, ...done, replicas: holders };
  }

  /**
   * Reads a file. Bytes whose checksums do not fit are never handed over, and a holder that fails or stands still is left
   * for another. The stream fails with DFS_NOT_FOUND, DFS_UNREADABLE, DFS_CORRUPT, DFS_META_UNREACHABLE, DFS_ABORTED.
   * @throws GrpError DFS_NAME_INVALID
   */
  get(name: string, { version, range, verify, signal }: GetFileOptions = {}): FileStream {
    assertName(name);
    const isWhole = range === undefined && verify !== 'frames';
    const get = { name, version, range, isWhole, prefer: this.#views.preferred(), config: this.#config };
    const run = new GetRun({ get, ...this.#common(signal) });
    run.start();
    return { stream: run.stream, found: run.found };
  }

  /** Files whose names start with `prefix`, in order, after the name `after`; at most `limit` (default 1,000). */
  async list(
    prefix = '',
    {
      after,
      limit = 1_000,
      signal,
    }: { readonly after?: string; readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly files: readonly FileSummary[]; readonly more: boolean }> {
    const { files, more } = await this.#expect('listed', { kind: 'list', prefix, after, limit }, signal);
    return { files, more };
  }

  /** The newest versions, deletion markers included. Empty: there is no such file. */
  async versions(name: string, limit = 100, signal?: AbortSignal): Promise<readonly Manifest[]> {
    assertName(name);
    return (await this.#expect('versions-listed', { kind: 'versions', name, limit }, signal)).versions;
  }

  /** @throws GrpError DFS_NOT_FOUND */
  async stat(name: string, signal?: AbortSignal): Promise<Extract<MetaReply, { kind: 'found' }>> {
    assertName(name);
    return this.#expect('found', { kind: 'stat', name }, signal);
  }

  /** Puts a deletion marker. @throws GrpError DFS_NOT_FOUND, DFS_CONFLICT */
  async remove(
    name: string,
    options: { readonly ifVersion?: number; readonly requestId?: string; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly version: number }> {
    assertName(name);
    const { ifVersion, requestId = randomBytes(16).toString('hex'), signal } = options;
    const { version } = await this.#expect('committed', { kind: 'remove', name, requestId, ifVersion }, signal);
    return { version };
  }

  async repairStatus(signal?: AbortSignal): Promise<RepairStatus> {
    return (await this.#expect('repair-status-reply', { kind: 'repair-status' }, signal)).status;
  }

  /** The file servers, as the metadata knows them. */
  async servers(signal?: AbortSignal): Promise<ServerView> {
    return (await this.#expect('servers-listed', { kind: 'servers' }, signal)).view;
  }

  /** Any other request of the protocol: joins, reports. Undefined: nobody answered in time. */
  request(request: MetaRequest, signal?: AbortSignal): Promise<MetaReply | undefined> {
    return this.#meta.ask(request, signal);
  }

  /** What is under way fails with DFS_ABORTED. Idempotent. */
  async close(): Promise<void> {
    this.#runs.abort();
    clearTimeout(this.#lateTimer);
    this.#meta.close();
    this.#peers.close();
    if (this.#options.streams === undefined) await this.#streams.close();
  }

  #common(signal: AbortSignal | undefined) {
    const fatal = (cause: unknown): void =>
      queueMicrotask(() => {
        throw cause;
      });
    return {
      ...{ peers: this.#peers, meta: this.#meta, clock: this.#clock, windowBytes: this.#transfer.windowBytes },
      signal: signal === undefined ? this.#runs.signal : AbortSignal.any([signal, this.#runs.signal]),
      onGrey: (server: ServerId) => this.#views.grey(server),
      onFatal: this.#options.onFatal ?? fatal,
    };
  }

  /** Replicas that came after their commits, told to the log some at a time. */
  #tellLate(blob: BlobId, ack: Ack): void {
    this.#late.push({ blob, ack });
    if (this.#late.length >= lateMax) this.#flushLate();
    else this.#lateTimer ??= setTimeout(() => this.#flushLate(), lateMs);
  }

  #flushLate(): void {
    clearTimeout(this.#lateTimer);
    this.#lateTimer = undefined;
    const items = this.#late;
    this.#late = [];
    if (items.length > 0) void this.#meta.ask({ kind: 'add-holders', items }, this.#runs.signal);
  }

  /** Asks until the answer is of the kind that was asked for, or final. */
  async #expect<Kind extends MetaReply['kind']>(
    kind: Kind,
    request: MetaRequest,
    signal: AbortSignal | undefined,
  ): Promise<Extract<MetaReply, { kind: Kind }>> {
    const { requestMs: timeoutMs } = this.#transfer;
    const until = this.#clock.now() + timeoutMs;
    for (let pauseMs = this.#config.retryMs; ; pauseMs = Math.min(2 * pauseMs, this.#config.retryMaxMs)) {
      const reply = await this.#meta.ask(request, signal);
      if (signal?.aborted === true || this.#runs.signal.aborted) throw dfsError('DFS_ABORTED');
      if (reply?.kind === kind) return reply as Extract<MetaReply, { kind: Kind }>;
      const final = finalError(reply);
      if (final !== undefined) throw final;
      const problem = reply?.kind === 'failed' ? reply.message : 'no answer';
      if (this.#clock.now() + pauseMs >= until)
        throw dfsError('DFS_META_UNREACHABLE', { context: { timeoutMs, problem } });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

function finalError(reply: MetaReply | undefined): GrpError | undefined {
  const failure = reply && finalFailure(reply);
  return failure && dfsError(failure.code, { context: failure.context });
}
