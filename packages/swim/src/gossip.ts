import { partOverheadBytes } from '@grp/memberlist-wire';

/** A datagram takes no more parts. */
const partsMax = 64;
/** So many parts that are too long for what is left of a datagram mean that it is full. */
const misfitsMax = 8;

interface Broadcast {
  readonly key: string;
  readonly part: Uint8Array;
  sends: number;
  /** Neighbours among what was sent equally often. */
  older: Broadcast | undefined;
  newer: Broadcast | undefined;
}

/**
 * News waiting to be passed on, one piece per key: a newer piece about the same key replaces the older. What was sent
 * least often goes first, and of that what came last (SWIM §4.1).
 */
export class GossipQueue {
  readonly #byKey = new Map<string, Broadcast>();
  readonly #limit: number;
  /** By number of sends, the two ends of a linked list each: taking and moving need no sorting and no allocation. */
  readonly #newest: (Broadcast | undefined)[] = [];
  readonly #oldest: (Broadcast | undefined)[] = [];
  /** Pieces pushed out because the queue was full. */
  droppedCount = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(key: string, part: Uint8Array): void {
    this.drop(key);
    if (this.#byKey.size >= this.#limit) this.#pushOut();
    const broadcast: Broadcast = { key, part, sends: 0, older: undefined, newer: undefined };
    this.#byKey.set(key, broadcast);
    this.#link(broadcast);
  }

  drop(key: string): void {
    const broadcast = this.#byKey.get(key);
    if (broadcast !== undefined) this.#remove(broadcast);
  }

  clear(): void {
    this.#byKey.clear();
    this.#newest.length = 0;
    this.#oldest.length = 0;
  }

  /**
   * Parts for one datagram, at most `bytes` of them with their overhead. `counted` is false for a receiver that is
   * down: telling it must not use up a send that a living member needs.
   */
  take(bytes: number, sendsMax: number, counted: boolean): Uint8Array[] {
    if (this.#byKey.size === 0) return [];
    const taken: Broadcast[] = [];
    let left = bytes;
    let misfits = 0;
    for (let sends = 0; sends < this.#newest.length; sends++) {
      for (let broadcast = this.#newest[sends]; broadcast !== undefined; broadcast = broadcast.older) {
        if (taken.length === partsMax || misfits === misfitsMax) break;
        const size = broadcast.part.length + partOverheadBytes;
        if (size > left) {
          misfits++;
          continue;
        }
        left -= size;
        taken.push(broadcast);
      }
    }
    if (counted) for (const broadcast of taken) this.#count(broadcast, sendsMax);
    return taken.map(({ part }) => part);
  }

  #count(broadcast: Broadcast, sendsMax: number): void {
    if (broadcast.sends + 1 >= sendsMax) {
      this.#remove(broadcast);
      return;
    }
    this.#unlink(broadcast);
    broadcast.sends++;
    this.#link(broadcast);
  }

  /** What was sent most often goes, the oldest of it: the others have probably heard it. */
  #pushOut(): void {
    const oldest = this.#oldest.findLast((broadcast) => broadcast !== undefined);
    if (oldest === undefined) return;
    this.#remove(oldest);
    this.droppedCount++;
  }

  #remove(broadcast: Broadcast): void {
    this.#unlink(broadcast);
    this.#byKey.delete(broadcast.key);
  }

  #link(broadcast: Broadcast): void {
    const { sends } = broadcast;
    while (this.#newest.length <= sends) {
      this.#newest.push(undefined);
      this.#oldest.push(undefined);
    }
    const newest = this.#newest[sends];
    broadcast.older = newest;
    broadcast.newer = undefined;
    if (newest === undefined) this.#oldest[sends] = broadcast;
    else newest.newer = broadcast;
    this.#newest[sends] = broadcast;
  }

  #unlink({ sends, older, newer }: Broadcast): void {
    if (newer === undefined) this.#newest[sends] = older;
    else newer.older = older;
    if (older === undefined) this.#oldest[sends] = newer;
    else older.newer = newer;
  }
}
