import { silentLogger, type Address, type Cancel, type Clock, type FifoTransport, type Logger } from '@grp/core';
import type { Millis, Random, Transport } from '@grp/core';
import { linkConfig, type LinkSettings } from './config.ts';
import { Engine } from './engine.ts';
import type { LinkListeners, Trouble } from './happenings.ts';
import { frameBytesOf } from './send-window.ts';
import { statsOf, type LinkStats } from './stats.ts';

/** Datagrams of a system that tells when nobody listens at the far end, as connected sockets of transport-udp do. */
export interface RefusingTransport extends Transport {
  onRefused(listener: (peer: Address) => void): Cancel;
}

/** What links run on. */
export interface LinksOptions {
  /** Carries the datagrams and is closed with the links. It must copy what it sends. */
  readonly transport: Transport | RefusingTransport;
  readonly clock: Clock;
  /** Draws the session ids. Whoever can foresee it can forge packets. */
  readonly random: Random;
  readonly logger?: Logger;
  /**
   * Calls back at the end of this turn of the event loop (`setImmediate` in Node), so that all that was sent in it shares
   * datagrams. Default: each message leaves at once, in a datagram of its own.
   */
  readonly defer?: (callback: () => void) => void;
  readonly config?: Partial<LinkSettings>;
}

/** Messages to any peer, in order and exactly once per life of the peer. */
export interface Links extends FifoTransport {
  /** A message of at most this size travels in one datagram. */
  readonly frameBytes: number;
  /** False: the queue to this peer is full and nothing was queued; `onWritable` tells when there is room. */
  send(to: Address, message: Uint8Array): boolean;
  /** Sends now what would leave at the end of this turn. */
  flush(): void;
  /** There is room again, after `send` returned false. */
  onWritable(listener: (peer: Address) => void): Cancel;
  /** The peer's port was refused, or it has been silent while it owed an ack: a reason to look, never a verdict. */
  onTrouble(listener: (peer: Address, reason: Trouble) => void): Cancel;
  /** Drops everything kept for a peer; a later message begins a new session. */
  forget(peer: Address): void;
  stats(): LinkStats;
}

/**
 * Puts perfect links on a datagram transport. See the README for what is promised.
 * @throws GrpError CONFIG_INVALID
 * @example
 * const links = createLinks({ transport, clock: systemClock(), random: systemRandom(), defer: setImmediate });
 * links.onReceive((from, message) => links.send(from, message));
 */
export function createLinks(options: LinksOptions): Links {
  return new LinkDriver(options);
}

class LinkDriver implements Links {
  readonly self: Address;
  readonly maxPayloadBytes: number;
  readonly frameBytes: number;
  readonly delivery = 'fifo';
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #defer: ((callback: () => void) => void) | undefined;
  readonly #settings: LinkSettings;
  readonly #engine: Engine;
  readonly #receivers = new Slot<(from: Address, message: Uint8Array) => void>();
  readonly #resets = new Set<(peer: Address) => void>();
  readonly #writables = new Set<(peer: Address) => void>();
  readonly #troubles = new Set<(peer: Address, reason: Trouble) => void>();
  readonly #listeners: LinkListeners;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closing: Promise<void> | undefined;
  #onFlushed: () => void = () => {};
  #isScheduled = false;
  #armedAt: Millis = Infinity;
  #cancelTimer: Cancel = () => {};

