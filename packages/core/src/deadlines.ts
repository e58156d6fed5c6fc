import type { Millis } from './ports.ts';

interface Entry<Key> {
  readonly key: Key;
  readonly at: Millis;
  readonly order: number;
  live: boolean;
}

/**
 * The timers of one machine, as data: `nextDeadline` is `earliest()`, and cancelling is forgetting. Deadlines at the
 * same instant come out in the order in which they were set. Setting and taking cost O(log n).
 */
export class Deadlines<Key> {
  readonly #current = new Map<Key, Entry<Key>>();
  // A binary min-heap by (at, order). Forgotten entries stay until they surface, so the heap may outgrow the map
  // for a while; `#compact` bounds it.
  #heap: Entry<Key>[] = [];
  #order = 0;

  get size(): number {
    return this.#current.size;
  }

  /** Sets or moves the deadline of `key`. */
  set(key: Key, at: Millis): void {
    const old = this.#current.get(key);
    if (old?.at === at) return;
    if (old !== undefined) old.live = false;
    const entry: Entry<Key> = { key, at, order: this.#order++, live: true };
    this.#current.set(key, entry);
    this.#push(entry);
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#compact();
  }

  delete(key: Key): boolean {
    const entry = this.#current.get(key);
    if (entry === undefined) return false;
    entry.live = false;
    return this.#current.delete(key);
  }

  get(key: Key): Millis | undefined {
    return this.#current.get(key)?.at;
  }

  earliest(): Millis | undefined {
    while (this.#heap[0]?.live === false) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Takes out the first key whose deadline is not after `now`. */
  takeDue(now: Millis): Key | undefined {
    const at = this.earliest();
    if (at === undefined || at > now) return undefined;
    const entry = this.#pop() as Entry<Key>;
    this.#current.delete(entry.key);
    return entry.key;
  }

  #compact(): void {
    const live = this.#heap.filter((entry) => entry.live);
    this.#heap = live.toSorted((a, b) => a.at - b.at || a.order - b.order); // a sorted array is a heap
  }

  #push(entry: Entry<Key>): void {
    const heap = this.#heap;
    let child = heap.push(entry) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Entry<Key>;
      if (!before(entry, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  #pop(): Entry<Key> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || last === top) return top;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry<Key>, heap[child] as Entry<Key>)) child++;
      const below = heap[child] as Entry<Key>;
      if (!before(below, last)) break;
      heap[parent] = below;
      parent = child;
    }
    heap[parent] = last;
    return top;
  }
}

function before<Key>(a: Entry<Key>, b: Entry<Key>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
