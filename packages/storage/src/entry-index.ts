import { invariant } from '@grp/core';

/** Where an entry's frame is. */
export interface Position {
  /** Segment id; 0 when the entry is damaged. */
  readonly segment: number;
  readonly offset: number;
  /** Of the whole frame. */
  readonly bytes: number;
}

const growBy = 1_024;

/**
 * Where each entry of the log is, and its term: 16 bytes an entry, in typed arrays that move along with the log. Damaged
 * entries are holes in it.
 */
export class EntryIndex {
  #first = 1;
  /** Where the first entry is in the arrays. */
  #start = 0;
  #count = 0;
  #segments = new Uint32Array(growBy);
  #offsets = new Uint32Array(growBy);
  #bytes = new Uint32Array(growBy);
  /** Terms by index where they begin, ascending; 0 is an unknown term. */
  #runs: { from: number; term: number }[] = [];
  /** Terms of repaired entries, which may differ from their run. */
  readonly #repaired = new Map<number, number>();
  readonly #live = new Map<number, number>();
  #holeCount = 0;

  get first(): number {
    return this.#first;
  }

  /** `first - 1` when there are none. */
  get last(): number {
    return this.#first + this.#count - 1;
  }

  get holeCount(): number {
    return this.#holeCount;
  }

  /** How many entries of the log are in this segment. */
  liveCount(segment: number): number {
    return this.#live.get(segment) ?? 0;
  }

  has(index: number): boolean {
    return index >= this.#first && index <= this.last;
  }

  position(index: number): Position {
    invariant(this.has(index), 'the entry is in the log');
    const at = this.#start + index - this.#first;
    return {
      segment: this.#segments[at] as number,
      offset: this.#offsets[at] as number,
      bytes: this.#bytes[at] as number,
    };
  }

  /** 0 when it is not known, which only a damaged entry's is. */
  term(index: number): number {
    invariant(this.has(index), 'the entry is in the log');
    const repaired = this.#repaired.size === 0 ? undefined : this.#repaired.get(index);
    if (repaired !== undefined) return repaired;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#runs[middle] as { from: number }).from <= index) low = middle;
      else high = middle - 1;
    }
    return (this.#runs[low] as { term: number }).term;
  }

  push(term: number, segment: number, offset: number, bytes: number): void {
    this.#makeRoom();
    const at = this.#start + this.#count;
    this.#segments[at] = segment;
    this.#offsets[at] = offset;
    this.#bytes[at] = bytes;
    this.#count++;
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ from: this.last, term });
    this.#countLive(segment, 1);
  }

  pushHole(term = 0): void {
    this.push(term, 0, 0, 0);
  }

  /** A new place for an entry that is there, damaged or not. */
  replace(index: number, term: number, { segment, offset, bytes }: Position): void {
    const at = this.#start + index - this.#first;
    this.#countLive(this.position(index).segment, -1);
    this.#segments[at] = segment;
    this.#offsets[at] = offset;
    this.#bytes[at] = bytes;
    this.#countLive(segment, 1);
    if (this.term(index) !== term) this.#repaired.set(index, term);
  }

  /** Entries from `from` on go. */
  truncate(from: number): void {
    for (let index = Math.max(from, this.#first); index <= this.last; index++)
      this.#countLive(this.position(index).segment, -1);
    this.#count = Math.max(0, Math.min(this.#count, from - this.#first));
    while (this.#runs.length > 0 && (this.#runs.at(-1) as { from: number }).from > this.last) this.#runs.pop();
    for (const index of this.#repaired.keys()) if (index > this.last) this.#repaired.delete(index);
  }

  /** Entries up to `to` go; the log then begins after it, even when it ended before. */
  dropTo(to: number): void {
    if (to < this.#first) return;
    if (to >= this.last) return this.reset(to);
    for (let index = this.#first; index <= to; index++) this.#countLive(this.position(index).segment, -1);
    const dropped = to + 1 - this.#first;
    this.#start += dropped;
    this.#count -= dropped;
    this.#first = to + 1;
    let gone = 0;
    while (gone + 1 < this.#runs.length && (this.#runs[gone + 1] as { from: number }).from <= this.#first) gone++;
    if (gone > 0) this.#runs.splice(0, gone);
    for (const index of this.#repaired.keys()) if (index < this.#first) this.#repaired.delete(index);
  }

  /** Nothing is left; the next entry is the one after `last`. */
  reset(last: number): void {
    this.#first = last + 1;
    this.#start = 0;
    this.#count = 0;
    this.#runs = [];
    this.#repaired.clear();
    this.#live.clear();
    this.#holeCount = 0;
  }

  /** Runs of damaged entries, ascending. */
  holes(): readonly { readonly from: number; readonly to: number }[] {
    const found: { from: number; to: number }[] = [];
    if (this.#holeCount === 0) return found;
    for (let index = this.#first; index <= this.last; index++) {
      if (this.position(index).segment !== 0) continue;
      const run = found.at(-1);
      if (run !== undefined && run.to === index - 1) run.to = index;
      else found.push({ from: index, to: index });
    }
    return found;
  }

  #countLive(segment: number, change: number): void {
    if (segment === 0) this.#holeCount += change;
    else this.#live.set(segment, (this.#live.get(segment) ?? 0) + change);
  }

  #makeRoom(): void {
    const end = this.#start + this.#count;
    if (end < this.#segments.length) return;
    // What was dropped in front makes room when it is at least half; otherwise the arrays grow by half.
    const capacity = this.#start >= this.#count ? this.#segments.length : Math.ceil(end * 1.5) + growBy;
    this.#segments = moved(this.#segments, this.#start, end, capacity);
    this.#offsets = moved(this.#offsets, this.#start, end, capacity);
    this.#bytes = moved(this.#bytes, this.#start, end, capacity);
    this.#start = 0;
  }
}

function moved(array: Uint32Array, from: number, to: number, capacity: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(capacity);
  next.set(array.subarray(from, to));
  return next;
}
