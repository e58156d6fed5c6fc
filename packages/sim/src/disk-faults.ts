import type { Millis } from '@grp/core';
import type { Delay } from './delay.ts';

/** What the disks of a world are like when nothing is wrong. */
export interface DiskSettings {
  /** Bytes of all files together (default 1 GiB). */
  readonly capacityBytes: number;
  /** How long an operation takes that needs no flush (default 0.05 … 0.2 ms). Operations side by side may overtake. */
  readonly operation: Delay;
  /** How long a flush takes (default 1 … 4 ms). Flushes of one disk queue up. */
  readonly sync: Delay;
}

export const defaultDiskSettings: DiskSettings = {
  capacityBytes: 1_073_741_824,
  operation: { minMs: 0.05, maxMs: 0.2 },
  sync: { minMs: 1, maxMs: 4 },
};

/** What is wrong with one disk. Probabilities are 0 … 1 for each operation; what is left out is in order. */
export interface DiskFaults {
  /** Reads that fail with DISK_IO. */
  readonly readError?: number;
  /** Writes, and other changes, that fail with DISK_IO and change nothing. */
  readonly writeError?: number;
  /** Flushes that fail with DISK_IO. The kernel then takes the pages for clean: a second flush says yes and saves nothing. */
  readonly syncError?: number;
  /** Flushes that say yes and save nothing yet, as a disk that lies about its cache. */
  readonly lostSync?: number;
  /** Reads that find one bit flipped, for good. */
  readonly rot?: number;
  /** More time for each operation. */
  readonly slowMs?: Millis;
  /** Nothing completes until this is taken back. */
  readonly hang?: boolean;
  /** There is no room left. */
  readonly full?: boolean;
}

/** One disk as a test sees it. */
export interface DiskControl {
  /** Replaces all faults; `{}` ends them. */
  setFaults(faults: DiskFaults): void;
  /** Flips the lowest bit of one byte of a file, on the platter and in memory. @throws GrpError DISK_NOT_FOUND */
  rot(file: string, offset: number): void;
  /** The bytes a process would read now. @throws GrpError DISK_NOT_FOUND */
  peek(file: string): Uint8Array;
  /** File names, sorted. */
  files(): readonly string[];
}
