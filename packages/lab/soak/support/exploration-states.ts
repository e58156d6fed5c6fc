// States of a cluster that is explored: which were seen, and which comes next.
import type { Action, Space } from './explored-server.ts';

/** A state of the cluster: three servers, messages on their way, and what must not be forgotten of how it came here. */
export interface Global {
  readonly at: readonly number[];
  readonly flying: readonly number[];
  /** Who has led each term. */
  readonly leaders: readonly number[];
  /** Every entry that was ever committed by anybody: its term, and the term of the leader who did. */
  readonly committed: readonly Committed[];
  readonly before: { readonly state: Global; readonly move: Move } | undefined;
}

/** An entry that somebody has committed. */
export interface Committed {
  readonly term: number;
  readonly by: number;
}

/** What may happen next. */
export interface Move {
  readonly index: number;
  readonly key: string;
  readonly action: Action;
  /** The message that arrives; −1: none. */
  readonly used: number;
}

/** Remembers 53 bits of each state that was seen; of ten million states, one or none is taken for another. */
export class Seen {
  #table = new Float64Array(1 << 16);
  size = 0;

  /** False: it was there. */
  add({ at, flying, leaders, committed }: Global): boolean {
    let [high, low] = [0x9e37_79b9, 0x85eb_ca6b];
    const done = committed.flatMap(({ term, by }) => [term, by]);
    for (const value of [...at, -1, ...flying, -2, ...leaders.map((leader) => leader ?? -4), -3, ...done]) {
      high = Math.imul(high ^ value, 0x01_00_01_93) ^ (low >>> 13);
      low = Math.imul(low ^ (value + 0x9e37), 0xc2b2_ae35) ^ (high >>> 15);
    }
    const hash = ((high >>> 0) & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0) + 1;
    if (this.size * 2 > this.#table.length) this.#grow();
    return this.#insert(hash);
  }

  #insert(hash: number): boolean {
    const table = this.#table;
    let slot = hash % table.length;
    while (table[slot] !== 0) {
      if (table[slot] === hash) return false;
      slot = (slot + 1) % table.length;
    }
    table[slot] = hash;
    this.size++;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Float64Array(old.length * 2);
    this.size = 0;
    for (const hash of old) if (hash !== 0) this.#insert(hash);
  }
}

/** States that are known and not yet gone on from. */
export interface Frontier {
  push(state: Global): void;
  pop(): Global | undefined;
}

/** First come, first served: depth by depth. */
export class Queue implements Frontier {
  #layer: Global[] = [];
  #next: Global[] = [];
  #taken = 0;

  push(state: Global): void {
    this.#next.push(state);
  }

  pop(): Global | undefined {
    if (this.#taken === this.#layer.length) {
      this.#layer = this.#next;
      this.#next = [];
      this.#taken = 0;
    }
    return this.#layer[this.#taken++];
  }
}

/**
 * States that look alike (roles, logs, disks, commit indices) share a queue, and all queues are served in turn: a
 * million orders in which the same messages arrive do not keep the one that leads somewhere from its turn.
 */
export class RareFirst implements Frontier {
  readonly #space: Space;
  readonly #queues = new Map<string, Queue & { waiting: number }>();
  #turn: (Queue & { waiting: number })[] = [];
  #taken = 0;

  constructor(space: Space) {
    this.#space = space;
  }

  push(state: Global): void {
    const key = state.at.map((number) => this.#space.locals[number]?.kind).join();
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, (queue = Object.assign(new Queue(), { waiting: 0 })));
    if (queue.waiting++ === 0) this.#turn.push(queue);
    queue.push(state);
  }

  pop(): Global | undefined {
    const queue = this.#turn[this.#taken++];
    if (queue === undefined) return undefined;
    if (this.#taken > 100_000) {
      this.#turn = this.#turn.slice(this.#taken);
      this.#taken = 0;
    }
    if (--queue.waiting > 0) this.#turn.push(queue);
    return queue.pop();
  }
}
