/** How much is measured. */
export interface Plan {
  /** Cluster sizes, in order. */
  readonly sizes: readonly number[];
  /** Single kills per size. */
  readonly kills: number;
  /** Rounds of three killed at once, in the clusters of ten. */
  readonly triples: number;
  /** Leaves, each followed by a join, per size. */
  readonly moves: number;
  readonly steadyMs: number;
  /** No news for so long, and all lists whole: then the next measurement may begin. */
  readonly quietMs: number;
  /** Between the forming of a cluster and its steady state. */
  readonly settleMs: number;
  /** A list that is silent for so long has missed the news. */
  readonly missedMs: number;
  readonly wholeTimeoutMs: number;
}

export interface PlanFlags {
  readonly sizes?: readonly number[] | undefined;
  readonly runs?: number | undefined;
  readonly steadyMs?: number | undefined;
  readonly quick?: boolean | undefined;
}

/** The size at which three are killed at once. */
export const tripleSize = 10;

/** The whole measurement, or with `quick` a look at whether everything works; single figures can be set in both. */
export function planOf({ sizes, runs, steadyMs, quick = false }: PlanFlags): Plan {
  const kills = runs ?? (quick ? 3 : 20);
  return {
    sizes: sizes ?? (quick ? [5] : [5, 10, 30]),
    kills,
    triples: Math.ceil(kills * 0.3),
    moves: Math.ceil(kills * 0.4),
    steadyMs: steadyMs ?? (quick ? 5_000 : 60_000),
    quietMs: quick ? 1_000 : 1_500,
    settleMs: quick ? 1_000 : 5_000,
    missedMs: 30_000,
    wholeTimeoutMs: 60_000,
  };
}
