import type { RemoteInfo, Socket } from 'node:dgram';
import type { Address, BandwidthMeter, Cancel, Logger, Transport } from '@grp/core';
import { Endpoints, type Family, type Origins } from './endpoints.ts';
import { systemCode } from './errors.ts';
import type { NetworkSettings } from './options.ts';

export interface DatagramOptions {
  /** Bound already. */
  readonly socket: Socket;
  readonly self: Address;
  readonly family: Family;
  readonly origins: Origins;
  readonly meter: BandwidthMeter;
  readonly logger: Logger;
  readonly settings: NetworkSettings;
}

type Listener = (from: Address, payload: Uint8Array) => void;

/** The Transport port over one UDP socket. Nothing that the network does throws; every lost send is counted. */
export class UdpTransport implements Transport {
  readonly self: Address;
  readonly maxPayloadBytes: number;
  readonly delivery = 'best-effort';
  readonly #options: DatagramOptions;
  readonly #endpoints = new Endpoints();
  readonly #afterSend: (error: Error | null) => void;
  #listener: Listener | undefined;
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
    this.#sizeBuffers();
  }

  send(to: Address, payload: Uint8Array): void {
    const { socket, meter, family, settings } = this.#options;
    if (this.#closing !== undefined) return meter.drop('send.closed');
    if (payload.length > this.maxPayloadBytes) return meter.drop('send.too-long');
    const endpoint = this.#endpoints.find(to);
    if (endpoint === undefined) return meter.drop('send.no-address');
    if (endpoint.family !== family) return meter.drop('send.other-family');
    if (socket.getSendQueueSize() > settings.sendQueueBytesMax) return meter.drop('send.queue-full');
    try {
      // A copy, because the system may take it later than the caller reuses its buffer (0.1 µs of 2 µs).
      socket.send(Buffer.from(payload), endpoint.port, endpoint.host, this.#afterSend);
    } catch (cause) {
      return meter.drop(`send.${systemCode(cause)}`);
    }
    meter.datagram('out', to, payload.length);
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
    const { socket } = this.#options;
    this.#listener = undefined;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
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

  #sizeBuffers(): void {
    const { socket, logger, settings } = this.#options;
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
