import { BandwidthMeter, Keyring, type Address, type ByteStream, type Streams, type Transport } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import { nodeAead } from '@grp/transport-udp';
import { createSwim, type Swim, type SwimConfig, type SwimEvent, type SwimPorts } from '../../src/index.ts';

export const port = 7_946;

export interface Sent {
  readonly from: string;
  readonly to: Address;
  readonly payload: Uint8Array;
}

export interface ClusterOptions {
  readonly count?: number;
  readonly seed?: number;
  /** Every member holds this key. */
  readonly key?: Uint8Array;
  readonly label?: string;
  readonly config?: Partial<SwimConfig>;
  readonly network?: NonNullable<WorldOptions<Swim>['network']>;
  /** More ports or others, for one member. */
  readonly ports?: (host: Host) => Partial<SwimPorts>;
}

/** Whole nodes in one simulated world, `n1` … `nN`, with every datagram and stream in view, and a way to forge more. */
export class Cluster {
  readonly world: World<Swim>;
  /** What was sent since this was emptied last. */
  readonly sent: Sent[] = [];
  /** Whole messages as they were written to streams, the last 200. */
  readonly streamed: Uint8Array[] = [];
  readonly events: { readonly observer: string; readonly at: number; readonly event: SwimEvent }[] = [];
  /** Anything that should never happen: a fault event, a log line that tells of a bug. */
  readonly faults: string[] = [];
  /** One for each member; hosts that are none have none. */
  readonly meters = new Map<string, BandwidthMeter>();
  readonly #options: ClusterOptions;
  readonly #listeners = new Map<string, (from: Address, payload: Uint8Array) => void>();

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    const { count = 5, seed = 1, network } = options;
    this.world = createWorld<Swim>({
      seed,
      start: (host) => this.startOn(host),
      ...(network && { network }),
    });
    for (let index = 1; index <= count; index++) this.world.addNode(`n${index}`);
  }

  get names(): readonly string[] {
    return this.world.names;
  }

  node(name: string): Swim {
    return this.world.node(name);
  }

  address(name: string): Address {
    return this.world.address(name, port);
  }

  /** Everyone joins through n1 and every list is whole. */
  form(): this {
    for (const name of this.names) if (name !== 'n1') this.join(name);
    this.world.runUntilSync(() => this.isWhole(), { withinMs: 20_000 });
    this.world.runFor(3_000);
    return this;
  }

  /** Tries until it is in. */
  join(name: string): void {
    const { clock } = this.world.host(name);
    const swim = this.node(name);
    const seeds = this.names.filter((seed) => seed !== name && this.world.state(seed) === 'running').slice(0, 3);
    const attempt = (): void => {
      if (swim.members().some((member) => member.name !== name && member.status === 'alive')) return;
      swim.join(seeds.map((seed) => this.address(seed))).catch(() => {});
      clock.wakeAt(clock.now() + 1_000, attempt);
    };
    attempt();
  }

  /** Every running node lists every running node as alive. */
  isWhole(): boolean {
    const running = this.names.filter((name) => this.world.state(name) === 'running');
    return running.every((observer) => {
      const alive = new Set(
        this.node(observer)
          .members()
          .filter(({ status }) => status === 'alive')
          .map(({ name }) => name),
      );
      return running.every((name) => alive.has(name));
    });
  }

  /** Hands a datagram to a node as if it had come from this address. */
  inject(name: string, from: Address, payload: Uint8Array): void {
    this.#listeners.get(name)?.(from, payload);
  }

  /** How often this node dropped something, by reason. */
  drops(name: string): Readonly<Record<string, number>> {
    return this.node(name).health().dropped;
  }

  /** The same over all nodes. */
  allDrops(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const name of this.meters.keys()) {
      for (const [reason, count] of Object.entries(this.drops(name))) counts[reason] = (counts[reason] ?? 0) + count;
    }
    return counts;
  }

  /** `down n3` and the like, of all lists. */
  eventsOf(...types: readonly SwimEvent['type'][]): string[] {
    return this.events.flatMap(({ observer, event }) =>
      types.includes(event.type) && 'member' in event ? [`${observer}: ${event.type} ${event.member.name}`] : [],
    );
  }

  /** Starts a member as this cluster would, on a host of any world. */
  startOn(host: Host): Swim {
    const { key, label, config, ports } = this.#options;
    const meter = new BandwidthMeter(host.clock);
    this.meters.set(host.name, meter);
    const swim = createSwim(
      {
        transport: this.#tappedTransport(host),
        streams: this.#tappedStreams(host.streams(port)),
        meter,
        clock: host.clock,
        random: host.random,
        logger: {
          log: (level, event, fields) => {
            if (level === 'error') this.faults.push(`${host.name}: ${event} ${String(fields?.['message'] ?? '')}`);
          },
        },
        ...(key && { keyring: new Keyring({ aead: nodeAead(), random: host.random.fork('nonces'), keys: [key] }) }),
        ...ports?.(host),
      },
      { name: host.name, ...(label !== undefined && { label }), ...(config && { config }) },
    );
    swim.on((event) => {
      this.events.push({ observer: host.name, at: this.world.now, event });
      if (event.type === 'fault') this.faults.push(`${host.name}: ${event.message}`);
    });
    swim.start();
    return swim;
  }

  #tappedTransport(host: Host): Transport {
    const inner = host.transport(port);
    return {
      self: inner.self,
      maxPayloadBytes: inner.maxPayloadBytes,
      delivery: inner.delivery,
      send: (to, payload) => {
        this.sent.push({ from: host.name, to, payload });
        inner.send(to, payload);
      },
      onReceive: (listener) => {
        this.#listeners.set(host.name, listener);
        return inner.onReceive(listener);
      },
      close: () => inner.close(),
    };
  }

  #tappedStreams(inner: Streams): Streams {
    const tapped = (stream: ByteStream): ByteStream => ({
      peer: stream.peer,
      write: (bytes) => {
        this.streamed.push(bytes);
        if (this.streamed.length > 200) this.streamed.shift();
        return stream.write(bytes);
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      abort: () => stream.abort(),
    });
    return {
      self: inner.self,
      dial: (to, handlers, options) => tapped(inner.dial(to, handlers, options)),
      onAccept: (accept) => inner.onAccept((stream) => accept(tapped(stream))),
      close: () => inner.close(),
    };
  }
}

/** A running cluster's life with everything in it: events, queries, tags, a kill, a return, a leave and a return. */
export function liveThrough(cluster: Cluster): void {
  const { world } = cluster;
  const bytes = new TextEncoder().encode('payload');
  cluster.node('n1').sendEvent('deploy', bytes);
  cluster
    .node('n2')
    .query('load', { payload: bytes, acknowledge: true, relayCount: 2 })
    .catch(() => {});
  cluster.node('n3').setTags({ role: 'web' });
  world.runFor(4_000);
  world.crash('n5');
  world.runFor(8_000);
  world.restart('n5');
  cluster.join('n5');
  world.runFor(3_000);
  cluster
    .node('n4')
    .leave()
    .catch(() => {});
  world.runFor(4_000);
  world.restart('n4');
  cluster.join('n4');
  world.runUntilSync(() => cluster.isWhole(), { withinMs: 20_000 });
  world.runFor(5_000);
}
