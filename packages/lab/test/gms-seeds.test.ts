import { assertSeeds, runSeeds } from '@grp/sim';
import { expect, test } from 'vitest';
import { gmsChaosRun, gmsScenarios, runGmsScenario } from '../src/index.ts';

// Ring 2: whole members over @grp/link and the simulated network, at 10 % loss with duplication and reordering.
const network = { loss: 0.1, duplication: 0.05, reorder: 0.1 };
const mustHappen = [
  'drop.loss',
  'duplicate',
  'crash',
  'mid-multicast',
  'leave',
  'pause',
  'partition',
  'exclude',
  'state',
];

test.each(['agreed', 'safe'] as const)('%s: chaos breaks no property of group communication', async (delivery) => {
  const report = await runSeeds({
    from: 1,
    to: 30,
    repeatEvery: 20,
    run: (seed) => gmsChaosRun({ seed, nodeCount: 5, durationMs: 6_000, network, delivery }),
    replay: (seed) => `grp sim run gms --seed ${seed} --scenario ${delivery === 'safe' ? 'safe' : 'chaos'} --loss 0.1`,
  });
  assertSeeds(report, { mustHappen });
  expect(report.failures).toEqual([]);
});

test.each(gmsScenarios)('the scenario %s runs by name, and twice the same', (scenario) => {
  const options = { seed: 7, nodeCount: 5, durationMs: 3_000, loss: 0.02 };
  const first = runGmsScenario(scenario, options);
  expect(first.violations).toEqual([]);
  expect(runGmsScenario(scenario, options).traceHash).toBe(first.traceHash);
});
