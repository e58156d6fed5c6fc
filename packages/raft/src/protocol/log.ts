import { invariant } from '@grp/core';
import { entryBytes, type Entry, type LogIndex, type LogPosition, type Term } from '../types.ts';
import type { OpenWrite, Rules } from './rules.ts';

/** Entries of one term that follow each other: `from` up to the next run. */
export interface TermRun {
  readonly from: LogIndex;
  readonly term: Term;
}

/** What a log holds at the start of a life. */
export interface LogContents {
  /** The place before the first entry. */
  readonly base: LogPosition;
  readonly runs: readonly TermRun[];
  readonly last: LogIndex;
  /** The newest entries, up to `last`, or fewer, or none: the rest is read when it is needed. */
  readonly tail?: readonly Entry[];
}

/**
 * The log as the machine sees it: the term of every entry, the newest entries themselves, and how far the disk has them.
 * Entries that are neither new nor needed soon live on disk alone. Terms cost a few bytes per election.
 */
export class LogView {
  readonly #rules: Pick<Rules, 'durableThrough'>;
  // The place before the first entry.
  #base: LogPosition;
  #runs: TermRun[];
  #last: LogIndex;
  #cache: Entry[] = [];
  #cacheBytes = 0;
  #writes: OpenWrite[] = [];
  #durable: LogIndex;
  // Followers that keep up are all sent the same entries: they are cut, and then encoded, once.
  #sliced: { readonly from: LogIndex; readonly bytesMax: number; readonly entries: readonly Entry[] } | undefined;

  constructor({ base, runs, last, tail = [] }: LogContents, rules: Pick<Rules, 'durableThrough'>) {
    this.#base = base;
    this.#runs = [...runs];
    this.#last = last;
    this.#durable = last;
    this.#rules = rules;
    this.#cache = [...tail];
    for (const entry of tail) this.#cacheBytes += entryBytes(entry);
    invariant(tail.length === 0 || tail.at(-1)?.index === last, 'the tail of the log ends where the log ends');
  }

  get base(): LogPosition {
    return this.#base;
  }

  get lastIndex(): LogIndex {
    return this.#last;
  }

  get last(): LogPosition {
    return { index: this.#last, term: this.lastTerm };
  }

  get lastTerm(): Term {
    return this.#runs.at(-1)?.term ?? this.#base.term;
  }

  /** All up to here is on disk, and still in the log. */
  get durable(): LogIndex {
    return this.#durable;
  }

  get cacheFrom(): LogIndex {
    return this.#last - this.#cache.length + 1;
  }

  get cacheBytes(): number {
    return this.#cacheBytes;
  }

  get runs(): readonly TermRun[] {
    return this.#runs;
  }

  /** The term of an entry, or of the place before the first; undefined outside of the log. */
  term(index: LogIndex): Term | undefined {
    if (index > this.#last || index < this.#base.index) return undefined;
    return index === this.#base.index ? this.#base.term : this.#runs[this.#runOf(index)]?.term;
  }

  /** Where two logs may still agree: the last place up to `index` whose term is not above `term`. */
  lastPlace({ index, term }: LogPosition): LogPosition {
    const at = Math.min(index, this.#last);
    for (let run = this.#runOf(at), through = at; run >= 0; run--) {
      const { from, term: own } = this.#runs[run] as TermRun;
      if (own <= term) return { index: through, term: own };
      through = from - 1;
    }
    return this.#base;
  }

  append(entries: readonly Entry[]): void {
    this.#sliced = undefined;
    for (const entry of entries) {
      invariant(entry.index === this.#last + 1, 'entries follow each other without a gap');
      invariant(entry.term >= this.lastTerm, 'terms in a log never fall');
      if (entry.term !== this.lastTerm || this.#runs.length === 0)
        this.#runs.push({ from: entry.index, term: entry.term });
      this.#last = entry.index;
      this.#cache.push(entry);
      this.#cacheBytes += entryBytes(entry);
    }
  }

  /** Removes all entries from here on. */
  truncateFrom(index: LogIndex): void {
    invariant(index > this.#base.index && index <= this.#last, 'only entries of the log are removed');
    this.#sliced = undefined;
    const keep = Math.max(0, index - this.cacheFrom);
    for (const entry of this.#cache.splice(keep)) this.#cacheBytes -= entryBytes(entry);
    while ((this.#runs.at(-1)?.from ?? 0) >= index) this.#runs.pop();
    this.#last = index - 1;
    this.#durable = Math.min(this.#durable, this.#last);
    for (const write of this.#writes) write.last = Math.min(write.last, this.#last);
  }

  /** Entries from `from` on, at least one; undefined when they are on disk only. */
  slice(from: LogIndex, bytesMax: number): readonly Entry[] | undefined {
    const start = from - this.cacheFrom;
    if (start < 0) return undefined;
    const known = this.#sliced;
    if (known?.from === from && known.bytesMax === bytesMax) return known.entries;
    let [end, bytes] = [start, 0];
    while (end < this.#cache.length) {
      bytes += entryBytes(this.#cache[end] as Entry);
      if (bytes > bytesMax && end > start) break;
      end++;
    }
    const entries = this.#cache.slice(start, end);
    this.#sliced = { from, bytesMax, entries };
    return entries;
  }

  /** A write of these entries has been handed to the disk. */
  wrote(write: OpenWrite): void {
    this.#writes.push({ ...write });
  }

  /** The disk has everything up to this write. */
  confirm(number: number): void {
    const count = this.#writes.findIndex((write) => write.number > number);
    const confirmed = this.#writes.splice(0, count < 0 ? this.#writes.length : count);
    this.#durable = this.#rules.durableThrough(confirmed, this.#durable);
    invariant(this.#durable <= this.#last, 'what is durable is in the log');
  }

  /** Forgets entries up to here, which a snapshot stands for. */
  compact(through: LogIndex): void {
    const term = this.term(through);
    invariant(term !== undefined && through <= this.#durable, 'what is compacted is in the log and durable');
    const rest = this.#runs.slice(Math.max(0, this.#runOf(through + 1)));
    const [first, ...later] = rest;
    this.#runs = first === undefined || through === this.#last ? [] : [{ ...first, from: through + 1 }, ...later];
    this.#base = { index: through, term };
    this.#dropCache(through);
  }

  /** The log is empty and begins after this place. */
  reset(base: LogPosition): void {
    this.#sliced = undefined;
    this.#base = base;
    this.#runs = [];
    this.#last = base.index;
    this.#durable = base.index;
    this.#cache = [];
    this.#cacheBytes = 0;
    this.#writes = [];
  }

  /** Lets entries go that are on disk and not needed soon, while there are too many bytes of them. */
  evict(through: LogIndex, bytesMax: number): void {
    if (this.#cacheBytes <= bytesMax * 1.25) return; // a few at a time would move the rest each time
    let [count, bytes] = [0, this.#cacheBytes];
    const countMax = Math.min(through, this.#durable) - this.cacheFrom + 1;
    while (count < countMax && bytes > bytesMax) bytes -= entryBytes(this.#cache[count++] as Entry);
    if (count > 0) this.#dropCache(this.cacheFrom + count - 1);
  }

  #dropCache(through: LogIndex): void {
    const count = through - this.cacheFrom + 1;
    if (count <= 0) return;
    this.#sliced = undefined;
    for (const entry of this.#cache.splice(0, count)) this.#cacheBytes -= entryBytes(entry);
  }

  #runOf(index: LogIndex): number {
    let [low, high] = [0, this.#runs.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as TermRun).from <= index) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}
