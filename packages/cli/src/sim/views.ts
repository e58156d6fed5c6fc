import { table, type TableOptions } from '../output/table.ts';
import type { SimResult, SimViolation } from './seeds.ts';

const shownMax = 20;

/** What was run, what happened in it, what was measured, and what was broken. */
export function simText(result: SimResult, options: TableOptions): string {
  const { protocol, scenario, seeds, nodes, loss, durationMs, violations, traceHash, deterministic } = result;
  const which = seeds.from === seeds.to ? `seed ${seeds.from}` : `${seeds.run} of the seeds ${seeds.from}..${seeds.to}`;
  const head = `${protocol}, ${scenario}: ${which}, ${nodes} members, ${durationMs / 1_000} s virtual, loss ${loss * 100} %.`;
  const same = deterministic === true ? 'the same in a second run' : 'another one in a second run';
  return [
    traceHash === undefined ? head : `${head}\nTrace hash ${traceHash.slice(0, 16)}, ${same}.`,
    ...figuresText(result, options),
    countsText(result, options),
    violationsText(violations, options),
  ].join('\n\n');
}

function figuresText({ figures }: SimResult, options: TableOptions): readonly string[] {
  const rows = Object.entries(figures);
  if (rows.length === 0) return [];
  const column = (title: string, pick: 'min' | 'mean' | 'max') => ({
    title,
    text: ([, value]: (typeof rows)[number]) => String(value[pick]),
    align: 'right' as const,
  });
  const columns = [{ title: 'MEASURED', text: ([name]: (typeof rows)[number]) => name }];
  return [table(rows, [...columns, column('LEAST', 'min'), column('MEAN', 'mean'), column('MOST', 'max')], options)];
}

const quiet = new Set(['timer', 'send', 'deliver', 'start', 'log', 'note', 'calm', 'heal', 'resume', 'network']);

function countsText({ counts }: SimResult, options: TableOptions): string {
  const rows = Object.entries(counts).filter(([kind]) => !quiet.has(kind));
  if (rows.length === 0) return 'No fault happened.';
  const columns = [
    { title: 'HAPPENED', text: ([kind]: [string, number]) => kind },
    { title: 'TIMES', text: ([, count]: [string, number]) => String(count), align: 'right' as const },
  ];
  return table(rows, columns, options);
}

function violationsText(violations: readonly SimViolation[], { colours }: TableOptions): string {
  if (violations.length === 0) return colours.green('No violation.');
  const lines = violations
    .slice(0, shownMax)
    .flatMap(({ seed, checker, atMs, message, replay }) => [
      `${colours.red(checker)}, seed ${seed} at ${(atMs / 1_000).toFixed(3)} s: ${message}`,
      `  ${colours.dim(replay)}`,
    ]);
  const more = violations.length - shownMax;
  return more > 0 ? [...lines, `… and ${more} more`].join('\n') : lines.join('\n');
}