  constructor({ transport, clock, random, logger = silentLogger, defer, config }: LinksOptions) {
    this.#settings = linkConfig.resolve(config);
    this.#transport = transport;
    this.#clock = clock;
    this.#logger = logger;
    this.#defer = defer;
    this.self = transport.self;
    this.maxPayloadBytes = this.#settings.maxPayloadBytes;
    this.frameBytes = frameBytesOf(transport.maxPayloadBytes);
    this.#engine = new Engine({
      settings: this.#settings,
      datagramBytes: transport.maxPayloadBytes,
      random,
      transmit: (to, packet) => transport.send(to, packet),
    });
    this.#listeners = {
      deliver: (from, message) => this.#receivers.listener?.(from, message),
      reset: (peer) => this.#resets.forEach((listener) => listener(peer)),
      writable: (peer) => this.#writables.forEach((listener) => listener(peer)),
      trouble: (peer, reason) => this.#troubles.forEach((listener) => listener(peer, reason)),
    };
    transport.onReceive((from, packet) => {
      if (this.#state === 'closed') return;
      this.#engine.receive(from, packet, clock.now());
      this.#settle();
    });
    if ('onRefused' in transport)
      transport.onRefused((peer) => {
        this.#engine.refused(peer, clock.now());
        this.#settle();
      });
  }

  send(to: Address, message: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    const isQueued = this.#engine.send(to, message, this.#clock);
    if (this.#engine.needsFlush && !this.#isScheduled) this.#schedule();
    return isQueued;
  }

  flush(): void {
    if (this.#state === 'closed') return;
    this.#engine.flush(this.#clock.now());
    this.#arm();
  }

  onReceive(listener: (from: Address, message: Uint8Array) => void): Cancel {
    return this.#receivers.set(listener);
  }

  onReset(listener: (peer: Address) => void): Cancel {
    return subscribe(this.#resets, listener);
  }

  onWritable(listener: (peer: Address) => void): Cancel {
    return subscribe(this.#writables, listener);
  }

  onTrouble(listener: (peer: Address, reason: Trouble) => void): Cancel {
    return subscribe(this.#troubles, listener);
  }

  forget(peer: Address): void {
    if (this.#state === 'open') this.#engine.forget(peer);
  }

  stats(): LinkStats {
    return statsOf(this.#engine);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#receivers.clear();
    for (const listeners of [this.#resets, this.#writables, this.#troubles]) listeners.clear();
    this.#engine.flush(this.#clock.now());
    if (!this.#engine.isFlushed) await this.#untilFlushed();
    this.#state = 'closed';
    this.#cancelTimer();
    for (const peer of this.#engine.peers.keys()) this.#engine.forget(peer); // and it is told
    await this.#transport.close();
  }

  #untilFlushed(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeAt(this.#clock.now() + this.#settings.closeMs, resolve);
      this.#onFlushed = () => {
        cancel();
        resolve();
      };
      this.#arm();
    });
  }

  /** After every event: tells what happened, and sees that what is to be sent will be. */
  #settle(): void {
    const engine = this.#engine;
    if (engine.happenings.count > 0) engine.happenings.drain(this.#listeners, (cause) => this.#failed(cause));
    if (engine.needsFlush && !this.#isScheduled) this.#schedule();
    this.#arm();
    if (this.#state === 'closing' && engine.isFlushed) this.#onFlushed();
  }

  #schedule(): void {
    if (this.#defer === undefined) return this.flush();
    this.#isScheduled = true;
    this.#defer(this.#flushScheduled);
  }

  readonly #flushScheduled = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  #arm(): void {
    const at = this.#engine.nextDeadline() ?? Infinity;
    if (at >= this.#armedAt || this.#state === 'closed') return; // one that comes too early looks again
    this.#cancelTimer();
    this.#armedAt = at;
    this.#cancelTimer = this.#clock.wakeAt(at, () => {
      this.#armedAt = Infinity;
      if (this.#state === 'closed') return;
      this.#engine.wake(this.#clock.now());
      this.#engine.flush(this.#clock.now());
      this.#settle();
    });
  }

  #failed(cause: unknown): void {
    this.#logger.log('error', 'link.listener-failed', {
      reason: cause instanceof Error ? cause.message : String(cause),
    });
  }
}

/** A place for one listener: a second replaces the first, and an old cancel takes nobody else away. */
class Slot<Listener> {
  listener: Listener | undefined;

  set(listener: Listener): Cancel {
    const own = { listener };
    this.#own = own;
    this.listener = listener;
    return () => {
      if (this.#own === own) this.clear();
    };
  }

  #own: object | undefined;

  clear(): void {
    this.#own = undefined;
    this.listener = undefined;
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): Cancel {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
