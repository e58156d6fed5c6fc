import type { RemoteInfo, Socket } from 'node:dgram';
import type { Address, BandwidthMeter, Cancel, Logger, Transport } from '@grp/core';
import type { ConnectedHandlers, ConnectedSocket, ConnectedSockets } from './connected.ts';
import { Endpoints, type Endpoint, type Family, type Origins } from './endpoints.ts';
import { systemCode } from './errors.ts';
import type { NetworkSettings } from './options.ts';
import { Staging } from './staging.ts';

/** Datagrams, and word of peers whose port turned out to be closed. */
export interface RefusingTransport extends Transport {
  /**
   * The system at the far end said that nobody listens on that port; only connected sockets hear of it (`connect`). Often
   * the peer has died, but a forged or late message says the same: look before you believe it. One listener at a time.
   */
  onRefused(listener: (peer: Address) => void): Cancel;
}

export interface DatagramOptions {
  /** Bound already. */
  readonly socket: Socket;
  /** Sockets for single peers, where there are any. */
  readonly connected: ConnectedSockets | undefined;
  readonly self: Address;
  readonly family: Family;
  readonly origins: Origins;
  readonly meter: BandwidthMeter;
  readonly logger: Logger;
  readonly settings: NetworkSettings;
}

type Listener = (from: Address, payload: Uint8Array) => void;

// A connected socket's errors cost a callback each. An odd number, so that senders who send in pairs are found out too:
// a system reports a closed port to the send that follows.
const checkedEvery = 7;

/**
 * The Transport port over one UDP socket, and one more for each peer that is sent much when sockets may be connected.
 * Nothing that the network does throws. Lost sends are counted: each on the shared socket, samples on connected ones.
 */
export class UdpTransport implements RefusingTransport {
  readonly self: Address;
  readonly maxPayloadBytes: number;
  readonly delivery = 'best-effort';
  readonly #options: DatagramOptions;
  readonly #endpoints = new Endpoints();
  readonly #afterSend: (error: Error | null) => void;
  readonly #handlers: ConnectedHandlers;
  readonly #staging: Staging;
  #listener: Listener | undefined;
  #refusedListener: ((peer: Address) => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DatagramOptions) {
    const { socket, self, meter, settings } = options;
    this.#options = options;
    this.self = self;
    this.maxPayloadBytes = settings.datagramBytesMax;
    this.#afterSend = (error) => {
      if (error !== null) meter.drop(`send.${systemCode(error)}`);
    };
    socket.on('error', (cause) => meter.drop(`receive.${systemCode(cause)}`));
    socket.on('message', (message, origin) => this.#receive(message, origin));
    this.#staging = new Staging(this.maxPayloadBytes);
    this.#handlers = {
      message: (message, origin) => this.#receive(message, origin),
      failed: (peer, what, code) => {
        meter.drop(`${what}.${code}`);
        if (code === 'ECONNREFUSED') this.#refusedListener?.(peer);
      },
      opened: (own) => this.#sizeBuffers(own),
    };
    this.#sizeBuffers(socket);
  }

  send(to: Address, payload: Uint8Array): void {
    const { socket, connected, meter, settings } = this.#options;
    if (this.#closing !== undefined) return meter.drop('send.closed');
    if (payload.length > this.maxPayloadBytes) return meter.drop('send.too-long');
    const own = connected?.find(to);
    if (own !== undefined) return this.#sendConnected(own, to, payload);
    const endpoint = this.#endpoint(to);
    if (endpoint === undefined) return;
    const waitingBytes = socket.getSendQueueSize();
    if (waitingBytes > settings.sendQueueBytesMax) return meter.drop('send.queue-full');
    try {
      socket.send(this.#staging.copy(payload, waitingBytes), endpoint.port, endpoint.host, this.#afterSend);
    } catch (cause) {
      return meter.drop(`send.${systemCode(cause)}`);
    }
    meter.datagram('out', to, payload.length);
    connected?.note(to, endpoint, this.#handlers);
  }

  onRefused(listener: (peer: Address) => void): Cancel {
    this.#refusedListener = listener;
    return () => {
      if (this.#refusedListener === listener) this.#refusedListener = undefined;
    };
  }

  onReceive(listener: Listener): Cancel {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    const { socket, connected } = this.#options;
    this.#listener = undefined;
    this.#refusedListener = undefined;
    connected?.close();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  #endpoint(to: Address): Endpoint | undefined {
    const { meter, family } = this.#options;
    const endpoint = this.#endpoints.find(to);
    if (endpoint?.family === family) return endpoint;
    meter.drop(endpoint === undefined ? 'send.no-address' : 'send.other-family');
    return undefined;
  }

  #sendConnected(own: ConnectedSocket, to: Address, payload: Uint8Array): void {
    const { meter, settings } = this.#options;
    const { socket } = own;
    const waitingBytes = socket.getSendQueueSize();
    if (waitingBytes > settings.sendQueueBytesMax) return meter.drop('send.queue-full');
    try {
      const staged = own.staging.copy(payload, waitingBytes);
      if (++own.unchecked < checkedEvery) socket.send(staged);
      else {
        own.unchecked = 0;
        socket.send(staged, own.afterSend);
      }
    } catch (cause) {
      return meter.drop(`send.${systemCode(cause)}`);
    }
    meter.datagram('out', to, payload.length);
  }

  #receive(message: Buffer, { address, port }: RemoteInfo): void {
    const { meter, origins } = this.#options;
    const from = origins.find(address, port);
    if (from === undefined) return meter.drop('receive.not-allowed');
    meter.datagram('in', from, message.length);
    if (this.#listener === undefined) return meter.drop('receive.no-listener');
    // Node gives every datagram its own memory. A plain Uint8Array, because `slice` of a Buffer does not copy.
    this.#listener(from, new Uint8Array(message.buffer, message.byteOffset, message.length));
  }

  #sizeBuffers(socket: Socket): void {
    const { logger, settings } = this.#options;
    const wantedBytes = settings.socketBufferBytes;
    try {
      socket.setRecvBufferSize(wantedBytes);
      socket.setSendBufferSize(wantedBytes);
      // Linux reports twice what it grants, for its own bookkeeping.
      const grantedBytes = socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1);
      if (grantedBytes < wantedBytes) logger.log('debug', 'network.buffer-smaller', { wantedBytes, grantedBytes });
    } catch (cause) {
      logger.log('warn', 'network.buffer-refused', { wantedBytes, code: systemCode(cause) });
    }
  }
}
