import type { RemoteInfo, Socket } from 'node:dgram';
import type { Address, Cancel, Clock } from '@grp/core';
import { makeUdp } from './bind.ts';
import type { Endpoint } from './endpoints.ts';
import { systemCode } from './errors.ts';
import type { NetworkSettings } from './options.ts';
import { Staging } from './staging.ts';

export interface ConnectedOptions {
  readonly clock: Clock;
  readonly settings: NetworkSettings;
  /** Where the shared socket is bound; connected ones are bound there, too, so that peers see one address. */
  readonly local: Endpoint;
}

/** What the sockets report. */
export interface ConnectedHandlers {
  message(message: Buffer, origin: RemoteInfo): void;
  /** A send or a receive failed, with the system's code. */
  failed(peer: Address, what: 'send' | 'receive', code: string): void;
  /** A socket is about to be used: its buffers want a size. */
  opened(socket: Socket): void;
}

/** A socket that sends to one peer and hears only it. */
export interface ConnectedSocket {
  readonly socket: Socket;
  readonly afterSend: (error: Error | null) => void;
  readonly staging: Staging;
  /** Sends since errors were last asked for. */
  unchecked: number;
}

interface Entry {
  sends: number;
  wasUsed: boolean;
  socket: Socket | undefined;
  /** As soon as it is connected. */
  ready: ConnectedSocket | undefined;
}

// A peer that is only answered, or greeted in vain, is not worth a socket.
const sendsBefore = 4;
const watchedMax = 4_096;

/**
 * Sockets for the peers that are sent most. All are bound to the port of the shared socket; Linux hands a datagram to the
 * socket that is connected to its sender, and to the shared one when there is none. Between binding and connecting a new
 * socket may catch what is meant for the shared one, and it stays in its queue: so each socket passes on whatever it gets.
 */
export class ConnectedSockets {
  readonly #options: ConnectedOptions;
  readonly #entries = new Map<Address, Entry>();
  #socketCount = 0;
  #cancelSweep: Cancel = () => {};
  #isClosed = false;

  constructor(options: ConnectedOptions) {
    this.#options = options;
    this.#scheduleSweep();
  }

  /** The peer's own socket, if it has one that is ready. */
  find(peer: Address): ConnectedSocket | undefined {
    const entry = this.#entries.get(peer);
    if (entry?.ready === undefined) return undefined;
    entry.wasUsed = true;
    return entry.ready;
  }

  /** The shared socket was used for this peer: often enough, and it gets its own. */
  note(peer: Address, endpoint: Endpoint, handlers: ConnectedHandlers): void {
    let entry = this.#entries.get(peer);
    if (entry === undefined) {
      if (this.#entries.size >= watchedMax) return;
      entry = { sends: 0, wasUsed: true, socket: undefined, ready: undefined };
      this.#entries.set(peer, entry);
    }
    if (entry.socket !== undefined || ++entry.sends < sendsBefore) return;
    entry.sends = 0;
    if (this.#socketCount < this.#options.settings.connectedPeersMax || this.#makeRoom())
      this.#open(peer, entry, endpoint, handlers);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelSweep();
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
  }

  #open(peer: Address, entry: Entry, endpoint: Endpoint, handlers: ConnectedHandlers): void {
    const { local, settings } = this.#options;
    const socket = makeUdp(local.family, { isShared: true });
    entry.socket = socket;
    this.#socketCount++;
    socket.on('message', (message, origin) => {
      entry.wasUsed = true;
      handlers.message(message, origin);
    });
    socket.on('error', (cause) => {
      handlers.failed(peer, 'receive', systemCode(cause));
      if (entry.ready === undefined) this.#drop(entry); // it could not be bound or connected: the shared one serves
    });
    socket.once('listening', () => {
      if (entry.socket === socket) socket.connect(endpoint.port, endpoint.host);
    });
    socket.once('connect', () => {
      if (entry.socket !== socket) return;
      handlers.opened(socket);
      const afterSend = (error: Error | null): void => {
        if (error !== null) handlers.failed(peer, 'send', systemCode(error));
      };
      entry.ready = { socket, afterSend, staging: new Staging(settings.datagramBytesMax), unchecked: 0 };
    });
    socket.bind({ port: local.port, address: local.host, exclusive: true });
  }

  /** Closes a socket that has not been used since the last sweep. */
  #makeRoom(): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.socket === undefined || entry.wasUsed) continue;
      this.#drop(entry);
      return true;
    }
    return false;
  }

  #drop(entry: Entry): void {
    const { socket } = entry;
    if (socket === undefined) return;
    entry.socket = undefined;
    entry.ready = undefined;
    this.#socketCount--;
    socket.close();
  }

  #scheduleSweep(): void {
    const { clock, settings } = this.#options;
    this.#cancelSweep = clock.wakeAt(clock.now() + settings.connectedIdleMs, () => this.#sweep());
  }

  #sweep(): void {
    if (this.#isClosed) return;
    for (const [peer, entry] of this.#entries) {
      if (!entry.wasUsed || entry.socket === undefined) {
        this.#drop(entry);
        this.#entries.delete(peer);
      }
      entry.wasUsed = false;
    }
    this.#scheduleSweep();
  }
}
