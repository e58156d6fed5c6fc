import { timeText } from '../output/units.ts';

/** Something that was measured and of which nothing is promised. */
export interface Fact {
  readonly what: string;
  readonly measured: string;
}

/** Something that was measured, held against what is promised (default settings, one host). */
export interface Judgement extends Fact {
  readonly promised: string;
  readonly kept: boolean;
}

/** From the moment of the cause to the first and to the last list that had it; null: it never came. */
export interface Spread {
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

/** What a spread over `expected` lists is; the last is null unless all of them have it. */
export function spreadOf(arrivals: Iterable<number>, since: number, expected: number): Spread {
  const delays = [...arrivals].map((at) => Math.round(at - since)).toSorted((a, b) => a - b);
  return { firstMs: delays[0] ?? null, lastMs: delays.length < expected ? null : (delays.at(-1) ?? null) };
}

/** It took so long, and may take that long. */
export function within(what: string, ms: number | null, limitMs: number): Judgement {
  const measured = ms === null ? 'never' : timeText(ms);
  return { what, measured, promised: `≤ ${limitMs / 1_000} s`, kept: ms !== null && ms <= limitMs };
}

/** There were these; there should be none. */
export function none(what: string, found: readonly string[]): Judgement {
  const more = found.length > 3 ? `, and ${found.length - 3} more` : '';
  const measured = found.length === 0 ? 'none' : `${found.slice(0, 3).join(', ')}${more}`;
  return { what, measured, promised: 'none', kept: found.length === 0 };
}

/** It should hold. */
export function holds(what: string, isTrue: boolean): Judgement {
  return { what, measured: isTrue ? 'yes' : 'no', promised: 'yes', kept: isTrue };
}
