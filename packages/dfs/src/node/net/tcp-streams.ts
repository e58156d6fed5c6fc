import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatAddress, tryParseAddress, type Address, type ByteStream, type Cancel } from '@grp/core';
import type { StreamEnd, StreamHandlers, Streams } from '@grp/core';
import { dfsError } from '../../errors.ts';
import { codeOf } from '../store/errors.ts';

/** Where plain TCP streams are accepted, and how many. */
export interface TcpStreamsOptions {
  /** Where to listen. Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Incoming streams at a time (default 1,024); one more is reset. */
  readonly incomingMax?: number;
}

const dialMsDefault = 10_000;

/**
 * Byte streams over TCP, as little as dfs needs by itself. A node brings its own, with allow-lists and faults.
 * @throws GrpError DFS_PORT_UNUSABLE
 */
export async function tcpStreams({ listen, incomingMax = 1_024 }: TcpStreamsOptions): Promise<Streams> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  }).catch((cause: unknown) => {
    const context = { address: formatAddress(listen.host, listen.port), problem: codeOf(cause) };
    throw dfsError('DFS_PORT_UNUSABLE', { context, cause });
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
  return new TcpStreams(server, formatAddress(listen.host, port), incomingMax);
}

/** As `tcpStreams`, for who only dials. */
export function dialStreams(): Streams {
  return new TcpStreams(undefined, '0.0.0.0:0' as Address, 0);
}

class TcpStreams implements Streams {
  readonly self: Address;
  readonly #server: Server | undefined;
  readonly #incomingMax: number;
  readonly #open = new Set<TcpStream>();
  #incoming = 0;
  #accept: ((stream: ByteStream) => StreamHandlers | undefined) | undefined;
  #isClosed = false;

  constructor(server: Server | undefined, self: Address, incomingMax: number) {
    this.#server = server;
    this.self = self;
    this.#incomingMax = incomingMax;
    server?.on('connection', (socket) => this.#arrive(socket));
    server?.on('error', () => {});
  }

  dial(to: Address, handlers: StreamHandlers, { timeoutMs = dialMsDefault } = {}): ByteStream {
    const target = tryParseAddress(to);
    if (this.#isClosed || target === undefined) {
      queueMicrotask(() => handlers.onClose?.(this.#isClosed ? 'aborted' : 'unreachable'));
      const nothing = (): void => {};
      return { peer: to, write: () => false, pause: nothing, resume: nothing, end: nothing, abort: nothing };
    }
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const stream = this.#track(socket, to);
    const timer = setTimeout(() => stream.fail('timeout'), timeoutMs);
    socket.once('connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
    stream.attach(handlers);
    return stream;
  }

  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): Cancel {
    this.#accept = accept;
    return () => {
      if (this.#accept === accept) this.#accept = undefined;
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#accept = undefined;
    for (const stream of this.#open) stream.abort();
    const server = this.#server;
    if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #arrive(socket: Socket): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    if (this.#isClosed || this.#accept === undefined || this.#incoming >= this.#incomingMax) {
      socket.on('error', () => {});
      socket.resetAndDestroy();
      return;
    }
    this.#incoming++;
    socket.once('close', () => this.#incoming--);
    const stream = this.#track(socket, formatAddress(remoteAddress, remotePort));
    const handlers = this.#accept(stream);
    if (handlers === undefined) stream.abort();
    else stream.attach(handlers);
  }

  #track(socket: Socket, peer: Address): TcpStream {
    const stream = new TcpStream(socket, peer);
    this.#open.add(stream);
    socket.once('close', () => this.#open.delete(stream));
    return stream;
  }
}

class TcpStream implements ByteStream {
  readonly peer: Address;
  readonly #socket: Socket;
  #handlers: StreamHandlers = {};
  #reason: StreamEnd | undefined;

  constructor(socket: Socket, peer: Address) {
    this.peer = peer;
    this.#socket = socket;
    socket.setKeepAlive(true, 30_000);
    socket.on('error', (cause) => (this.#reason ??= endOf(codeOf(cause))));
    socket.on('close', () => this.#closed());
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    const socket = this.#socket;
    if (socket.connecting) socket.once('connect', () => this.#reason ?? handlers.onOpen?.());
    socket.on('data', (chunk: Buffer) => this.#reason ?? handlers.onData?.(chunk));
    socket.on('end', () => this.#reason ?? handlers.onEnd?.());
    socket.on('drain', () => this.#reason ?? handlers.onDrain?.());
  }

  write(bytes: Uint8Array): boolean {
    return this.give(new Uint8Array(bytes), () => {}); // `slice` of a Buffer would not copy
  }

  give(bytes: Uint8Array, onFree: () => void): boolean {
    if (this.#reason === undefined && !this.#socket.writableEnded) return this.#socket.write(bytes, () => onFree());
    queueMicrotask(onFree);
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  abort(): void {
    this.fail('aborted');
  }

  fail(reason: StreamEnd): void {
    this.#reason ??= reason;
    const { connecting, destroyed, writableEnded, writableFinished } = this.#socket;
    if (connecting || (writableEnded && !writableFinished)) this.#socket.destroy();
    else if (!destroyed) this.#socket.resetAndDestroy();
  }

  #closed(): void {
    const { readableEnded, writableFinished } = this.#socket;
    this.#reason ??= readableEnded && writableFinished ? 'ended' : 'reset';
    this.#handlers.onClose?.(this.#reason);
    this.#handlers = {};
  }
}

function endOf(code: string): StreamEnd {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') return 'reset';
  return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
}
