import { GrpError, type Address, type Streams } from '@grp/core';
import type { Ack } from '../../model.ts';
import { dfsError } from '../../errors.ts';
import type { FrameBuffers } from '../store/frame-buffers.ts';
import { decodeError, decodeListed, encodeCopy, encodeDigest, encodeList, encodeRemove } from './bodies.ts';
import { decodeAck, decodeContent, type Content, type ListedBlob, type RemoveOrder, type WireCopy } from './bodies.ts';
import type { TransferConfig } from './config.ts';
import { joined, kinds, type Kind, type WireFrame } from './frames.ts';
import { Session } from './session.ts';

/** What a request's owner hears: frames, and then perhaps that nothing follows. */
export interface Heard {
  onFrame(frame: WireFrame): void;
  /** What the CRC of content begins with, by its number. */
  seedOf?(index: number): number;
  /** The connection has gone, or never came. */
  onGone(problem: string): void;
}

/** One connection to a file server, and the requests on it. */
export class Connection {
  readonly session: Session;
  readonly #heard = new Map<number, Heard>();
  readonly #onFree: () => void;
  #next = 0;
  #problem: string | undefined;

  constructor(
    session: (onFrame: (frame: WireFrame) => void, onGone: (problem: string) => void) => Session,
    onFree: () => void,
  ) {
    this.#onFree = onFree;
    this.session = session(
      (frame) => this.#heard.get(frame.request)?.onFrame(frame),
      (problem) => this.#gone(problem),
    );
  }

  seedOf(request: number, index: number): number | undefined {
    return this.#heard.get(request)?.seedOf?.(index);
  }

  get isGone(): boolean {
    return this.#problem !== undefined;
  }

  get busyCount(): number {
    return this.#heard.size;
  }

  /** Begins a request; the answer is its number. */
  begin(heard: Heard): number {
    const request = ++this.#next;
    if (this.#problem !== undefined) {
      const problem = this.#problem;
      queueMicrotask(() => heard.onGone(problem));
    } else this.#heard.set(request, heard);
    return request;
  }

  /** The request is over: what still comes of it is of no interest. */
  end(request: number): void {
    if (this.#heard.delete(request) && this.#heard.size === 0) this.#onFree();
  }

  /** For nothing else: what is under way on it would be in the way. */
  discard(): void {
    this.#problem ??= 'discarded';
    this.session.close();
  }

  #gone(problem: string): void {
    this.#problem ??= problem;
    const all = [...this.#heard.values()];
    this.#heard.clear();
    for (const heard of all) heard.onGone(problem);
  }
}

const deepDigestMs = 600_000;

export interface PeerOptions {
  readonly streams: Streams;
  readonly address: string;
  /** This side's id; empty for a client. */
  readonly node: string;
  readonly config: TransferConfig;
  readonly buffers?: FrameBuffers;
  /** Calls back after so long, unless taken back. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
}

/** One file server, as others reach it: a connection for short things, and one for each transfer of much content. */
export class Peer {
  readonly address: string;
  readonly #options: PeerOptions;
  #shared: Connection | undefined;
  readonly #idle: { readonly connection: Connection; readonly cancel: () => void }[] = [];
  readonly #all = new Set<Connection>();

  constructor(options: PeerOptions) {
    this.address = options.address;
    this.#options = options;
  }

  /** The connection for requests and small blobs. */
  shared(): Connection {
    if (this.#shared === undefined || this.#shared.isGone) this.#shared = this.#connect(() => {});
    return this.#shared;
  }

  /** A connection for one transfer of much content, which nothing else then waits behind. */
  own(): Connection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.cancel();
      if (!idle.connection.isGone) return idle.connection;
    }
    const connection: Connection = this.#connect(() => this.#rest(connection));
    return connection;
  }

  /** Asks the metadata service there. @throws GrpError DFS_META_UNREACHABLE */
  async meta(request: Uint8Array): Promise<Uint8Array> {
    return joined(await this.#ask(kinds.metaRequest, request, { expected: kinds.metaReply }));
  }

  /** What the server knows of its copy, and with `deep` what it reads. @throws GrpError */
  async digest(blob: string, deep: boolean): Promise<Content> {
    // Reading all of a long blob takes its time; a server that is stopped would take for ever.
    const milliseconds = deep ? deepDigestMs : undefined;
    const frame = await this.#ask(kinds.digest, encodeDigest({ blob, deep }), {
      expected: kinds.digestReply,
      milliseconds,
    });
    return this.#decoded(decodeContent(joined(frame)));
  }

