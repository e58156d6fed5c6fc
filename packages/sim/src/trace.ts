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

export interface TraceOptions {
  /** Events to keep as objects (default 0: only the hash and the counts). What comes later is counted as omitted. */
  readonly recordMax?: number;
}

const bufferBytes = 32_768;

/**
 * All that happens, as one running SHA-256, as counts by kind and, if asked for, as objects. Payloads enter the hash by a
 * 32-bit digest of their own. Records are packed into one buffer, so that a hash round costs no allocation.
 */
export class Trace {
  readonly #time: () => Millis;
  #hash = sha256.create();
  readonly #buffer = new Uint8Array(bufferBytes);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;
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
    const hash = this.#hash.clone().update(this.#buffer.subarray(0, this.#used));
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
    const kind = 1;
    this.#count(kind);
    const view = this.#room(24);
    const used = this.#used;
    view.setFloat64(used, at, true);
    view.setUint32(used + 8, (kind << 24) | (payload.length & 0xff_ffff), true);
    view.setUint32(used + 12, from.code, true);
    view.setUint32(used + 16, to.code, true);
    view.setUint32(used + 20, digest32(payload), true);
    this.#used = used + 24;
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
    this.#count(kind);
    const view = this.#room(12);
    view.setFloat64(this.#used, at, true);
    view.setUint32(this.#used + 8, (kind << 24) | (detail & 0xff_ffff), true);
    this.#used += 12;
  }

  #word(value: number): void {
    this.#room(4).setUint32(this.#used, value >>> 0, true);
    this.#used += 4;
  }

  #count(kind: number): void {
    this.#counts[kind] = (this.#counts[kind] as number) + 1;
  }

  #room(bytes: number): DataView {
    if (this.#used + bytes > bufferBytes) {
      this.#hash.update(this.#buffer.subarray(0, this.#used));
      this.#used = 0;
    }
    return this.#view;
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
  let state = length ^ 0x9e3779b9;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    const low = (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
    const high = (bytes[index + 2] as number) | ((bytes[index + 3] as number) << 8);
    state = stir(state, low | (high << 16));
  }
  for (; index < length; index++) state = stir(state, bytes[index] as number);
  return state >>> 0;
}
