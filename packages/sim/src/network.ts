import { chance, fraction, invariant, InvariantError, tryParseAddress, type Address, type Millis } from '@grp/core';
import { drawDelay } from './delay.ts';
import type { Engine } from './engine.ts';
import type { Task } from './event-queue.ts';
import { Links, type LinkSettings, type Pair } from './links.ts';
import type { Job, Life } from './life.ts';
import type { TracedEndpoint, TracedHost } from './trace.ts';

/** What listens for datagrams at a place. */
export interface DatagramSocket {
  readonly life: Life;
  /** The network hands over a datagram; the socket delivers it, buffers it, or drops it. */
  arrive(datagram: Datagram): void;
  /** Calls the listener; `charge` bytes of the socket's buffer are free again. */
  deliver(datagram: Datagram, charge: number): void;
}

/** What listens for byte streams at a place. `S` is the stream layer's own type: the network only keeps it. */
export interface StreamListener {
  readonly life: Life;
}

/** One port of one host. */
export class Endpoint implements TracedEndpoint {
  readonly address: Address;
  readonly code: number;
  readonly host: NetworkHost;
  socket: DatagramSocket | undefined;
  listener: StreamListener | undefined;

  constructor(host: NetworkHost, port: number) {
    this.host = host;
    this.address = `${host.ip}:${port}` as Address;
    this.code = host.index * 65_536 + port;
  }
}

/** A machine with a network card. Processes on it come and go. */
export class NetworkHost implements TracedHost {
  readonly name: string;
  readonly index: number;
  readonly ip: string;
  /** Powered: a host that is down neither takes nor answers anything. */
  up = true;
  /** Hosts of different groups do not hear each other. */
  group = 0;
  readonly endpoints = new Map<number, Endpoint>();
  #ephemeral = 49_151;

  constructor(name: string, index: number) {
    this.name = name;
    this.index = index;
    const number = index + 1;
    this.ip = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
  }

  endpoint(port: number): Endpoint {
    let endpoint = this.endpoints.get(port);
    if (endpoint === undefined) {
      endpoint = new Endpoint(this, port);
      this.endpoints.set(port, endpoint);
    }
    return endpoint;
  }

  /** A port that nobody holds, from the range for short-lived ones. */
  freePort(): number {
    for (let tries = 0; tries < 16_384; tries++) {
      this.#ephemeral = this.#ephemeral >= 65_535 ? 49_152 : this.#ephemeral + 1;
      const endpoint = this.endpoints.get(this.#ephemeral);
      if (endpoint?.socket === undefined && endpoint?.listener === undefined) return this.#ephemeral;
    }
    throw new InvariantError(`host ${this.name} has no free port`);
  }
}

/** On its way from one place to another. */
export class Datagram implements Task, Job {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Uint8Array;
  readonly serial: number;
  /** The socket it was handed to, and what it takes of that socket's buffer. */
  socket: DatagramSocket | undefined;
  charge = 0;
  readonly #network: Network;

  constructor(network: Network, from: Endpoint, to: Endpoint, payload: Uint8Array, serial: number) {
    this.#network = network;
    this.from = from;
    this.to = to;
    this.payload = payload;
    this.serial = serial;
  }

  run(): void {
    this.#network.arrive(this);
  }

  perform(): void {
    this.socket?.deliver(this, this.charge);
  }
}

// IPv4 and UDP headers, which count towards the MTU and the bandwidth.
const headerBytes = 28;
// Within one host nothing is lost or slow, but it is never synchronous.
export const loopbackMs: Millis = 0.02;

/** Carries datagrams between hosts, and says who reaches whom. */
export class Network {
  readonly engine: Engine;
  readonly hosts: NetworkHost[] = [];
  readonly links: Links;
  readonly #byIp = new Map<string, NetworkHost>();
  readonly #byAddress = new Map<string, Endpoint>();
  readonly #random;
  readonly #cuts = new Set<number>();
  #serial = 0;

  constructor(engine: Engine, settings: Partial<LinkSettings>) {
    this.engine = engine;
    this.links = new Links(settings);
    this.#random = engine.random.fork('network');
  }