  /** Tells the server to fetch a blob from another. Resolves when it is durable there. @throws GrpError */
  async copy(order: WireCopy, milliseconds: number): Promise<Ack> {
    const frame = await this.#ask(kinds.copy, encodeCopy(order), { expected: kinds.stored, milliseconds });
    return this.#decoded(decodeAck(joined(frame)));
  }

  /** Resolves when none of them can come back. @throws GrpError */
  async remove(order: RemoveOrder): Promise<void> {
    await this.#ask(kinds.remove, encodeRemove(order), { expected: kinds.removed });
  }

  /** @throws GrpError */
  async list(limit: number, after = '0'.repeat(32)): Promise<readonly ListedBlob[]> {
    const frame = await this.#ask(kinds.list, encodeList({ limit, after }), { expected: kinds.listed });
    return this.#decoded(decodeListed(joined(frame)));
  }

  close(): void {
    for (const { cancel } of this.#idle) cancel();
    for (const connection of this.#all) connection.session.close();
  }

  #ask(
    kind: Kind,
    body: Uint8Array,
    how: { readonly expected: Kind; readonly milliseconds?: number | undefined },
  ): Promise<WireFrame> {
    const connection = this.shared();
    const { expected, milliseconds = this.#options.config.requestMs } = how;
    return new Promise((resolve, reject) => {
      const over = (): void => {
        cancel();
        connection.end(request);
      };
      const fail = (problem: string): void => {
        over();
        reject(this.#unreachable(problem));
      };
      const cancel = this.#options.after(milliseconds, () => fail('no answer'));
      const request = connection.begin({
        onFrame: (frame) => {
          over();
          if (frame.kind === expected) resolve(frame);
          else reject(errorOf(frame) ?? this.#unreachable('a senseless answer'));
        },
        onGone: fail,
      });
      connection.session.send(kind, request, [body]);
    });
  }

  #decoded<Value>(value: Value | undefined): Value {
    if (value === undefined) throw this.#unreachable('a senseless answer');
    return value;
  }

  #unreachable(problem: string): GrpError {
    const { requestMs } = this.#options.config;
    return dfsError('DFS_META_UNREACHABLE', {
      context: { timeoutMs: requestMs, problem: `${this.address}: ${problem}` },
    });
  }

  #connect(onFree: () => void): Connection {
    const { streams, address, node, config, buffers, after } = this.#options;
    const connection: Connection = new Connection((onFrame, onGone) => {
      const session: Session = new Session({
        node,
        windowBytes: config.windowBytes,
        buffers,
        seedOf: (request, index) => connection.seedOf(request, index),
        onFrame,
        onHello: () => cancel(),
        onClose: (end, why) => {
          cancel();
          this.#all.delete(connection);
          onGone(why ?? end);
        },
      });
      // A host that is stopped accepts connections and says nothing.
      const cancel = after(config.dialMs, () => session.cut('no greeting'));
      return session;
    }, onFree);
    this.#all.add(connection);
    const { session } = connection;
    session.attach(streams.dial(address as Address, session.handlers, { timeoutMs: config.dialMs }));
    return connection;
  }

  /** The transfer is over: the connection waits for the next one. */
  #rest(connection: Connection): void {
    if (connection.isGone) return;
    const cancel = this.#options.after(this.#options.config.idleMs, () => {
      const at = this.#idle.findIndex((idle) => idle.connection === connection);
      if (at >= 0) this.#idle.splice(at, 1);
      connection.session.close();
    });
    this.#idle.push({ connection, cancel });
  }
}

/** What a server said instead of an answer. */
export function errorOf(frame: WireFrame): GrpError | undefined {
  const error = frame.kind === kinds.error ? decodeError(joined(frame)) : undefined;
  return error && new GrpError({ ...error, kind: kindOf(error.code) });
}

function kindOf(code: string): GrpError['kind'] {
  if (code === 'DFS_BLOB_NOT_FOUND') return 'not-found';
  return code === 'DFS_CORRUPT' || code === 'DFS_BLOB_DAMAGED' ? 'violated' : 'failure';
}
