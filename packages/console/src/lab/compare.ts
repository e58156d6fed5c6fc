import type { Diagram } from './diagram.ts';
import { narrate } from './narrate.ts';

/** Where two runs part, and by what. */
export interface Difference {
  /** Virtual ms; undefined: they are the same to the end. */
  readonly at: number | undefined;
  readonly sentence: string;
}

/** What two runs have in common from their beginning on, in a sentence; `one` was there first. */
export function differenceOf(one: Diagram, other: Diagram): Difference {
  const [before, now] = [narrate(one), narrate(other)];
  let index = 0;
  while (index < before.length && index < now.length && isSame(before[index], now[index])) index++;
  const [first, second] = [before[index], now[index]];
  if (first === undefined && second === undefined)
    return { at: undefined, sentence: 'Both runs are the same, event by event.' };
  const at = Math.min(first?.at ?? Infinity, second?.at ?? Infinity);
  // What one of them does at that instant is told first: the other goes on as if nothing had been.
  const words = (line: typeof first): string =>
    line === undefined ? 'nothing more happens' : `${line.words}, at ${line.at.toFixed(1)} ms`;
  const until = at <= 0 ? 'The runs differ from the beginning' : `The runs are the same until ${at.toFixed(1)} ms`;
  return { at, sentence: `${until}. What comes next here: ${words(second)}; in the run above: ${words(first)}.` };
}

function isSame(
  one: { readonly at: number; readonly words: string } | undefined,
  other: { readonly at: number; readonly words: string } | undefined,
): boolean {
  return one?.at === other?.at && one?.words === other?.words;
}

/** What came of a run, to be put beside what came of another. */
export interface Outcome {
  readonly broken: readonly string[];
  readonly facts: readonly { readonly what: string; readonly value: string }[];
}

/** The rows in which two outcomes are put side by side; `differs` where they are not alike. */
export function outcomeRows(
  one: Outcome,
  other: Outcome,
): readonly { readonly what: string; readonly values: readonly [string, string]; readonly differs: boolean }[] {
  const rows = new Map<string, [string, string]>();
  rows.set('promises broken', [one.broken.join(', ') || 'none', other.broken.join(', ') || 'none']);
  for (const { what, value } of one.facts) rows.set(what, [value, '–']);
  for (const { what, value } of other.facts) rows.set(what, [rows.get(what)?.[0] ?? '–', value]);
  return [...rows].map(([what, values]) => ({ what, values, differs: values[0] !== values[1] }));
}