  addHost(name: string): NetworkHost {
    invariant(this.hosts.length < 65_535, 'a world has at most 65,535 hosts');
    const host = new NetworkHost(name, this.hosts.length);
    this.hosts.push(host);
    this.#byIp.set(host.ip, host);
    return host;
  }

  /** Undefined for text that names no host of this world. */
  resolve(address: string): Endpoint | undefined {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const parsed = tryParseAddress(address);
    const host = parsed === undefined ? undefined : this.#byIp.get(parsed.host);
    if (parsed === undefined || host === undefined || parsed.port === 0) return undefined;
    const endpoint = host.endpoint(parsed.port);
    this.#byAddress.set(endpoint.address, endpoint);
    return endpoint;
  }

  reachable(from: NetworkHost, to: NetworkHost): boolean {
    if (from === to) return true;
    return from.group === to.group && (this.#cuts.size === 0 || !this.#cuts.has(from.index * 65_536 + to.index));
  }

  setCut({ from, to }: Pair, isCut: boolean): void {
    const key = from.index * 65_536 + to.index;
    if (isCut) this.#cuts.add(key);
    else this.#cuts.delete(key);
  }

  heal(): void {
    this.#cuts.clear();
    for (const host of this.hosts) host.group = 0;
  }

  /** Takes a copy of the payload and sends it on its way, or drops it. */
  send(from: Endpoint, to: Endpoint, payload: Uint8Array): void {
    const { engine } = this;
    const serial = ++this.#serial;
    engine.trace.send(engine.now, from, to, payload);
    // A view of Node's Buffer type would share its bytes if it were sliced; this constructor always copies.
    if (from.host === to.host) {
      engine.schedule(engine.now + loopbackMs, new Datagram(this, from, to, new Uint8Array(payload), serial));
      return;
    }
    if (!this.reachable(from.host, to.host)) return this.#drop('drop.partition', from, to, serial);
    const link = this.links.between(from.host.index, to.host.index);
    const { settings } = link;
    const random = this.#random;
    const sizeBytes = payload.length + headerBytes;
    if (sizeBytes > settings.mtuBytes) return this.#drop('drop.mtu', from, to, serial);
    const waitMs = link.enqueue(engine.now, sizeBytes, settings.queueBytesMax);
    if (waitMs === undefined) return this.#drop('drop.queue-full', from, to, serial);
    if (chance(random, settings.loss)) this.#drop('drop.loss', from, to, serial);
    else this.#carry(from, to, payload, serial, settings, waitMs);
    if (chance(random, settings.duplication)) {
      engine.trace.datagram('duplicate', engine.now, from, to, serial);
      this.#carry(from, to, payload, serial, settings, waitMs);
    }
  }

  #carry(
    from: Endpoint,
    to: Endpoint,
    payload: Uint8Array,
    serial: number,
    settings: LinkSettings,
    waitMs: Millis,
  ): void {
    const { engine } = this;
    const random = this.#random;
    let delayMs = waitMs + drawDelay(random, settings.delay);
    if (chance(random, settings.reorder)) {
      delayMs += fraction(random) * settings.reorderMs;
      engine.trace.datagram('reorder', engine.now, from, to, serial);
    }
    const bytes = new Uint8Array(payload);
    if (bytes.length > 0 && chance(random, settings.corruption)) {
      const bit = random.nextU32() % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      engine.trace.datagram('corrupt', engine.now, from, to, serial);
    }
    engine.schedule(engine.now + delayMs, new Datagram(this, from, to, bytes, serial));
  }

  /** A datagram reached the end of its way. */
  arrive(datagram: Datagram): void {
    const { from, to, serial } = datagram;
    if (!this.reachable(from.host, to.host)) this.#drop('drop.partition', from, to, serial);
    else if (!to.host.up) this.#drop('drop.host-down', from, to, serial);
    else if (to.socket === undefined) this.#drop('drop.closed-port', from, to, serial);
    else {
      datagram.socket = to.socket;
      to.socket.arrive(datagram);
    }
  }

  #drop(
    kind: 'drop.partition' | 'drop.mtu' | 'drop.queue-full' | 'drop.loss' | 'drop.host-down' | 'drop.closed-port',
    from: Endpoint,
    to: Endpoint,
    serial: number,
  ): void {
    this.engine.trace.datagram(kind, this.engine.now, from, to, serial);
  }
}
