// Rows side by side: each of ours as so many times Ceph's and the floor's, and whether what was promised is kept.
import type { Row } from './dfs-measure.ts';

export interface JudgedRow extends Row {
  /** So many times the rate of Ceph in the same run; absent where there is none. */
  readonly timesCeph?: number;
  readonly timesFloor?: number;
  /** Files per second of every turn, in the order in which they were measured; the row is the one in the middle. */
  readonly turns?: readonly number[];
}

export interface Promised {
  readonly promise: string;
  readonly wanted: number;
  readonly found: number;
  readonly timesCephWanted: number;
  readonly timesCeph: number | undefined;
  /** By its own measure or, on a slower disk, by Ceph's in the same run. */
  readonly kept: boolean;
}

// Files or megabytes (10⁶) per second, and the same divided by Ceph's best on the machine where the figures were chosen.
const bars = [
  { what: 'put 4 KiB', atOnce: 1, unit: 'perSecond', wanted: 450, timesCeph: 1 },
  { what: 'put 4 KiB', atOnce: 8, unit: 'perSecond', wanted: 2_000, timesCeph: 2.14 },
  { what: 'put 4 KiB', atOnce: 32, unit: 'perSecond', wanted: 4_000, timesCeph: 2.85 },
  { what: 'put 1 MiB', atOnce: 4, unit: 'megabytesPerSecond', wanted: 300, timesCeph: 1 },
  { what: 'put 1024 MiB', atOnce: 1, unit: 'megabytesPerSecond', wanted: 400, timesCeph: 1.18 },
  { what: 'get 1024 MiB', atOnce: 1, unit: 'megabytesPerSecond', wanted: 1_100, timesCeph: 1 },
] as const;

/** One row of each side, action and cell: the middle one of its turns (of two, the faster). */
export function rowsSideBySide(all: readonly Row[]): readonly JudgedRow[] {
  const groups = Map.groupBy(all, ({ of, what, atOnce }) => `${of} ${what} ${atOnce}`);
  const middles = [...groups.values()].flatMap((rows) => {
    const row = rows.toSorted((a, b) => a.perSecond - b.perSecond)[rows.length >> 1];
    if (row === undefined) return [];
    return [rows.length === 1 ? row : { ...row, turns: rows.map(({ perSecond }) => perSecond) }];
  });
  return middles.map((row) => {
    if (row.of !== 'grp') return row;
    const times = (side: string): number | undefined => {
      const other = middles.find(({ of, what, atOnce }) => of === side && what === row.what && atOnce === row.atOnce);
      // Not from rates: those of large files are small numbers, and rounded.
      return other && Math.round((row.megabytesPerSecond / other.megabytesPerSecond) * 100) / 100;
    };
    const [timesCeph, timesFloor] = [times('ceph'), times('floor')];
    return {
      ...row,
      ...(timesCeph !== undefined && { timesCeph }),
      ...(timesFloor !== undefined && { timesFloor }),
    };
  });
}

/** What was promised of rows that were measured. */
export function judge(rows: readonly JudgedRow[]): readonly Promised[] {
  return bars.flatMap(({ what, atOnce, unit, wanted, timesCeph: timesCephWanted }) => {
    const row = rows.find((one) => one.of === 'grp' && one.what === what && one.atOnce === atOnce);
    if (row === undefined) return [];
    const { [unit]: found, timesCeph } = row;
    const kept = found >= wanted || (timesCeph !== undefined && timesCeph >= timesCephWanted);
    const promise = `${what}, ${atOnce} at once: ${unit === 'perSecond' ? 'files' : 'MB'} per second`;
    return [{ promise, wanted, found, timesCephWanted, timesCeph, kept }];
  });
}
