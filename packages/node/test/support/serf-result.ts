import type { Detection } from './serf-faults.ts';
import type { Findings } from './serf-story.ts';
import type { WatchReport } from './serf-watch.ts';

/** Milliseconds over several runs. */
export interface Spread {
  readonly min: number;
  readonly p50: number;
  readonly max: number;
}

/** How one cluster of a soak has done. */
export interface ClusterResult extends WatchReport, Pick<Findings, 'counts' | 'steps'> {
  readonly name: string;
  readonly rounds: number;
  /** Healthy members declared down or left, or missed in a list. */
  readonly falsePositives: number;
  readonly detections: {
    readonly kills: number;
    /** From SIGKILL to the first and the last list, by the kind of member that keeps the list and that was killed. */
    readonly ms: Readonly<Record<string, { readonly first: Spread; readonly last: Spread }>>;
    /** From the start of the next process to the last list. */
    readonly back: Spread | undefined;
    readonly all: readonly Detection[];
  };
}

export function clusterResult(name: string, rounds: number, findings: Findings, report: WatchReport): ClusterResult {
  const { detections, counts, steps } = findings;
  const ms: Record<string, { first: Spread; last: Spread }> = {};
  for (const victim of ['grp', 'serf'] as const) {
    const those = detections.filter((one) => one.victim.startsWith(victim));
    for (const observer of ['grp', 'serf'] as const) {
      const first = spreadOf(those.map((one) => one[observer].firstMs));
      const last = spreadOf(those.map((one) => one[observer].lastMs));
      if (first !== undefined && last !== undefined) ms[`${victim} killed, seen by ${observer}`] = { first, last };
    }
  }
  const back = spreadOf(detections.flatMap(({ backMs }) => (backMs === undefined ? [] : [backMs])));
  const falsePositives = report.violations.filter(({ kind }) => kind === 'false-positive').length;
  const judged = { kills: detections.length, ms, back, all: detections };
  return { name, rounds, falsePositives, ...report, counts, steps, detections: judged };
}

function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, p50, max] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return min === undefined || p50 === undefined || max === undefined ? undefined : { min, p50, max };
}
