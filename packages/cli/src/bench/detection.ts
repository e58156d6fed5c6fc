import { fraction, sample, type Random } from '@grp/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { spreadOf } from '../demo/promises.ts';
import type { BenchCluster } from './cluster.ts';
import type { News } from './news.ts';
import type { Plan } from './plan.ts';

/** One round: members killed by SIGKILL at one moment. Null: some list missed it. Times are ms from the kill. */
export interface DetectionRun {
  readonly victims: readonly string[];
  /** Until the first accusation by anyone. */
  readonly suspectedMs: number | null;
  /** Until the first list had it as down; of several victims, the one noticed last. */
  readonly firstMs: number | null;
  /** Until all lists had all of them as down. */
  readonly lastMs: number | null;
  /** Lists that took a running member for gone, as `observer: member`. */
  readonly wronged: readonly string[];
  /** Everything that was heard, for a run to be looked into: only when it went wrong. */
  readonly news?: readonly (Omit<News, 'at'> & { readonly ms: number })[];
}

/** A first list later than this, or a last list, breaks the promise. */
export const limits = { firstMs: 5_000, lastMs: 6_000 } as const;

export interface DetectionOptions {
  readonly cluster: BenchCluster;
  readonly victims: number;
  readonly random: Random;
  readonly plan: Plan;
}

/**
 * Kills random members but the seed at a random moment of the probing, waits for all lists, brings the victims back, and
 * resolves when everything is whole and quiet again.
 * @throws GrpError BENCH_NOT_WHOLE after the run; `onRun` has heard of it by then
 */
export async function killRound(options: DetectionOptions, onRun: (run: DetectionRun) => void): Promise<void> {
  const { cluster, random, plan } = options;
  await sleep(fraction(random) * 1_000, undefined, { signal: cluster.signal });
  const victims = sample(random, cluster.expendable, options.victims);
  const observers = cluster.running.filter((name) => !victims.includes(name));
  const wrongedBefore = cluster.wronged.length;
  const since = cluster.kill(victims);
  const downs = (): readonly ReadonlyMap<string, number>[] =>
    victims.map((about) => cluster.news.arrivals({ kind: 'down', about, observers, since }));
  const all = (): boolean => downs().every(({ size }) => size === observers.length);
  await cluster.news.until(all, plan.missedMs, cluster.signal);

  const spreads = downs().map((arrivals) => spreadOf(arrivals.values(), since, observers.length));
  const suspected = victims.flatMap((about) => [
    ...cluster.news.arrivals({ kind: 'suspect', about, observers, since }).values(),
  ]);
  const wronged = cluster.wronged.slice(wrongedBefore).map(({ observer, about }) => `${observer}: ${about}`);
  const run: DetectionRun = {
    victims,
    suspectedMs: suspected.length === 0 ? null : Math.round(Math.min(...suspected) - since),
    firstMs: latest(spreads.map(({ firstMs }) => firstMs)),
    lastMs: latest(spreads.map(({ lastMs }) => lastMs)),
    wronged,
  };
  onRun(isFine(run) ? run : { ...run, news: heard(cluster, since) });
  await cluster.start(victims);
  await cluster.untilQuiet();
}

/** Whether a round kept what is promised. */
export function isFine({ firstMs, lastMs, wronged }: DetectionRun): boolean {
  return (
    firstMs !== null && firstMs <= limits.firstMs && lastMs !== null && lastMs <= limits.lastMs && wronged.length === 0
  );
}

/** Null as soon as one is: what never came is later than everything. */
function latest(times: readonly (number | null)[]): number | null {
  return times.reduce((late, time) => (late === null || time === null ? null : Math.max(late, time)), 0);
}

function heard(cluster: BenchCluster, since: number): NonNullable<DetectionRun['news']> {
  return cluster.news
    .since(since - 5_000)
    .slice(0, 500)
    .map(({ at, ...rest }) => ({ ms: Math.round(at - since), ...rest }));
}
