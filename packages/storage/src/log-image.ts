import { EntryIndex, type Position } from './entry-index.ts';
import { frameTypes, getUint53, viewOf } from './frame.ts';
import { decodeStart, type HardStateCopy, type Unsettled } from './segment.ts';
import type { IndexRange, LogPoint } from './types.ts';

/** What a frame says, without where and how it was written. */
export interface FrameContent {
  readonly type: number;
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/**
 * What the frames of a log say together, as far as they have been applied. Recovery applies what it reads and the writer
 * what it writes: both are the same, so that a log is after a restart what it was before.
 */
export class LogImage {
  readonly index = new EntryIndex();
  compacted: LogPoint = { index: 0, term: 0 };
  /** The entry before the first that was ever applied. */
  #base: LogPoint = { index: 0, term: 0 };
  hardState: HardStateCopy | undefined;
  commitHint = 0;
  unsettled: Unsettled | undefined;
  #isBegun = false;

  get last(): LogPoint {
    const { last } = this.index;
    return { index: last, term: this.term(last) ?? 0 };
  }

  /** 0: unknown, of a damaged entry. Undefined: not in the log, nor just before it. */
  term(index: number): number | undefined {
    if (this.index.has(index)) return this.index.term(index);
    if (index === this.compacted.index) return this.compacted.term;
    return index === this.#base.index ? this.#base.term : undefined;
  }

  apply(frame: FrameContent, position: Position): void {
    const { type, index, term, payload } = frame;
    if (type === frameTypes.entry) {
      if (index <= this.compacted.index) return;
      this.#endAt({ index: index - 1, term: 0 });
      this.index.push(term, position.segment, position.offset, position.bytes);
    } else if (type === frameTypes.repair) {
      if (this.index.has(index)) this.index.replace(index, term, position);
    } else if (type === frameTypes.truncate) this.#endAt({ index: index - 1, term });
    else if (type === frameTypes.reset) this.#resetTo({ index, term });
    else {
      if (type === frameTypes.start) this.#begin({ index, term }, payload);
      else this.#endAt({ index, term });
      if (type === frameTypes.hardState && payload.length >= 8) {
        this.hardState = { sequence: getUint53(viewOf(payload), 0), bytes: payload.slice(8) };
        if (this.unsettled?.isHardStateSuspect === true)
          this.unsettled = { ...this.unsettled, isHardStateSuspect: false };
      } else if (type === frameTypes.mark && payload.length >= 8) this.commitHint = getUint53(viewOf(payload), 0);
      else if (type === frameTypes.compact && payload.length >= 16) this.#compact(pointAt(payload));
      else if (type === frameTypes.settle) this.unsettled = undefined;
    }
  }

  /** An entry is known to have been here, and cannot be read. */
  applyLost({ index, term }: LogPoint): void {
    if (index <= this.compacted.index) return;
    this.#endAt({ index: index - 1, term: 0 });
    this.index.pushHole(term);
  }

  /** An entry was replaced, and the one in its place cannot be read: the one before must not come back. */
  applyLostRepair({ index, term }: LogPoint): void {
    if (this.index.has(index)) this.index.replace(index, term, { segment: 0, offset: 0, bytes: 0 });
  }

  /** What lies above the commit hint may be left over from a truncation or a repair that was lost. */
  distrustUncommitted(): void {
    const { last, first } = this.index;
    for (let index = Math.max(first, this.commitHint + 1); index <= last; index++)
      this.index.replace(index, 0, { segment: 0, offset: 0, bytes: 0 });
  }

  /** A hard state may have been lost. The next one that is whole settles that. */
  distrustHardState(): void {
    const { commitHint } = this;
    const known = this.unsettled ?? { uncertainFrom: 0, certainTo: commitHint, snapshotLost: 0 };
    this.unsettled = { ...known, isHardStateSuspect: true };
  }

  /** The log goes on after a snapshot, which stands for all before it. */
  startAfter(point: LogPoint): void {
    const isWithin = point.index < this.index.last && point.index >= this.index.first - 1;
    // An entry of another term there means that the log took another way than the snapshot. A damaged one may be the same,
    // and what is above it is judged by the match with a leader's log as always.
    const term = isWithin ? (this.term(point.index) ?? 0) : undefined;
    if (term === point.term || term === 0) this.#compact(point);
    else this.#resetTo(point);
  }

  /** Adds the entries that ought to be between what was compacted away and the first one, as damaged. */
  completeFront(): void {
    const { index, compacted } = this;
    if (index.first <= compacted.index + 1) return;
    const kept: { term: number; position: Position }[] = [];
    for (let at = index.first; at <= index.last; at++)
      kept.push({ term: index.term(at), position: index.position(at) });
    const missing = index.first - 1 - compacted.index;
    index.reset(compacted.index);
    for (let count = 0; count < missing; count++) index.pushHole();
    for (const { term, position } of kept) index.push(term, position.segment, position.offset, position.bytes);
  }

  holesAbove(point: number): readonly IndexRange[] {
    return this.index
      .holes()
      .filter(({ to }) => to > point)
      .map(({ from, to }) => ({ from: Math.max(from, point + 1), to }));
  }

  #begin(point: LogPoint, payload: Uint8Array): void {
    const record = decodeStart(payload);
    // Before the end is compared: what was compacted away is not missing.
    if (record !== undefined && record.compacted.index > this.compacted.index) this.#compact(record.compacted);
    this.#endAt(point);
    if (record === undefined) return;
    this.commitHint = Math.max(this.commitHint, record.commitHint);
    if ((record.hardState?.sequence ?? 0) >= (this.hardState?.sequence ?? 0)) this.hardState = record.hardState;
    this.unsettled = record.unsettled;
  }

  // The log ends here, as a whole frame says: what should be before is damaged, what is after has been truncated.
  #endAt({ index, term }: LogPoint): void {
    // At the first frame there is, or when a truncation went back to before it: older segments are not needed any more.
    if (!this.#isBegun || index < this.index.first - 1) {
      this.#isBegun = true;
      const base = index < this.compacted.index ? this.compacted : { index, term };
      this.index.reset(base.index);
      this.#base = base;
      return;
    }
    if (this.index.last > index) this.index.truncate(index + 1);
    while (this.index.last < index) this.index.pushHole(this.index.last + 1 === index ? term : 0);
  }

  #resetTo(point: LogPoint): void {
    this.#isBegun = true;
    this.index.reset(point.index);
    this.compacted = point;
    this.#base = point;
  }

  #compact(point: LogPoint): void {
    this.compacted = point;
    this.index.dropTo(point.index);
  }
}

function pointAt(payload: Uint8Array): LogPoint {
  const view = viewOf(payload);
  return { index: getUint53(view, 0), term: getUint53(view, 8) };
}
