import { runLevel } from './levels.ts';
import type { Plan, Step } from './plan.ts';

const workers = ['n1', 'n2', 'n3', 'n4', 'n5'];
const changes = workers.map((node): Step => ({ type: 'multicast', at: 0, node, count: 20, everyMs: 20 }));
const crashes: Step = { type: 'crash-chance', at: 0, oneIn: 100 };
const loss: Step = { type: 'loss', at: 0, share: 0.01 };
const joins = [6, 7, 8, 9].map((number, index): Step => ({
  type: 'join',
  at: 50 + 80 * index,
  node: `n${number}`,
  contact: `n${5 - (index % 2)}`,
}));

function plan(...steps: readonly Step[]): Plan {
  return { founders: workers.length, steps: [...steps, ...changes], settleMs: 3_000, delayMs: [1, 10] };
}

/**
 * Random runs of 5 workers with 20 changes each, by what goes wrong in them: nothing; the leader crashes after a send
 * with probability 1/100; one message of a hundred is lost; both; crashes while four more join; n2 suspects the leader
 * by mistake for half a second.
 */
export const levelConditions = {
  calm: plan(),
  crashes: plan(crashes),
  loss: plan(loss),
  'loss-and-crashes': plan(loss, crashes),
  'joins-and-crashes': plan(crashes, ...joins),
  suspicion: plan({ type: 'suspect', at: 200, node: 'n1', by: ['n2'], lastsMs: 500 }),
} as const satisfies Readonly<Record<string, Plan>>;

/** How often each promise was broken under one level. */
export interface LevelRates {
  /** Runs in which living workers differ, in %. */
  readonly diverged: number;
  /** Runs in which a living worker never delivered a change of its own, in %. */
  readonly lostOwn: number;
  /** Runs with any violation, in %. */
  readonly violated: number;
  readonly crashesPerRun: number;
  /** Runs that broke a checker, in %, by checker. */
  readonly byChecker: Readonly<Record<string, number>>;
}

/** How often a level fails under one of the conditions, over the seeds 1 … `seedCount`. */
export async function measureLevel(
  level: string,
  condition: keyof typeof levelConditions,
  seedCount: number,
): Promise<LevelRates> {
  let [diverged, lostOwn, violated, crashed] = [0, 0, 0, 0];
  const byChecker: Record<string, number> = {};
  for (let seed = 1; seed <= seedCount; seed++) {
    const { divergence, figures, violations } = await runLevel(levelConditions[condition], level, seed);
    if (divergence !== undefined) diverged++;
    if (figures.lostOwn > 0) lostOwn++;
    if (violations.length > 0) violated++;
    crashed += figures.crashes;
    for (const checker of new Set(violations.map(({ checker: name }) => name)))
      byChecker[checker] = (byChecker[checker] ?? 0) + 1;
  }
  const share = (count: number): number => Math.round((1_000 * count) / seedCount) / 10;
  return {
    diverged: share(diverged),
    lostOwn: share(lostOwn),
    violated: share(violated),
    crashesPerRun: crashed / seedCount,
    byChecker: Object.fromEntries(Object.entries(byChecker).map(([name, count]) => [name, share(count)])),
  };
}
