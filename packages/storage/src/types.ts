import type { GrpError } from '@grp/core';

/** One entry of the log. Indexes start at 1 and have no gaps; the payload is opaque. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/** A place in the log: an index and the term of the entry there. `{0, 0}` is before the first. */
export interface LogPoint {
  readonly index: number;
  readonly term: number;
}

/** Indexes, both ends included. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/**
 * What is wrong with a log. Whoever finds this must not vote, acknowledge or lead before peers have settled the ranges,
 * and then calls `repair`, `truncate` or `reset`, and `settle`.
 */
export interface Damage {
  /** Entries that were in the log for certain and cannot be read. Sorted, apart, above the snapshot. */
  readonly corrupt: readonly IndexRange[];
  /**
   * Entries from here on may have been in the log and acknowledged: its end is torn, rotten or cut off. Undefined: the
   * end is whole.
   */
  readonly uncertainFrom: number | undefined;
  /**
   * Entries up to here were known as committed before the damage and are as they were. Above it an undamaged entry may
   * be one that a lost truncation had removed; the match with a leader's log tells.
   */
  readonly certainTo: number;
  /** `suspect`: a newer hard state than the one returned may have been saved. */
  readonly hardState: 'intact' | 'suspect';
  /** A snapshot was there and is gone or cannot be read; its index, or the least that it can have been. */
  readonly snapshotLost: number | undefined;
}

/** What was found on the disk. */
export interface Recovered {
  /** Entries are `firstIndex` … `lastIndex`; none when `lastIndex` is `firstIndex - 1`. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The entry before the first, compacted away. */
  readonly compacted: LogPoint;
  /** As given to `append`; undefined when none was ever saved. */
  readonly hardState: Uint8Array | undefined;
  /** A commit index that the log once held, perhaps an old one; 0 when unknown. Never above `lastIndex`. */
  readonly commitHint: number;
  readonly snapshot: SnapshotInfo | undefined;
  /** Undefined: nothing is wrong. */
  readonly damage: Damage | undefined;
}

export interface SnapshotInfo extends LogPoint {
  /** What the writer gave along, such as the membership. */
  readonly metadata: Uint8Array;
  /** Of the content, without framing. */
  readonly sizeBytes: number;
}

/** Counts upwards with each change of a log; `durable` with a ticket covers all tickets up to it. */
export type Ticket = number;

/** What a log tells. */
export type LogEvent =
  /** Everything up to this ticket survives a power cut. */
  | { readonly type: 'durable'; readonly ticket: Ticket }
  /** The disk failed. Nothing becomes durable any more, and every call throws: end the process. */
  | { readonly type: 'failed'; readonly error: GrpError }
  /** There is no room for another segment: hand over leadership. Appends are taken while the last one has room. */
  | { readonly type: 'full' }
  /** There is room again, on the disk or in the queue: what was refused may be tried again. */
  | { readonly type: 'room' };
