import { connect, type Server, type Socket } from 'node:net';
import { tryParseAddress, type Address, type BandwidthMeter, type ByteStream, type Cancel } from '@grp/core';
import type { Clock, Logger } from '@grp/core';
import type { StreamEnd, StreamHandlers, Streams } from '@grp/core';
import { Endpoints, type Endpoint, type Family, type Origins } from './endpoints.ts';
import { systemCode } from './errors.ts';
import type { NetworkSettings } from './options.ts';
import { SocketStream } from './socket-stream.ts';

export interface StreamsOptions {
  /** Listening already; undefined: these streams only dial. */
  readonly server: Server | undefined;
  readonly self: Address;
  /** Undefined: both. */
  readonly family: Family | undefined;
  /** Where dialled streams start, so that allow-lists see the bound address; undefined: as the system routes. */
  readonly localHost: string | undefined;
  readonly origins: Origins;
  readonly meter: BandwidthMeter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: NetworkSettings;
}

/** An endpoint, or a name. */
type Target = Omit<Endpoint, 'family'> & { readonly family: Family | undefined };
type Accept = (stream: ByteStream) => StreamHandlers | undefined;

const dialTimeoutMsDefault = 10_000;
// The port promises a second; the rest is for the caller's own turn of the event loop.
const closeWithinMs = 900;

/** The Streams port over one TCP server and the sockets that it accepts and dials. */
export class TcpStreams implements Streams {
  readonly self: Address;
  readonly #options: StreamsOptions;
  readonly #endpoints = new Endpoints();
  readonly #open = new Set<SocketStream>();
  readonly #incoming = new Map<string, number>(); // streams by host; no entry is 0
  #incomingCount = 0;
  #accept: Accept | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StreamsOptions) {
    const { server, self, meter, logger } = options;
    this.#options = options;
    this.self = self;
    server?.on('connection', (socket) => this.#arrive(socket));
    server?.on('error', (cause) => {
      meter.drop(`stream.${systemCode(cause)}`);
      logger.log('warn', 'network.accept-failed', { code: systemCode(cause) });
    });
  }

  dial(to: Address, handlers: StreamHandlers, options: { readonly timeoutMs?: number } = {}): ByteStream {
    if (this.#closing !== undefined) return deadStream(to, handlers, 'aborted');
    const endpoint = this.#endpoints.find(to) ?? this.#named(to);
    const { family = endpoint?.family } = this.#options;
    if (endpoint === undefined || endpoint.family !== family) return deadStream(to, handlers, 'unreachable');
    let socket: Socket;
    try {
      socket = this.#connect(endpoint);
    } catch {
      return deadStream(to, handlers, 'unreachable');
    }
    const stream = this.#track(socket, to);
    const { clock } = this.#options;
    const timeoutMs = Math.max(0, options.timeoutMs ?? dialTimeoutMsDefault);
    const cancelTimeout = clock.wakeAt(clock.now() + timeoutMs, () => stream.fail('timeout'));
    socket.once('connect', cancelTimeout);
    socket.once('close', cancelTimeout);
    stream.attach(handlers);
    return stream;
  }

  onAccept(accept: Accept): Cancel {
    this.#accept = accept;
    return () => {
      if (this.#accept === accept) this.#accept = undefined;
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #connect({ host, port, family }: Target): Socket {
    const { localHost } = this.#options;
    const local = localHost === undefined ? {} : { localAddress: localHost };
    return connect({ host, port, ...(family && { family }), allowHalfOpen: true, noDelay: true, ...local });
  }

  /** Names are looked up by whoever only dials: a node has done that before, and binds a family. */
  #named(to: Address): Target | undefined {
    const parsed = this.#options.family === undefined ? tryParseAddress(to) : undefined;
    return parsed === undefined || parsed.port === 0 ? undefined : { ...parsed, family: undefined };
  }

  #arrive(socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket;
    const { origins, meter } = this.#options;
    const peer = host === undefined || port === undefined ? undefined : origins.find(host, port);
    const refusal = this.#refusal(host, peer);
    if (peer === undefined || host === undefined || refusal !== undefined) {
      meter.drop(refusal ?? 'stream.gone');
      socket.on('error', () => {});
      socket.resetAndDestroy();
      return;
    }
    this.#count(host, 1);
    socket.once('close', () => this.#count(host, -1));
    const stream = this.#track(socket, peer);
    const handlers = this.#accept?.(stream);
    if (handlers === undefined) {
      meter.drop('stream.refused');
      stream.abort();
      return;
    }
    stream.attach(handlers);
  }

  #refusal(host: string | undefined, peer: Address | undefined): string | undefined {
    const { settings } = this.#options;
    if (host === undefined) return 'stream.gone'; // reset before it was accepted
    if (peer === undefined) return 'stream.not-allowed';
    if (this.#closing !== undefined) return 'stream.closed';
    if (this.#incomingCount >= settings.maxStreams) return 'stream.too-many';
    if ((this.#incoming.get(host) ?? 0) >= settings.maxStreamsPerPeer) return 'stream.too-many-per-peer';
    return undefined;
  }

  #count(host: string, change: 1 | -1): void {
    this.#incomingCount += change;
    const count = (this.#incoming.get(host) ?? 0) + change;
    if (count === 0) this.#incoming.delete(host);
    else this.#incoming.set(host, count);
  }

  #track(socket: Socket, peer: Address): SocketStream {
    const { meter, settings } = this.#options;
    const stream = new SocketStream({ socket, peer, meter, bufferBytesMax: settings.streamBufferBytesMax });
    this.#open.add(stream);
    socket.once('close', () => this.#open.delete(stream));
    return stream;
  }

  async #release(): Promise<void> {
    const { server, clock } = this.#options;
    this.#accept = undefined;
    const closed = new Promise<void>((resolve) => void (server?.close(() => resolve()) ?? resolve()));
    const gone = [...this.#open].map((stream) => stream.gone());
    for (const stream of this.#open) stream.abort();
    let cancelLimit: Cancel = () => {};
    const limit = new Promise<void>((resolve) => {
      cancelLimit = clock.wakeAt(clock.now() + closeWithinMs, resolve);
    });
    await Promise.race([Promise.all([closed, ...gone]), limit]);
    cancelLimit();
  }
}

/** A stream that never was: the reason is told after the caller has its hands free. */
function deadStream(peer: Address, handlers: StreamHandlers, reason: StreamEnd): ByteStream {
  queueMicrotask(() => handlers.onClose?.(reason));
  const nothing = (): void => {};
  return { peer, write: () => false, pause: nothing, resume: nothing, end: nothing, abort: nothing };
}
