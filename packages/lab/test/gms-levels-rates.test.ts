// How often each level fails in random runs: 5 workers with 20 changes each, as in the measurements that the default
// protocol answers. Wide bands, because a few hundred seeds are a sample.
import { describe, expect, test } from 'vitest';
import { runLevelSync, type Plan, type Step } from '../src/index.ts';

const seedCount = 60;
const founders = 5;
const workers = Array.from({ length: founders }, (_, index) => `n${index + 1}`);
const changes = workers.map((node): Step => ({ type: 'multicast', at: 0, node, count: 20, everyMs: 20 }));
const crashes: Step = { type: 'crash-chance', at: 0, oneIn: 100 };
const onePercent: Step = { type: 'loss', at: 0, share: 0.01 };
const joins = [6, 7, 8, 9].map((number, index): Step => ({
  type: 'join',
  at: 50 + 80 * index,
  node: `n${number}`,
  contact: `n${5 - (index % 2)}`,
}));
const suspicion: Step = { type: 'suspect', at: 200, node: 'n1', by: ['n2'], lastsMs: 500 };

function plan(...steps: readonly Step[]): Plan {
  return { founders, steps: [...steps, ...changes], settleMs: 3_000, delayMs: [1, 10] };
}

interface Rates {
  /** Runs in which living workers differ, in %. */
  readonly diverged: number;
  /** Runs in which a living worker never delivered a change of its own, in %. */
  readonly lost: number;
  /** Runs with any violation, in %. */
  readonly violated: number;
  readonly crashesPerRun: number;
}

function measure(level: string, of: Plan): Rates {
  let [diverged, lost, violated, crashed] = [0, 0, 0, 0];
  for (let seed = 1; seed <= seedCount; seed++) {
    const { divergence, figures, violations } = runLevelSync(of, level, seed);
    if (divergence !== undefined) diverged++;
    if (figures.lostOwn > 0) lost++;
    if (violations.length > 0) violated++;
    crashed += figures.crashes;
  }
  const share = (count: number): number => Math.round((1_000 * count) / seedCount) / 10;
  return {
    diverged: share(diverged),
    lost: share(lost),
    violated: share(violated),
    crashesPerRun: crashed / seedCount,
  };
}

function within(min: number, max: number): (value: number) => boolean {
  return (value) => value >= min && value <= max;
}

describe('failure rates', () => {
  test.each(['gms1', 'gms2', 'gms3', 'gms4'])('%s without any fault: none', (level) => {
    expect(measure(level, plan())).toEqual({ diverged: 0, lost: 0, violated: 0, crashesPerRun: 0 });
  });

  test('the leader crashes after one send of a hundred: gms2 mostly diverges, gms3 and gms4 seldom', () => {
    const gms2 = measure('gms2', plan(crashes));
    const gms3 = measure('gms3', plan(crashes));
    const gms4 = measure('gms4', plan(crashes));
    expect(gms2.crashesPerRun).toSatisfy(within(1.8, 2.8));
    expect(gms2.diverged).toSatisfy(within(65, 92));
    expect(gms3.diverged).toSatisfy(within(0.5, 9));
    expect(gms4.diverged).toSatisfy(within(0.5, 9));
    expect(gms2.lost).toSatisfy(within(90, 100));
    expect(gms3.lost).toSatisfy(within(90, 100));
    expect(gms4.lost).toSatisfy(within(0, 9)); // only where a view that nobody can take blocks everything behind it
  });

  test('one message of a hundred is lost: gms3 is stuck, gms4 is right', () => {
    expect(measure('gms3', plan(onePercent)).diverged).toSatisfy(within(92, 100));
    expect(measure('gms4', plan(onePercent)).violated).toBe(0);
  });

  test('loss, and crashes: gms4 forgets what its predecessor owed', () => {
    expect(measure('gms4', plan(onePercent, crashes)).diverged).toSatisfy(within(25, 65));
  });

  test('four join while leaders crash: gms3 and gms4 leave members behind', () => {
    expect(measure('gms3', plan(crashes, ...joins)).diverged).toSatisfy(within(4, 25));
    expect(measure('gms4', plan(crashes, ...joins)).violated).toSatisfy(within(15, 55));
  });

  test('one member suspects the leader by mistake: two leaders, always', () => {
    expect(measure('gms3', plan(suspicion)).diverged).toBe(100);
    expect(measure('gms4', plan(suspicion)).diverged).toBe(100);
  });
});
