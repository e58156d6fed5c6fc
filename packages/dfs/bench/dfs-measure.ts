// What is measured, and how: cells of one size and one number at once, sides that are measured in each of them, rows.

export const mebibyte = 1_048_576;

export interface Row {
  /** Who: grp, ceph, or the floor, which is three fsynced copies made by one process. */
  readonly of: string;
  readonly what: string;
  readonly atOnce: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  /** `rados bench` tells no percentiles. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly maxMs: number;
  /** Of this process for one: on a busy machine this says more than the rate. */
  readonly cpuUs?: number;
}

/** Files of one size, so many of them at once. */
export interface Cell {
  readonly size: string;
  readonly bytes: number;
  readonly count: number;
  readonly atOnce: number;
}

export interface Side {
  readonly put: (cell: Cell, turn: number) => Promise<Row>;
  readonly get?: (cell: Cell, turn: number) => Promise<readonly Row[]>;
}

export interface Work {
  readonly of: string;
  readonly what: string;
  readonly bytes: number;
  readonly count: number;
  readonly atOnce: number;
  readonly run: (index: number) => Promise<void>;
}

export interface Sizes {
  readonly small: number;
  readonly middle: number;
  readonly largeMiB: number;
}

export function cellsOf({ small, middle, largeMiB }: Sizes): readonly Cell[] {
  return [
    ...[1, 8, 32].map((atOnce) => ({ size: '4 KiB', bytes: 4_096, count: small, atOnce })),
    ...[1, 4].map((atOnce) => ({ size: '1 MiB', bytes: mebibyte, count: middle, atOnce })),
    { size: `${largeMiB} MiB`, bytes: largeMiB * mebibyte, count: 1, atOnce: 1 },
  ];
}

/** All sides in each cell, one right after the other: the speed of a disk drifts. Every other turn goes the other way round. */
export async function measureInTurns(
  cells: readonly Cell[],
  sides: readonly Side[],
  turns: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const cell of cells)
    for (let turn = 0; turn < turns; turn++)
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
        rows.push(await side.put(cell, turn));
        if (side.get !== undefined) rows.push(...(await side.get(cell, turn)));
      }
  return rows;
}

export async function measure({ of, what, bytes, count, atOnce, run }: Work): Promise<Row> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const from = performance.now();
      await run(index);
      latencies.push(performance.now() - from);
    }
  };
  const from = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  const rate = count / seconds;
  return tell({
    ...{ of, what, atOnce, perSecond: round(rate), megabytesPerSecond: round((rate * bytes) / 1e6) },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), cpuUs: Math.round((user + system) / count) },
  });
}

/** Says on stderr how far it is. */
export function tell(row: Row): Row {
  const { of, what, atOnce, perSecond, megabytesPerSecond, p50Ms, cpuUs } = row;
  const detail = p50Ms === undefined ? '' : `, p50 ${p50Ms} ms, ${cpuUs} us of CPU`;
  process.stderr.write(`${of}: ${what}, ${atOnce} at once: ${perSecond}/s, ${megabytesPerSecond} MB/s${detail}\n`);
  return row;
}

export function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
