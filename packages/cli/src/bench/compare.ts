import type { SizeResult } from './measure.ts';
import { rounded, summarize, type Summary } from './statistics.ts';

/** One figure of both systems. Null: not measured. */
export interface Comparison {
  readonly members: number;
  readonly what: string;
  readonly unit: 's' | 'B/s' | '1/s' | '%' | 'MB' | 'times';
  readonly ours: number | 'never' | null;
  readonly theirs: number | 'never' | null;
  /** Ours divided by theirs: below 1 is less than they take. */
  readonly ratio: number | null;
}

type Figure = readonly [what: string, unit: Comparison['unit'], of: (size: SizeResult) => number | null | undefined];

const figures: readonly Figure[] = [
  ...timesOf('killed: first list', ({ kills }) => kills.map(({ firstMs }) => firstMs), ['p50', 'p90', 'p99', 'max']),
  ...timesOf('killed: last list', ({ kills }) => kills.map(({ lastMs }) => lastMs), ['p50', 'p90', 'p99', 'max']),
  ...timesOf('three killed: all in some list', ({ triples }) => triples.map(({ firstMs }) => firstMs), ['p50', 'max']),
  ...timesOf('three killed: last list', ({ triples }) => triples.map(({ lastMs }) => lastMs), ['p50', 'max']),
  ...timesOf('join: first list', ofMoves('join', 'firstMs'), ['p50']),
  ...timesOf('join: last list', ofMoves('join', 'lastMs'), ['p50', 'max']),
  ...timesOf('join: from first to last list', joinSpread, ['p50', 'max']),
  ...timesOf('leave: first list', ofMoves('leave', 'firstMs'), ['p50']),
  ...timesOf('leave: last list', ofMoves('leave', 'lastMs'), ['p50', 'max']),
  ['running members taken for gone', 'times', ({ wronged }) => wronged.length],
  ['idle: UDP sent, with headers', 'B/s', ({ steady }) => steady?.wire?.udp.ipBytes],
  ['idle: UDP packets sent', '1/s', ({ steady }) => steady?.wire?.udp.packets],
  ['idle: UDP sent, own count', 'B/s', ({ steady }) => steady?.own?.ipBytes],
  ['idle: TCP sent, with headers', 'B/s', ({ steady }) => steady?.wire?.tcp.ipBytes],
  ['idle: processor per member', '%', ({ steady }) => steady?.cpuPercent],
  [
    'idle: memory per member',
    'MB',
    ({ steady }) => (steady?.residentBytes == null ? null : rounded(steady.residentBytes / 1e6, 1)),
  ],
];

/** All figures of both systems side by side, size by size; figures that neither has are left out. */
export function compare(ours: readonly SizeResult[], theirs: readonly SizeResult[]): readonly Comparison[] {
  return ours.flatMap((size) => {
    const other = theirs.find(({ members }) => members === size.members);
    const rows = figures.map(([what, unit, of]): Comparison => {
      const a = of(size) ?? null;
      const b = other === undefined ? null : (of(other) ?? null);
      const comparable = a !== null && b !== null && b !== 0 && Number.isFinite(a) && Number.isFinite(b);
      const ratio = comparable ? rounded(a / b, 2) : null;
      return { members: size.members, what, unit, ours: said(a), theirs: said(b), ratio };
    });
    return rows.filter(({ ours: a, theirs: b }) => a !== null || b !== null);
  });
}

function said(value: number | null): Comparison['ours'] {
  return value === null || Number.isFinite(value) ? value : 'never';
}

function timesOf(
  what: string,
  times: (size: SizeResult) => readonly (number | null)[],
  parts: readonly (keyof Summary)[],
): readonly Figure[] {
  return parts.map((part) => [
    `${what}, ${part}`,
    's',
    (size) => {
      const value = summarize(times(size))?.[part];
      return value === undefined ? null : value / 1_000;
    },
  ]);
}

function ofMoves(type: 'join' | 'leave', end: 'firstMs' | 'lastMs') {
  return ({ moves }: SizeResult): readonly (number | null)[] =>
    moves.filter((move) => move.type === type).map((move) => move[end]);
}

function joinSpread({ moves }: SizeResult): readonly (number | null)[] {
  return moves
    .filter(({ type }) => type === 'join')
    .map(({ firstMs, lastMs }) => (firstMs === null || lastMs === null ? null : lastMs - firstMs));
}
