import type { Entry } from './types.ts';

/** The newest entries, without gaps, as many as fit. What is not yet written is never let go. */
export class TailCache {
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  /** How many at the front of the array are gone; they are cut off now and then. */
  #skipped = 0;
  #bytes = 0;
  /** Entries elsewhere in the log that are not written yet. */
  readonly #pinned = new Map<number, Entry>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Entry): void {
    if (this.#length() > 0 && entry.index !== (this.#entries.at(-1) as Entry).index + 1) this.#forget();
    this.#entries.push(entry);
    this.#bytes += cost(entry);
  }

  /** Lets the oldest entries up to `writtenTo` go until the rest fits. */
  trim(writtenTo: number): void {
    while (this.#bytes > this.#bytesMax && this.#length() > 0) {
      const oldest = this.#entries[this.#skipped] as Entry;
      if (oldest.index > writtenTo) break;
      this.#bytes -= cost(oldest);
      this.#skipped++;
    }
    if (this.#skipped > 1_024 && this.#skipped * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#skipped);
      this.#skipped = 0;
    }
  }

  truncate(from: number): void {
    for (const index of this.#pinned.keys()) if (index >= from) this.#pinned.delete(index);
    while (this.#length() > 0 && (this.#entries.at(-1) as Entry).index >= from)
      this.#bytes -= cost(this.#entries.pop() as Entry);
  }

  /** Another entry for an index that is in the log already; kept until `unpin`. */
  pin(entry: Entry): void {
    this.#pinned.set(entry.index, entry);
    const at = this.#at(entry.index);
    const before = this.#entries[at];
    if (before === undefined || at < this.#skipped) return;
    this.#bytes += cost(entry) - cost(before);
    this.#entries[at] = entry;
  }

  unpin(): void {
    this.#pinned.clear();
  }

  clear(): void {
    this.#pinned.clear();
    this.#forget();
  }

  /** Undefined when it is not here. */
  get(index: number): Entry | undefined {
    const pinned = this.#pinned.size === 0 ? undefined : this.#pinned.get(index);
    if (pinned !== undefined) return pinned;
    const at = this.#at(index);
    return at < this.#skipped ? undefined : this.#entries[at];
  }

  // Where an index is in the array, if it is there.
  #at(index: number): number {
    const first = this.#entries[this.#skipped];
    return first === undefined ? -1 : this.#skipped + index - first.index;
  }

  #forget(): void {
    this.#entries = [];
    this.#skipped = 0;
    this.#bytes = 0;
  }

  #length(): number {
    return this.#entries.length - this.#skipped;
  }
}

// Besides the payload, an entry costs an object, a number or two, and a view of bytes.
function cost(entry: Entry): number {
  return entry.payload.length + 160;
}
