import { sha256 } from '@noble/hashes/sha2.js';
import type { LogFields, Millis } from '@grp/core';

/** Everything that can happen in a world. The position is the kind's number in the hash: append only. */
export const traceKinds = [
  'timer',
  'send',
  'deliver',
  'drop.loss',
  'drop.partition',
  'drop.host-down',
  'drop.closed-port',
  'drop.no-listener',
  'drop.too-long',
  'drop.mtu',
  'drop.queue-full',
  'drop.socket-buffer',
  'drop.unknown-address',
  'duplicate',
  'reorder',
  'corrupt',
  'stream.dial',
  'stream.open',
  'stream.data',
  'stream.close',
  'stream.retry',
  'disk.done',
  'disk.error',
  'disk.lost-sync',
  'disk.torn',
  'disk.rot',
  'start',
  'crash',
  'host-crash',
  'exit',
  'pause',
  'resume',
  'partition',
  'cut',
  'heal',
  'network',
  'clock-jump',
  'clock-drift',
  'cpu-slow',
  'disk-fault',
  'wipe',
  'buggify',
  'calm',
  'log',
  'note',
  'backlog',
] as const;

/** A kind of event in a trace. */
export type TraceKind = (typeof traceKinds)[number];

const numbers = Object.fromEntries(traceKinds.map((kind, index) => [kind, index])) as Record<TraceKind, number>;

/** One line of a recorded trace. */
export interface TraceEvent {
  /** Virtual ms since the start of the world. */
  readonly at: Millis;
  readonly kind: TraceKind;
  readonly node?: string;
  readonly [field: string]: string | number | boolean | undefined;
}

/** What a trace needs to know of a host and of a place on it. */
export interface TracedHost {
  readonly name: string;
  readonly index: number;
}
export interface TracedEndpoint {
  readonly address: string;
  /** Host index × 65,536 + port. */
  readonly code: number;
  readonly host: TracedHost;
}

/** How much of a trace is kept. */
export interface TraceOptions {
  /** Events to keep as objects (default 0: only the hash and the counts). What comes later is counted as omitted. */
  readonly recordMax?: number;
}

// One SHA-256 over every byte of every event would be the greater part of a run. Events are folded into 128 bits first,
// and each so many events those bits go into the SHA-256, many at a time.
const eventsPerFold = 16;
const foldBytes = 16;
const bufferBytes = 256 * foldBytes;
const low = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

/**
 * All that happens, as one running SHA-256, as counts by kind and, if asked for, as objects. Two different runs differ in
 * the hash (but for chance of 2⁻³² in a single payload); it is no proof against an adversary.
 */
export class Trace {
  readonly #time: () => Millis;
  readonly #hash = sha256.create();
  readonly #buffer = new Uint8Array(bufferBytes);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;
  readonly #fold = new Int32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a]);
  #folded = 0;
  readonly #number = new Float64Array(1);
  readonly #halves = new Int32Array(this.#number.buffer);
  readonly #counts = new Float64Array(traceKinds.length);
  readonly #records: TraceEvent[] = [];
  readonly #recordMax: number;
  #omittedCount = 0;

  constructor(time: () => Millis, { recordMax = 0 }: TraceOptions = {}) {
    this.#time = time;
    this.#recordMax = recordMax;
  }

  /** How often each kind happened. */
  count(kind: TraceKind): number {
    return this.#counts[numbers[kind]] as number;
  }

