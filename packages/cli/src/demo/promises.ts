import { timeText } from '../output/units.ts';

/** From the moment of the cause to the first and to the last list that had it; null: it never came. */
export interface Spread {
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

export interface Measured {
  readonly crash: Spread;
  readonly join: Spread;
  readonly leave: Spread;
  /** Healthy members that a list called down, as `observer: member`. */
  readonly falselyDown: readonly string[];
  /** The member that came back is a later life of the same member. */
  readonly newLife: boolean;
  /** The member that left is `left` in every list. */
  readonly leftEverywhere: boolean;
}

export interface Judgement {
  readonly what: string;
  readonly measured: string;
  readonly promised: string;
  readonly kept: boolean;
}

/** What a spread over `expected` lists is; the last is null unless all of them have it. */
export function spreadOf(arrivals: Iterable<number>, since: number, expected: number): Spread {
  const delays = [...arrivals].map((at) => Math.round(at - since)).toSorted((a, b) => a - b);
  return { firstMs: delays[0] ?? null, lastMs: delays.length < expected ? null : (delays.at(-1) ?? null) };
}

/** Holds what was measured against what is promised (default preset `lan`). */
export function judge({ crash, join, leave, falselyDown, newLife, leftEverywhere }: Measured): readonly Judgement[] {
  return [
    within('crash noticed by the first list', crash.firstMs, 5_000),
    within('crash noticed by the last list', crash.lastMs, 6_000),
    within('return (join) in the last list', join.lastMs, 6_000),
    fact('the return is a new life that replaces the old', newLife),
    within('leave in the last list', leave.lastMs, 6_000),
    fact('who leaves is left, not down, everywhere', leftEverywhere),
    {
      what: 'healthy members declared down',
      measured: falselyDown.length === 0 ? 'none' : falselyDown.join(', '),
      promised: 'none',
      kept: falselyDown.length === 0,
    },
  ];
}

function within(what: string, ms: number | null, limitMs: number): Judgement {
  const measured = ms === null ? 'never' : timeText(ms);
  return { what, measured, promised: `≤ ${limitMs / 1_000} s`, kept: ms !== null && ms <= limitMs };
}

function fact(what: string, holds: boolean): Judgement {
  return { what, measured: holds ? 'yes' : 'no', promised: 'yes', kept: holds };
}
