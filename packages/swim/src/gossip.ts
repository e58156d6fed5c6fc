import { partOverheadBytes } from '@grp/memberlist-wire';

/** A datagram takes no more parts. */
const partsMax = 64;
/** So many parts that are too long for what is left of a datagram mean that it is full. */
const misfitsMax = 8;

interface Broadcast {
  readonly key: string;
  readonly part: Uint8Array;
  sends: number;
  /** False once replaced, dropped or sent often enough; it then waits in its bucket to be swept. */
  live: boolean;
}

/**
 * News waiting to be passed on, one piece per key: a newer piece about the same key replaces the older. What was sent
 * least often goes first, and of that what came last (SWIM §4.1).
 */
export class GossipQueue {
  readonly #byKey = new Map<string, Broadcast>();
  readonly #limit: number;
  /** By number of sends; within a bucket what came last stands last. Taking from the ends needs no sorting. */
  #buckets: Broadcast[][] = [];
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
    const broadcast: Broadcast = { key, part, sends: 0, live: true };
    this.#byKey.set(key, broadcast);
    this.#bucket(0).push(broadcast);
  }

  drop(key: string): void {
    const broadcast = this.#byKey.get(key);
    if (broadcast !== undefined) this.#remove(broadcast);
  }

  clear(): void {
    this.#byKey.clear();
    this.#buckets = [];
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
    for (const bucket of this.#buckets) {
      sweep(bucket);
      for (let index = bucket.length - 1; index >= 0; index--) {
        if (taken.length === partsMax || misfits === misfitsMax) break;
        const broadcast = bucket[index] as Broadcast;
        if (!broadcast.live) continue;
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
    const { key, part, sends } = broadcast;
    broadcast.live = false; // its place in the old bucket
    if (sends + 1 >= sendsMax) {
      this.#byKey.delete(key);
      return;
    }
    const moved: Broadcast = { key, part, sends: sends + 1, live: true };
    this.#byKey.set(key, moved);
    this.#bucket(sends + 1).push(moved);
  }

  /** What was sent most often goes, the oldest of it: the others have probably heard it. */
  #pushOut(): void {
    const fullest = this.#buckets.findLast((bucket) => bucket.some(({ live }) => live));
    const oldest = fullest?.find(({ live }) => live);
    if (oldest === undefined) return;
    this.#remove(oldest);
    this.droppedCount++;
  }

  #remove(broadcast: Broadcast): void {
    broadcast.live = false;
    this.#byKey.delete(broadcast.key);
  }

  #bucket(sends: number): Broadcast[] {
    const bucket = (this.#buckets[sends] ??= []);
    if (bucket.length > 2 * this.#byKey.size + 64) {
      this.#buckets[sends] = bucket.filter(({ live }) => live);
      return this.#buckets[sends];
    }
    return bucket;
  }
}

/** The dead at the end of a bucket are in the way of every later take. */
function sweep(bucket: Broadcast[]): void {
  while (bucket.at(-1)?.live === false) bucket.pop();
}
