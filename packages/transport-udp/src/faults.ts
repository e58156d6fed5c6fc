import { chance, defineConfig, fraction } from '@grp/core';
import type { Address, BandwidthMeter, Cancel, Clock, ConfigOf, Random, Streams, Transport } from '@grp/core';
import type { RefusingTransport } from './datagrams.ts';
import { FaultStreams } from './fault-streams.ts';

/** What a fault-injecting network does to traffic, with bounds. */
export const faultConfig = defineConfig({
  loss: {
    default: 0,
    min: 0,
    max: 1,
    unit: 'probability',
    reason: 'Of each outgoing datagram. When every node has it, this is the loss of the network.',
    fraction: true,
  },
  lossIncoming: {
    default: 0,
    min: 0,
    max: 1,
    unit: 'probability',
    reason: 'Of each incoming datagram: for one node alone, whose peers lose nothing themselves.',
    fraction: true,
  },
  duplicate: {
    default: 0,
    min: 0,
    max: 1,
    unit: 'probability',
    reason: 'That an outgoing datagram which is not lost is sent twice.',
    fraction: true,
  },
  delayMs: { default: 0, min: 0, max: 60_000, unit: 'ms', reason: 'Added to all that goes out.', fraction: true },
  delayJitterMs: {
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
    reason: 'Up to this much more, evenly spread, for each datagram by itself, so that they overtake each other.',
    fraction: true,
  },
});

/** The faults in force; see `faultConfig` for meaning, units and bounds. */
export type FaultSettings = ConfigOf<typeof faultConfig.table>;

/** Turns faults on and off while the network runs. */
export interface Faults {
  get(): FaultSettings;
  /** Changes what is given, for traffic from now on. @throws GrpError CONFIG_INVALID */
  set(changes: Partial<FaultSettings>): void;
  /**
   * Cuts the link to these peers, both ways, on top of those already cut. Datagrams are dropped; streams stall without
   * a word, as in a partition: dials end in `timeout`, open streams deliver nothing until `unblock` or until they
   * time out (`stallTimeoutMs`).
   *
   * An incoming stream has a port of its own, so it is known by its host alone. Where the peer is on this very host,
   * that says nothing, and only the dialler can hold it: cut both sides, as a partition does anyway.
   */
  block(addresses: readonly Address[]): void;
  /** Heals everything that `block` cut. */
  unblock(): void;
}

/** Which faults are made on purpose, and by which chance. */
export interface FaultOptions extends Partial<FaultSettings> {
  /** Times delays; a virtual one works too. */
  readonly clock: Clock;
  readonly random: Random;
  /** Datagrams on their way; one more is dropped and counted (default 4,096). */
  readonly pendingMax?: number;
  /** How long a stream survives a partition, in ms (default 40,000: as long as TCP keepalive here lets it). */
  readonly stallTimeoutMs?: number;
}

/** The part of a network that faults need. */
export interface FaultyParts {
  readonly transport: Transport;
  readonly streams: Streams;
  /** Counts injected faults as `fault.…`, when there is one. */
  readonly meter?: BandwidthMeter;
  close(): Promise<void>;
}

/**
 * Puts faults between a network and its user. Works over any `Transport` and `Streams`. Streams stay reliable: a lost
 * segment shows as a retransmission that takes 200 ms and then twice as long each time.
 * @throws GrpError CONFIG_INVALID
 * @example
 * const lossy = injectFaults(await openNetwork({ bind: '127.0.0.1:0' }), { clock, random, loss: 0.02, delayMs: 20 });
 * lossy.faults.block(['10.0.0.2:7946' as Address]);
 */
export function injectFaults<Parts extends FaultyParts>(
  network: Parts,
  options: FaultOptions,
): Parts & { readonly faults: Faults } {
  const { clock, random, pendingMax = 4_096, stallTimeoutMs = 40_000, ...given } = options;
  let settings = faultConfig.resolve(given);
  const blocked = new Set<Address>();
  const isBlocked = (peer: Address): boolean => blocked.has(peer);
  const drop = (what: string): void => network.meter?.drop(`fault.${what}`);

  const shared = { clock, settings: () => settings, isBlocked, drop };
  const transport = new FaultTransport(network.transport, { ...shared, random: random.fork('datagrams'), pendingMax });
  const streams = new FaultStreams(network.streams, { ...shared, random: random.fork('streams'), stallTimeoutMs });
  const faults: Faults = {
    get: () => settings,
    set(changes) {
      settings = faultConfig.resolve({ ...settings, ...changes });
    },
    block(addresses) {
      for (const address of addresses) blocked.add(address);
      streams.review([...blocked]);
    },
    unblock() {
      blocked.clear();
      streams.review([]);
    },
  };
  return {
    ...network,
    transport,
    streams,
    faults,
    async close() {
      await Promise.all([transport.close(), streams.close()]);
      await network.close();
    },
  };
}

/** What both halves of a faulty network know. */
export interface FaultContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => FaultSettings;
  readonly isBlocked: (peer: Address) => boolean;
  readonly drop: (what: string) => void;
}

class FaultTransport implements RefusingTransport {
  readonly delivery = 'best-effort';
  readonly #inner: Transport;
  readonly #context: FaultContext & { readonly pendingMax: number };
  readonly #pending = new Set<Cancel>();
  #closed = false;

  constructor(inner: Transport, context: FaultContext & { readonly pendingMax: number }) {
    this.#inner = inner;
    this.#context = context;
  }

  get self(): Address {
    return this.#inner.self;
  }

  get maxPayloadBytes(): number {
    return this.#inner.maxPayloadBytes;
  }

  send(to: Address, payload: Uint8Array): void {
    const { random, settings, isBlocked, drop } = this.#context;
    const { loss, duplicate } = settings();
    if (isBlocked(to)) return drop('blocked');
    if (chance(random, loss)) return drop('loss');
    this.#depart(to, payload);
    if (!chance(random, duplicate)) return;
    drop('duplicate');
    this.#depart(to, payload);
  }

  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel {
    const { random, settings, isBlocked, drop } = this.#context;
    return this.#inner.onReceive((from, payload) => {
      if (isBlocked(from)) return drop('blocked');
      if (chance(random, settings().lossIncoming)) return drop('loss-incoming');
      listener(from, payload);
    });
  }

  /** Never for a peer that is cut off: a partition answers nothing. */
  onRefused(listener: (peer: Address) => void): Cancel {
    const { isBlocked } = this.#context;
    const inner = this.#inner as Partial<RefusingTransport>;
    return inner.onRefused?.((peer) => !isBlocked(peer) && listener(peer)) ?? (() => {});
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
    return this.#inner.close();
  }

  #depart(to: Address, payload: Uint8Array): void {
    const { clock, random, settings, isBlocked, drop, pendingMax } = this.#context;
    const { delayMs, delayJitterMs } = settings();
    const waitMs = delayMs + (delayJitterMs > 0 ? delayJitterMs * fraction(random) : 0);
    if (waitMs === 0 || this.#closed) return this.#inner.send(to, payload);
    if (this.#pending.size >= pendingMax) return drop('delay-full');
    const copy = new Uint8Array(payload); // a Buffer's slice would still be the sender's memory
    const cancel = clock.wakeAt(clock.now() + waitMs, () => {
      this.#pending.delete(cancel);
      if (isBlocked(to)) drop('blocked'); // the link was cut while it was on its way
      else this.#inner.send(to, copy);
    });
    this.#pending.add(cancel);
  }
}
