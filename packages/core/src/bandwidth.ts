import type { Address, Clock } from './ports.ts';

/** Bytes and packets, in and out. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
}

type Counter = { -readonly [Name in keyof Traffic]: Traffic[Name] };

/** What a network has carried since it was last reset. */
export interface BandwidthReport {
  /** Wall-clock ms of the start or of the last reset. */
  readonly since: number;
  /** Datagrams, with their IP and UDP headers (28 bytes on IPv4, 48 on IPv6), as a packet capture counts them. */
  readonly total: Traffic;
  /** The same by peer address, busiest first; beyond the limit under `other`. */
  readonly peers: readonly (Traffic & { readonly address: string })[];
  /** Encoded messages by type, without headers and wrapping; datagrams and streams alike. */
  readonly messages: readonly (Traffic & { readonly type: string })[];
  /** Bytes on streams, without TCP/IP headers; `packets` count chunks. */
  readonly streams: Traffic;
  /** What was refused or lost on purpose, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

const peersMax = 1_024;
const kindsMax = 256;

/** Counts bytes and packets, in and out, by peer and by message type. Memory is bounded whatever peers send. */
export class BandwidthMeter {
  readonly #clock: Pick<Clock, 'wallMs'>;
  #since: number;
  #total = empty();
  #streams = empty();
  readonly #peers = new Map<string, Counter>();
  readonly #messages = new Map<string, Counter>();
  readonly #dropped = new Map<string, number>();

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
    this.#since = clock.wallMs();
  }

  /** One datagram of `payloadBytes`, to or from `peer`. */
  datagram(direction: 'in' | 'out', peer: Address, payloadBytes: number): void {
    const bytes = payloadBytes + (peer.startsWith('[') ? 48 : 28);
    add(this.#total, direction, bytes);
    add(slot(this.#peers, peer, peersMax), direction, bytes);
  }

  stream(direction: 'in' | 'out', bytes: number): void {
    add(this.#streams, direction, bytes);
  }

  /** One encoded message of a type. */
  message(direction: 'in' | 'out', type: string, bytes: number): void {
    add(slot(this.#messages, type, kindsMax), direction, bytes);
  }

  drop(reason: string, count = 1): void {
    const key = this.#dropped.size < kindsMax || this.#dropped.has(reason) ? reason : 'other';
    this.#dropped.set(key, (this.#dropped.get(key) ?? 0) + count);
  }

  droppedCount(reason: string): number {
    return this.#dropped.get(reason) ?? 0;
  }

  report(): BandwidthReport {
    const busiest = (a: Counter, b: Counter): number => b.bytesIn + b.bytesOut - (a.bytesIn + a.bytesOut);
    return {
      since: this.#since,
      total: { ...this.#total },
      peers: [...this.#peers].toSorted(([, a], [, b]) => busiest(a, b)).map(([address, c]) => ({ address, ...c })),
      messages: [...this.#messages].toSorted(([, a], [, b]) => busiest(a, b)).map(([type, c]) => ({ type, ...c })),
      streams: { ...this.#streams },
      dropped: Object.fromEntries(this.#dropped),
    };
  }

  /** Zeroes every counter. */
  reset(): void {
    this.#since = this.#clock.wallMs();
    this.#total = empty();
    this.#streams = empty();
    for (const map of [this.#peers, this.#messages, this.#dropped]) map.clear();
  }
}

function empty(): Counter {
  return { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
}

function add(counter: Counter, direction: 'in' | 'out', bytes: number): void {
  if (direction === 'in') {
    counter.bytesIn += bytes;
    counter.packetsIn++;
  } else {
    counter.bytesOut += bytes;
    counter.packetsOut++;
  }
}

function slot(map: Map<string, Counter>, key: string, limit: number): Counter {
  const known = map.get(key);
  if (known !== undefined) return known;
  const kept = map.size < limit ? key : 'other';
  let counter = map.get(kept);
  if (counter === undefined) {
    counter = empty();
    map.set(kept, counter);
  }
  return counter;
}
