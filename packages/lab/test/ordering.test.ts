import { assertSeeds, checkEvents, runSeeds, type GroupEvent } from '@grp/sim';
import { expect, test } from 'vitest';
import { orderingSteps } from '../src/ordering/steps.ts';
import { runOrderingScenario, type OrderingScenario } from '../src/ordering/table.ts';
import { runTextbookIsis } from '../src/ordering/textbook-isis.ts';
import { uniformViews } from '../src/ordering/uniform-views.ts';

const faults = ['crash', 'leave', 'join', 'exclude.false', 'pause', 'partition', 'drop.loss', 'duplicate', 'reorder'];

// The soak has ten thousand seeds of each; `npm run soak -- ordering-seeds`.
test.each<[OrderingScenario, number, readonly string[]]>([
  ['chaos', 60, [...faults, 'flush', 'resend', 'gap']],
  ['crash', 30, ['crash', 'exit', 'flush']],
  ['join', 30, ['join', 'flush']],
  ['fifo', 40, ['crash', 'flush', 'resend']],
  ['causal', 40, ['crash', 'flush', 'resend']],
  ['link', 30, ['crash', 'leave', 'flush']],
  ['step', 48, orderingSteps.map((step) => `step.${step}`)],
])('%s: %i seeds without a violation', async (scenario, seedCount, mustHappen) => {
  const report = await runSeeds({
    from: 1,
    to: seedCount,
    repeatEvery: 20,
    run: (seed) =>
      runOrderingScenario(scenario, {
        seed,
        nodeCount: 3 + (seed % 5),
        durationMs: scenario === 'step' ? 500 : 1_500,
        loss: 0.02,
      }),
    replay: (seed) => `npm run soak -- ordering-seeds --scenario ${scenario} --first ${seed} --seeds 1`,
  });
  assertSeeds(report, { mustHappen });
  expect(report.seedCount).toBe(seedCount);
});

test('ISIS over FIFO links is FIFO and causal, which is no luck: without them hardly a run is', () => {
  const broken = (links: 'fifo' | 'unordered'): number => {
    let count = 0;
    for (let seed = 1; seed <= 300; seed++) if (runTextbookIsis({ seed, links }).length > 0) count++;
    return count;
  };
  expect(broken('fifo')).toBe(0);
  expect(broken('unordered')).toBeGreaterThan(290);
});

test('whatever the links do, it is total: only FIFO order and causal order suffer', () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 300; seed++)
    for (const { checker } of runTextbookIsis({ seed, links: 'unordered' })) found.add(checker);
  expect(found).toContain('FIFO order');
  expect([...found].filter((checker) => checker !== 'FIFO order' && checker !== 'causal order')).toEqual([]);
});

test('uniform views: a survivor that goes past a view of a dead member is found', () => {
  const install = (node: string, id: number): GroupEvent => ({
    type: 'install',
    at: id,
    node,
    view: { id, members: ['a', 'b'] },
  });
  const together = [install('a', 1), install('b', 1), install('a', 2), install('b', 2), install('b', 3)];
  expect(checkEvents(together, uniformViews())).toEqual([]);
  const [apart] = checkEvents([install('a', 1), install('b', 1), install('a', 2), install('b', 3)], uniformViews());
  expect(apart).toMatchObject({ checker: 'uniform views', node: 'b' });
});
