import { fraction, pick, type Random } from '@grp/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { spreadOf, type Spread } from '../demo/promises.ts';
import type { BenchCluster } from './cluster.ts';
import type { News } from './news.ts';
import type { Plan } from './plan.ts';

/** One leave or join, in the lists of all others: ms from the signal, or from the start of the new process. */
export interface MoveRun extends Spread {
  readonly type: 'leave' | 'join';
  readonly member: string;
}

export interface MoveOptions {
  readonly cluster: BenchCluster;
  readonly random: Random;
  readonly plan: Plan;
}

/**
 * A random member but the seed leaves on SIGINT; then a new one with a new name joins through the seed.
 * @throws GrpError BENCH_NOT_WHOLE
 */
export async function moveRound(options: MoveOptions, onRun: (run: MoveRun) => void): Promise<void> {
  const { cluster, random } = options;
  await sleep(fraction(random) * 1_000, undefined, { signal: cluster.signal });
  const leaver = pick(random, cluster.expendable) as string;
  const stay = cluster.running.filter((name) => name !== leaver);
  const left = cluster.leave(leaver);
  onRun({ type: 'leave', member: leaver, ...(await spread(options, 'leave', leaver, stay, left)) });
  await cluster.gone(leaver);
  await cluster.untilQuiet();

  const [joiner] = (await cluster.plan(1)) as [string];
  const joined = performance.now();
  await cluster.start([joiner]);
  onRun({ type: 'join', member: joiner, ...(await spread(options, 'join', joiner, stay, joined)) });
  await cluster.untilQuiet();
}

async function spread(
  { cluster, plan }: MoveOptions,
  kind: News['kind'],
  about: string,
  observers: readonly string[],
  since: number,
): Promise<Spread> {
  const arrivals = (): ReadonlyMap<string, number> => cluster.news.arrivals({ kind, about, observers, since });
  await cluster.news.until(() => arrivals().size === observers.length, plan.missedMs, cluster.signal);
  return spreadOf(arrivals().values(), since, observers.length);
}
