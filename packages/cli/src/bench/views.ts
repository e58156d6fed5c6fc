import { table, type TableOptions } from '../output/table.ts';
import { timeText } from '../output/units.ts';
import type { Comparison } from './compare.ts';
import type { Verdict } from './judge.ts';
import { tripleSize } from './plan.ts';
import type { BenchResult } from './run.ts';

/** Where and how it was measured, the figures of both systems with their ratio, and what was promised. */
export function benchText(
  result: BenchResult,
  comparisons: readonly Comparison[],
  { promises, targets }: { readonly promises: readonly Verdict[]; readonly targets: readonly Verdict[] },
  options: TableOptions,
): string {
  const parts = [headText(result), figuresText(result, comparisons, options)];
  if (promises.length > 0) parts.push(verdictsText('PROMISED', 'BROKEN', promises, options));
  if (targets.length > 0) parts.push(verdictsText('AIMED AT', 'missed', targets, options));
  return parts.join('\n\n');
}

function headText({ machine, plan, entry, ours, theirs, startedAt, endedAt }: BenchResult): string {
  const { processor, cores, system, node, loadBefore, loadAfter } = machine;
  const tookMs = Date.parse(endedAt) - Date.parse(startedAt);
  const peer = theirs === null ? 'alone' : `against serf ${theirs.version}, profile lan`;
  const triples = plan.sizes.includes(tripleSize) ? `; ${plan.triples} × three of ten at once` : '';
  return [
    `grp ${ours.version} (preset lan, ${entry === 'built' ? 'as built' : 'from sources'}) ${peer}, on loopback, events stamped on arrival.`,
    `${cores} × ${processor}, ${system}, Node ${node}; load ${loadBefore} before, ${loadAfter} after; took ${timeText(tookMs)}.`,
    `Per size: ${plan.kills} single kills, ${plan.moves} leaves and joins, ${plan.steadyMs / 1_000} s idle${triples}.`,
  ].join('\n');
}

function figuresText({ theirs }: BenchResult, rows: readonly Comparison[], options: TableOptions): string {
  const peer = [
    { title: 'SERF', text: (row: Comparison) => figureText(row.theirs, row.unit), align: 'right' as const },
    {
      title: 'GRP : SERF',
      text: ({ ratio }: Comparison) => (ratio === null ? '' : ratio.toFixed(2)),
      align: 'right' as const,
    },
  ];
  return table(
    rows,
    [
      { title: 'MEMBERS', text: ({ members }) => String(members), align: 'right' },
      { title: 'FIGURE', text: ({ what }) => what },
      { title: 'GRP', text: (row) => figureText(row.ours, row.unit), align: 'right' },
      ...(theirs === null ? [] : peer),
    ],
    options,
  );
}

function figureText(value: Comparison['ours'], unit: Comparison['unit']): string {
  if (value === null) return '';
  if (value === 'never') return value;
  return `${value.toFixed(digits[unit])} ${unit}`;
}

const digits: Readonly<Record<Comparison['unit'], number>> = { s: 2, 'B/s': 0, '1/s': 2, '%': 2, MB: 1, times: 0 };

function verdictsText(title: string, failed: string, verdicts: readonly Verdict[], options: TableOptions): string {
  const { green, red } = options.colours;
  return table(
    verdicts,
    [
      { title, text: ({ what }) => what },
      { title: 'MEASURED', text: ({ measured }) => measured, align: 'right' },
      { title: 'WANTED', text: ({ wanted }) => wanted },
      {
        title: '',
        text: ({ kept }) => (kept ? 'kept' : failed),
        paint: (cell, { kept }) => (kept ? green(cell) : red(cell)),
      },
    ],
    options,
  );
}
