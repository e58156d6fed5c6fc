import type { Cancel, Millis } from '@grp/core';
import type { MaelstromBody } from './protocol.ts';
import type { WorkloadContext } from './workload.ts';

/** News gather for so long and go in one message. */
const gatherMs = 25;
/** Without an answer the same is said again after this, then twice as long each time. */
const retryMinMs = 250;
const retryMaxMs = 1_000;
const entriesPerMessage = 512;
/** What a node keeps at most. */
const entriesMax = 1_000_000;

/** How two nodes' knowledge under one key becomes one: commutative, associative, idempotent. */
export interface Join<Value> {
  /** What is known now, or undefined when `theirs` says nothing new. */
  (ours: Value | undefined, theirs: Value): Value | undefined;
}

export interface GossipOptions<Value> {
  readonly context: WorkloadContext;
  readonly join: Join<Value>;
  /** What another node sent under a key; undefined: that is none. */
  readonly read: (value: unknown) => Value | undefined;
}

interface Neighbour<Value> {
  /** What it may not have yet. */
  readonly due: Map<string, Value>;
  /** What it was told and has not confirmed. */
  sent: { readonly sequence: number; readonly entries: ReadonlyMap<string, Value> } | undefined;
  retryMs: Millis;
  cancel: Cancel | undefined;
}

/**
 * Spreads a state that only grows: what is new goes to each neighbour until that neighbour has confirmed it, however long a
 * partition lasts, and from there to its own neighbours. Nodes that are connected in the end know the same in the end
 * (Shapiro et al. 2011, state-based, by deltas).
 */
export class Gossip<Value> {
  readonly #options: GossipOptions<Value>;
  readonly #entries = new Map<string, Value>();
  #neighbours = new Map<string, Neighbour<Value>>();
  #sequence = 0;

  constructor(options: GossipOptions<Value>) {
    this.#options = options;
    const { self, nodes } = options.context;
    this.connect(nodes.filter((name) => name !== self));
  }

  get entries(): ReadonlyMap<string, Value> {
    return this.#entries;
  }

  /** From now on only these are told; they are told everything. */
  connect(names: readonly string[]): void {
    this.stop();
    this.#neighbours = new Map();
    for (const name of names) {
      const neighbour = { due: new Map(this.#entries), sent: undefined, retryMs: retryMinMs, cancel: undefined };
      this.#neighbours.set(name, neighbour);
      if (neighbour.due.size > 0) this.#arm(name, neighbour, gatherMs);
    }
  }

  /** Something happened here. False: there is no more room. */
  put(key: string, value: Value): boolean {
    return this.#take(key, value, undefined);
  }

  receive(from: string, body: MaelstromBody): void {
    if (body.type === 'gossip_ok') this.#onConfirmed(from, body['sequence']);
    else if (body.type === 'gossip') this.#onNews(from, body);
  }

  stop(): void {
    for (const { cancel } of this.#neighbours.values()) cancel?.();
  }

  #onNews(from: string, { sequence, entries }: MaelstromBody): void {
    if (!Array.isArray(entries)) return;
    for (const entry of entries as readonly unknown[]) {
      const [key, sent] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      const value = this.#options.read(sent);
      // What cannot be kept is not confirmed either.
      if (typeof key === 'string' && value !== undefined && !this.#take(key, value, from)) return;
    }
    this.#options.context.send(from, { type: 'gossip_ok', sequence });
  }

  #take(key: string, value: Value, from: string | undefined): boolean {
    const ours = this.#entries.get(key);
    if (ours === undefined && this.#entries.size >= entriesMax) return false;
    const joined = this.#options.join(ours, value);
    if (joined === undefined) return true;
    this.#entries.set(key, joined);
    for (const [name, neighbour] of this.#neighbours) {
      if (name === from) continue;
      neighbour.due.set(key, joined);
      if (neighbour.sent === undefined && neighbour.cancel === undefined) this.#arm(name, neighbour, gatherMs);
    }
    return true;
  }

  #onConfirmed(from: string, sequence: unknown): void {
    const neighbour = this.#neighbours.get(from);
    if (neighbour?.sent === undefined || neighbour.sent.sequence !== sequence) return;
    for (const [key, value] of neighbour.sent.entries) if (neighbour.due.get(key) === value) neighbour.due.delete(key);
    neighbour.sent = undefined;
    neighbour.retryMs = retryMinMs;
    neighbour.cancel?.();
    neighbour.cancel = undefined;
    if (neighbour.due.size > 0) this.#arm(from, neighbour, gatherMs);
  }

  #arm(name: string, neighbour: Neighbour<Value>, ms: Millis): void {
    const { clock } = this.#options.context;
    neighbour.cancel = clock.wakeAt(clock.now() + ms, () => this.#tell(name, neighbour));
  }

  #tell(name: string, neighbour: Neighbour<Value>): void {
    if (neighbour.sent !== undefined) neighbour.retryMs = Math.min(2 * neighbour.retryMs, retryMaxMs);
    const entries = new Map([...neighbour.due].slice(0, entriesPerMessage));
    neighbour.sent = { sequence: ++this.#sequence, entries };
    this.#options.context.send(name, { type: 'gossip', sequence: this.#sequence, entries: [...entries] });
    this.#arm(name, neighbour, neighbour.retryMs);
  }
}