  counts(): Readonly<Record<TraceKind, number>> {
    return Object.fromEntries(traceKinds.map((kind, index) => [kind, this.#counts[index] as number])) as Record<
      TraceKind,
      number
    >;
  }

  /** The hash of everything up to now, in hex. The trace goes on. */
  digest(): string {
    const last = new Int32Array([...this.#fold, this.#folded]);
    const tail = new Uint8Array(last.length * 4);
    const view = new DataView(tail.buffer);
    for (const [index, word] of last.entries()) view.setInt32(index * 4, word, true);
    const hash = this.#hash.clone().update(this.#buffer.subarray(0, this.#used)).update(tail);
    return [...hash.digest()].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  records(): { readonly events: readonly TraceEvent[]; readonly omittedCount: number } {
    return { events: this.#records, omittedCount: this.#omittedCount };
  }

  timer(at: Millis, host: TracedHost): void {
    this.#short(0, at, host.index);
    if (this.#recordMax > 0) this.#keep({ at, kind: 'timer', node: host.name });
  }

  send(at: Millis, from: TracedEndpoint, to: TracedEndpoint, payload: Uint8Array): void {
    this.#short(1, at, digest32(payload));
    this.#word(from.code);
    this.#word(to.code);
    if (this.#recordMax > 0)
      this.#keep({ at, kind: 'send', node: from.host.name, from: from.address, to: to.address, bytes: payload.length });
  }

  /** What became of a datagram. */
  datagram(kind: TraceKind, at: Millis, from: TracedEndpoint, to: TracedEndpoint, serial: number): void {
    this.#short(numbers[kind], at, serial);
    if (this.#recordMax > 0) this.#keep({ at, kind, node: to.host.name, from: from.address, to: to.address, serial });
  }

  /** Something at a host, or in the world when there is none. `detail` is one whole number more. */
  event(kind: TraceKind, at: Millis, host?: TracedHost, detail = 0): void {
    const number = numbers[kind];
    this.#short(number, at, host === undefined ? 0xff_ffff : host.index);
    this.#word(detail);
    if (this.#recordMax > 0) this.#keep({ at, kind, ...(host === undefined ? {} : { node: host.name }), detail });
  }

  /** Bytes of a stream. */
  bytes(kind: TraceKind, at: Millis, host: TracedHost, bytes: Uint8Array): void {
    this.event(kind, at, host, digest32(bytes));
  }

  text(kind: TraceKind, at: Millis, host: TracedHost | undefined, text: string, fields: LogFields = {}): void {
    const whole = `${text} ${JSON.stringify(fields)}`;
    let digest = whole.length | 0;
    for (let index = 0; index < whole.length; index++) digest = stir(digest, whole.charCodeAt(index));
    this.#short(numbers[kind], at, host === undefined ? 0xff_ffff : host.index);
    this.#word(digest);
    if (this.#recordMax > 0) {
      const node = host === undefined ? {} : { node: host.name };
      this.#keep({ ...fields, at, kind, ...node, text });
    }
  }

  /** Like `event`, for a number that names no host. */
  world(kind: TraceKind, detail = 0): void {
    this.event(kind, this.#time(), undefined, detail);
  }

  #short(kind: number, at: Millis, detail: number): void {
    this.#counts[kind] = (this.#counts[kind] as number) + 1;
    this.#number[0] = at;
    const fold = this.#fold;
    let [a, b, c, d] = [fold[0] as number, fold[1] as number, fold[2] as number, fold[3] as number];
    a = Math.imul(a ^ (this.#halves[low] as number), 0x85ebca6b);
    a = ((a ^ (a >>> 15)) + d) | 0;
    b = Math.imul(b ^ (this.#halves[1 - low] as number), 0xc2b2ae35);
    b = ((b ^ (b >>> 13)) + a) | 0;
    c = Math.imul(c ^ detail, 0x27d4eb2f);
    c = ((c ^ (c >>> 16)) + b) | 0;
    d = (Math.imul(d ^ kind, 0x165667b1) + c) | 0;
    fold[0] = a;
    fold[1] = b;
    fold[2] = c;
    fold[3] = d;
    if (++this.#folded === eventsPerFold) this.#flush();
  }

  // One number more of the last event.
  #word(value: number): void {
    const fold = this.#fold;
    fold[0] = stir(fold[0] as number, value);
    fold[3] = (Math.imul(fold[3] as number, 0x9e3779b1) + fold[0]) | 0;
  }

  #flush(): void {
    this.#folded = 0;
    const fold = this.#fold;
    for (let index = 0; index < 4; index++) this.#view.setInt32(this.#used + index * 4, fold[index] as number, true);
    this.#used += foldBytes;
    if (this.#used < bufferBytes) return;
    this.#hash.update(this.#buffer);
    this.#used = 0;
  }

  #keep(event: TraceEvent): void {
    if (this.#records.length < this.#recordMax) this.#records.push(event);
    else this.#omittedCount++;
  }
}

function stir(state: number, word: number): number {
  const mixed = Math.imul(state ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

/** 32 bits of the bytes; for telling two runs apart, not against an adversary. */
export function digest32(bytes: Uint8Array): number {
  const length = bytes.length;
  let [even, odd] = [length ^ 0x9e3779b9, 0x243f6a88]; // two lanes, which a processor stirs side by side
  let index = 0;
  for (; index + 8 <= length; index += 8) {
    even = stir(even, word(bytes, index));
    odd = stir(odd, word(bytes, index + 4));
  }
  for (; index < length; index++) even = stir(even, bytes[index] as number);
  return stir(even, odd) >>> 0;
}

function word(bytes: Uint8Array, index: number): number {
  const low = (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
  const high = (bytes[index + 2] as number) | ((bytes[index + 3] as number) << 8);
  return low | (high << 16);
}
