import type { Address, Cancel, Transport } from '@grp/core';
import { simError } from './errors.ts';
import type { Life } from './life.ts';
import type { Datagram, DatagramSocket, Endpoint, Network } from './network.ts';

/** Limits of a simulated transport. */
export interface TransportOptions {
  /** Default 1,400 bytes. */
  readonly maxPayloadBytes?: number;
  /** What the kernel holds for a process that does not listen right now (default 212,992 bytes, as in Linux). */
  readonly socketBufferBytes?: number;
}

// The kernel charges a datagram its own bookkeeping as well.
const bookkeepingBytes = 512;

/** The Transport port of one life, on one port of its host. */
export class SimTransport implements Transport, DatagramSocket {
  readonly self: Address;
  readonly maxPayloadBytes: number;
  readonly delivery = 'best-effort';
  readonly life: Life;
  readonly #network: Network;
  readonly #endpoint: Endpoint;
  readonly #bufferMax: number;
  #buffered = 0;
  #listener: ((from: Address, payload: Uint8Array) => void) | undefined;
  #open = true;

  constructor(network: Network, endpoint: Endpoint, life: Life, options: TransportOptions = {}) {
    if (endpoint.socket !== undefined) throw simError('SIM_PORT_IN_USE', { context: { address: endpoint.address } });
    this.self = endpoint.address;
    this.maxPayloadBytes = options.maxPayloadBytes ?? 1_400;
    this.#bufferMax = options.socketBufferBytes ?? 212_992;
    this.life = life;
    this.#network = network;
    this.#endpoint = endpoint;
    endpoint.socket = this;
    life.atEnd(() => this.#release());
  }

  send(to: Address, payload: Uint8Array): void {
    if (!this.#open || !this.life.alive) return;
    const network = this.#network;
    const { trace, now } = network.engine;
    const target = network.resolve(to);
    if (target === undefined) trace.event('drop.unknown-address', now, this.life.owner);
    else if (payload.length > this.maxPayloadBytes) trace.event('drop.too-long', now, this.life.owner, payload.length);
    else network.send(this.#endpoint, target, payload);
  }

  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel {
    const own = (from: Address, payload: Uint8Array): void => listener(from, payload);
    this.#listener = own;
    return () => {
      if (this.#listener === own) this.#listener = undefined;
    };
  }

  close(): Promise<void> {
    this.#release();
    this.#network.engine.settled = true;
    return Promise.resolve();
  }

  #release(): void {
    this.#open = false;
    this.#listener = undefined;
    if (this.#endpoint.socket === this) this.#endpoint.socket = undefined;
  }

  arrive(datagram: Datagram): void {
    const { life } = this;
    if (!life.blocked) {
      life.post(datagram);
      return;
    }
    const charge = datagram.payload.length + bookkeepingBytes;
    const { from, to, serial } = datagram;
    if (this.#buffered + charge > this.#bufferMax) {
      life.engine.trace.datagram('drop.socket-buffer', life.engine.now, from, to, serial);
      return;
    }
    this.#buffered += charge;
    life.engine.trace.datagram('backlog', life.engine.now, from, to, serial);
    datagram.charge = charge;
    life.post(datagram);
  }

  deliver({ from, to, serial, payload }: Datagram, charge: number): void {
    this.#buffered -= charge;
    const { trace, now } = this.life.engine;
    if (this.#listener === undefined) {
      trace.datagram(this.#open ? 'drop.no-listener' : 'drop.closed-port', now, from, to, serial);
      return;
    }
    trace.datagram('deliver', now, from, to, serial);
    this.#listener(from.address, payload);
  }
}
