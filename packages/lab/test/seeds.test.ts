// Several hundred bad days, each from its own seed; a sample of them twice, with equal hashes.
import { assertSeeds, runSeeds } from '@grp/sim';
import { expect, test } from 'vitest';
import { chaosKinds, chaosRun, runSwimScenario, swimScenarios, type SwimScenario } from '../src/index.ts';

function replay(scenario: SwimScenario, nodeCount: number) {
  return (seed: number): string =>
    `npm run grp -- sim run swim --seed ${seed} --scenario ${scenario} --nodes ${nodeCount}`;
}

const faults = [
  'crash',
  'host-crash',
  'pause',
  'cut',
  'partition',
  'drop.loss',
  'duplicate',
  'leave',
  'clock-jump',
  'clock-drift',
  'cpu-slow',
];

test.each([5, 6, 7])('chaos among %i members', async (nodeCount) => {
  const run = (seed: number) => chaosRun({ seed, nodeCount, durationMs: 40_000 });
  const report = await runSeeds({ from: 1, to: 60, run, repeatEvery: 10, replay: replay('chaos', nodeCount) });
  assertSeeds(report, { mustHappen: faults });
  expect(report.seedCount).toBe(60);
});

test('chaos among 12 members, everything lossy from the start', async () => {
  const run = (seed: number) =>
    chaosRun({ seed, nodeCount: 12, network: { loss: 0.1, reorder: 0.1 }, durationMs: 30_000 });
  const report = await runSeeds({ from: 1, to: 20, run, repeatEvery: 10 });
  assertSeeds(report, { mustHappen: [...faults, 'reorder'] });
  expect(report.repeatedCount).toBe(2);
});

test.each(chaosKinds)('chaos with nothing but %s', async (kind) => {
  const run = (seed: number) => chaosRun({ seed, nodeCount: 6, kinds: [kind], durationMs: 30_000 });
  const report = await runSeeds({ from: 1, to: 8, run, repeatEvery: 8 });
  assertSeeds(report);
  expect(report.seedCount).toBe(8);
});

test.each(swimScenarios)('the scenario %s, as the command line runs it', async (scenario) => {
  const run = (seed: number) => runSwimScenario(scenario, { seed, nodeCount: 6, loss: 0.1, durationMs: 30_000 });
  const report = await runSeeds({ from: 1, to: 8, run, repeatEvery: 8, replay: replay(scenario, 6) });
  assertSeeds(report);
  expect(report.seedCount).toBe(8);
});
