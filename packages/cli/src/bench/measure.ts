import { GrpError, systemRandom, type Random } from '@grp/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from './cluster.ts';
import { killRound, type DetectionRun } from './detection.ts';
import type { Driver } from './driver.ts';
import type { Guard } from './guard.ts';
import { load } from './machine.ts';
import { moveRound, type MoveRun } from './moves.ts';
import { tripleSize, type Plan } from './plan.ts';
import { steadyState, type SteadyState } from './steady.ts';

/** Everything measured on clusters of one size of one system. */
export interface SizeResult {
  readonly members: number;
  /** Of the machine, when it began. */
  readonly load: number;
  /** From the first process to whole and quiet lists, for each cluster that was started. */
  readonly formedMs: readonly number[];
  readonly steady: SteadyState | null;
  readonly kills: readonly DetectionRun[];
  /** Three at once. */
  readonly triples: readonly DetectionRun[];
  readonly moves: readonly MoveRun[];
  /** Lists that took a running member for gone, at any time, as `observer: member`. */
  readonly wronged: readonly string[];
  /** Suspicions of running members, all of them refuted when `wronged` is empty. */
  readonly healthySuspected: number;
  /** Times that lists did not become whole; the cluster was thrown away then. */
  readonly notWhole: readonly string[];
}

export interface MeasureOptions {
  readonly driver: Driver;
  readonly members: number;
  readonly plan: Plan;
  readonly guard: Guard;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

type Growing = {
  -readonly [Name in keyof SizeResult]: SizeResult[Name] extends readonly (infer Item)[] ? Item[] : SizeResult[Name];
};
/** One round on a cluster; notes its result itself. */
type Round = (cluster: BenchCluster) => Promise<void>;

/** A cluster is thrown away at most so often; then the rest of the rounds is left out, and missing in the result. */
const clustersMax = 5;

/** Forms a cluster, lets it be, kills, and moves: one round after the other, each beginning with whole and quiet lists. */
export async function measureSize(options: MeasureOptions): Promise<SizeResult> {
  const { members, driver, onProgress } = options;
  const result: Growing = {
    members,
    load: load(),
    formedMs: [],
    steady: null,
    kills: [],
    triples: [],
    moves: [],
    wronged: [],
    healthySuspected: 0,
    notWhole: [],
  };
  const rounds = roundsOf(options, result, systemRandom());
  for (let clusters = 0; rounds.length > 0 && clusters < clustersMax; clusters++) {
    onProgress(`${driver.system}, ${members} members: starting`);
    await onOneCluster(options, result, rounds);
  }
  return result;
}

/** Works off rounds until they are done or the lists of this cluster do not become whole. */
async function onOneCluster(options: MeasureOptions, result: Growing, rounds: Round[]): Promise<void> {
  const { driver, members, plan, guard, signal } = options;
  let cluster: BenchCluster | undefined;
  try {
    const began = performance.now();
    cluster = await BenchCluster.open({
      driver,
      count: members,
      quietMs: plan.quietMs,
      wholeTimeoutMs: plan.wholeTimeoutMs,
      guard,
      signal,
    });
    result.formedMs.push(Math.round(performance.now() - began));
    // A round that fails is not repeated: what it has measured by then has been noted.
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) await round(cluster);
  } catch (cause) {
    if (!(cause instanceof GrpError) || cause.code !== 'BENCH_NOT_WHOLE') throw cause;
    result.notWhole.push(cause.message);
  } finally {
    result.wronged.push(...(cluster?.wronged ?? []).map(({ observer, about }) => `${observer}: ${about}`));
    result.healthySuspected += cluster?.healthySuspected ?? 0;
    await cluster?.close();
  }
}

function roundsOf({ driver, members, plan, onProgress }: MeasureOptions, result: Growing, random: Random): Round[] {
  const say = (what: string): void => onProgress(`${driver.system}, ${members} members: ${what}`);
  const steady: Round = async (cluster) => {
    say(`quiet for ${(plan.settleMs + plan.steadyMs) / 1_000} s`);
    await sleep(plan.settleMs, undefined, { signal: cluster.signal });
    result.steady = await steadyState(cluster, plan.steadyMs);
  };
  const kill =
    (victims: number, runs: DetectionRun[], planned: number): Round =>
    async (cluster) => {
      await killRound({ cluster, victims, random, plan }, (run) => {
        runs.push(run);
        say(`kill ${runs.length}/${planned}${victims === 1 ? '' : ` (${victims} at once)`}: ${detectionText(run)}`);
      });
    };
  const move: Round = async (cluster) => {
    await moveRound({ cluster, random, plan }, (run) => {
      result.moves.push(run);
      say(
        `${run.type} ${Math.ceil(result.moves.length / 2)}/${plan.moves}: ${time(run.firstMs)}, all ${time(run.lastMs)}`,
      );
    });
  };
  return [
    ...(plan.steadyMs > 0 ? [steady] : []),
    ...repeat(plan.kills, kill(1, result.kills, plan.kills)),
    ...(members === tripleSize ? repeat(plan.triples, kill(3, result.triples, plan.triples)) : []),
    ...repeat(plan.moves, move),
  ];
}

function repeat(count: number, round: Round): Round[] {
  return Array.from({ length: count }, () => round);
}

function detectionText({ firstMs, lastMs, wronged }: DetectionRun): string {
  const wrong = wronged.length === 0 ? '' : `, WRONGED ${wronged.join(', ')}`;
  return `first list ${time(firstMs)}, last ${time(lastMs)}${wrong}`;
}

function time(ms: number | null): string {
  return ms === null ? 'never' : `${(ms / 1_000).toFixed(2)} s`;
}
