import { connect, TLSSocket, createSecureContext, type SecureContext } from 'node:tls';
import { isIP } from 'node:net';
import { silentLogger, systemClock, tryParseAddress } from '@grp/core';
import type { Address, ByteStream, Cancel, Clock, Logger, StreamHandlers, Streams } from '@grp/core';
import { StreamDuplex } from './stream-duplex.ts';
import { TlsStream } from './tls-stream.ts';

/** What a server shows its clients. */
export interface TlsServerOptions {
  /** PEM, the whole chain. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** PEM: only clients with a certificate of these get in. */
  readonly clientCa?: string | undefined;
}

/** How a client trusts a server. */
export interface TlsClientOptions {
  /** PEM: who may vouch for the server (default: the authorities that Node knows). */
  readonly ca?: string | undefined;
  /** Default: the host that is dialled. */
  readonly servername?: string | undefined;
  /** SHA-256 of the server's certificate, as `AB:CD:…`: this certificate and no other, whoever vouches for it. */
  readonly fingerprint256?: string | undefined;
  /** PEM, for servers that ask for them. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Streams that TLS is spoken over, and in which direction. */
export interface TlsStreamsOptions {
  /** What TLS is spoken over: `openNetwork(…).streams`, behind its allow-list, its limits and its faults. */
  readonly streams: Streams;
  /** For accepting; without it every incoming stream is refused. */
  readonly server?: TlsServerOptions | undefined;
  /** For dialling. */
  readonly client?: TlsClientOptions | undefined;
  /** How long an incoming handshake may take (default 5,000 ms). */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Handshakes under way; one more refuses the newcomer (default 256). */
  readonly handshakesMax?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Hears why a handshake failed. */
  readonly logger?: Logger | undefined;
}

const dialTimeoutMsDefault = 10_000;

/**
 * Streams with TLS 1.3 over any other streams. A dialled stream opens, and an incoming one is handed over, after the
 * handshake; a certificate that is not trusted ends a dial with `refused`. Closing it closes what is below.
 * @throws Error when a certificate or key cannot be read
 * @example
 * const streams = tlsStreams({ streams: network.streams, server: { cert, key } });
 */
export function tlsStreams(options: TlsStreamsOptions): Streams {
  return new TlsStreams(options);
}

class TlsStreams implements Streams {
  readonly self: Address;
  readonly #options: TlsStreamsOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #context: SecureContext | undefined;
  readonly #open = new Set<TlsStream>();
  #handshakes = 0;
  #isClosed = false;

  constructor(options: TlsStreamsOptions) {
    const { streams, server, clock = systemClock(), logger = silentLogger } = options;
    this.self = streams.self;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    if (server !== undefined) {
      const { cert, key, clientCa } = server;
      this.#context = createSecureContext({
        cert,
        key,
        minVersion: 'TLSv1.3',
        ...(clientCa !== undefined && { ca: clientCa }),
      });
    }
  }

  dial(
    to: Address,
    handlers: StreamHandlers,
    { timeoutMs = dialTimeoutMsDefault }: { timeoutMs?: number } = {},
  ): ByteStream {
    const { client: { ca, servername, fingerprint256, cert, key } = {} } = this.#options;
    const below = new StreamDuplex();
    below.attach(this.#options.streams.dial(to, below.handlers, { timeoutMs }));
    const host = servername ?? tryParseAddress(to)?.host ?? '';
    const socket = connect({
      ...{ socket: below, host, minVersion: 'TLSv1.3', rejectUnauthorized: fingerprint256 === undefined },
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
    const stream = this.#track(new TlsStream(to, socket, below), below);
    const cancelTimer = this.#clock.wakeAt(this.#clock.now() + timeoutMs, () => stream.fail('timeout'));
    below.once('close', cancelTimer);
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      if (below.ending !== undefined) return; // the bytes below ended; that says enough
      this.#logger.log('warn', 'tls.refused', { peer: to, code: cause.code ?? cause.message });
      stream.fail('refused');
    });
    socket.once('secureConnect', () => {
      cancelTimer();
      if (fingerprint256 !== undefined && socket.getPeerCertificate().fingerprint256 !== fingerprint256.toUpperCase()) {
        this.#logger.log('warn', 'tls.other-certificate', { peer: to });
        stream.fail('refused');
        return;
      }
      stream.opened();
    });
    stream.attach(handlers);
    return stream;
  }

  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): Cancel {
    return this.#options.streams.onAccept((stream) => this.#accept(stream, accept));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#options.streams.close();
    for (const stream of this.#open) stream.abort();
  }

  #accept(raw: ByteStream, accept: (stream: ByteStream) => StreamHandlers | undefined): StreamHandlers | undefined {
    const { server, handshakesMax = 256, handshakeTimeoutMs = 5_000 } = this.#options;
    if (server === undefined || this.#context === undefined || this.#handshakes >= handshakesMax) return undefined;
    const below = new StreamDuplex();
    below.attach(raw);
    const asksClient = server.clientCa !== undefined;
    const socket = new TLSSocket(below, {
      ...{ isServer: true, secureContext: this.#context },
      ...{ requestCert: asksClient, rejectUnauthorized: asksClient },
    });
    const stream = this.#track(new TlsStream(raw.peer, socket, below), below);
    this.#handshakes++;
    let isShaking = true;
    const shaken = (): void => {
      if (isShaking) this.#handshakes--;
      isShaking = false;
      cancelTimer();
    };
    const cancelTimer = this.#clock.wakeAt(this.#clock.now() + handshakeTimeoutMs, () => stream.fail('timeout'));
    below.once('close', shaken);
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      this.#logger.log('debug', 'tls.handshake', { peer: raw.peer, code: cause.code ?? cause.message });
      stream.fail('reset');
    });
    socket.once('secure', () => {
      shaken();
      const isTrusted = !asksClient || socket.authorized || !this.#hasVerifyError(socket);
      const handlers = isTrusted && !this.#isClosed ? accept(stream) : undefined;
      if (handlers === undefined) stream.abort();
      else stream.attach(handlers);
    });
    return below.handlers;
  }

  /** A `TLSSocket` made by hand does not look at the client's certificate by itself. */
  #hasVerifyError(socket: TLSSocket): boolean {
    const { ssl } = socket as unknown as { readonly ssl?: { verifyError?(): Error | null } };
    return ssl?.verifyError?.() !== null;
  }

  #track(stream: TlsStream, below: StreamDuplex): TlsStream {
    this.#open.add(stream);
    below.once('close', () => this.#open.delete(stream));
    return stream;
  }
}
