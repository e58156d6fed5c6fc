// Bad days of raft clusters, each from its own seed; a sample of them twice, with equal hashes.
import { assertSeeds, runSeeds } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { raftChaosKinds, raftChaosRun, raftScenarios, runRaftScenario } from '../src/index.ts';

const replay = (scenario: string, nodeCount: number) => (seed: number) =>
  `npm run grp -- sim run raft --seed ${seed} --scenario ${scenario} --nodes ${nodeCount} --duration 8000ms`;

const faults = [
  'kill',
  'power-cut',
  'pause',
  'cut',
  'partition',
  'drop.loss',
  'duplicate',
  'reorder',
  'clock-drift',
  'disk-slowMs',
  'disk-hangs',
  'disk-fails',
  'disk-full',
  'changed',
  'transferred',
  'rot',
  'recovered',
  'snapshot-restored',
  'died-vote-sent',
  'died-synced',
  'died-leader-appended',
];

test.each([3, 5])('chaos among %i servers', async (nodeCount) => {
  const run = (seed: number) => raftChaosRun({ seed, nodeCount, durationMs: 8_000 });
  const report = await runSeeds({ from: 1, to: 25, run, repeatEvery: 10, replay: replay('chaos', nodeCount) });
  assertSeeds(report, { mustHappen: faults });
  expect(report.seedCount).toBe(25);
});

describe.each(raftChaosKinds)('chaos with nothing but %s', (kind) => {
  test('holds', async () => {
    const run = (seed: number) => raftChaosRun({ seed, nodeCount: 3, kinds: [kind], durationMs: 8_000 });
    const report = await runSeeds({ from: 1, to: 4, run, repeatEvery: 4 });
    assertSeeds(report);
    expect(report.seedCount).toBe(4);
  });
});

test.each(raftScenarios)('the scenario %s, as the command line runs it', async (scenario) => {
  const run = (seed: number) => runRaftScenario(scenario, { seed, nodeCount: 3, loss: 0.02, durationMs: 8_000 });
  const report = await runSeeds({ from: 1, to: 3, run, repeatEvery: 3, replay: replay(scenario, 3) });
  assertSeeds(report);
  expect(report.seedCount).toBe(3);
});

test.each([3, 5])(
  '%i servers, default timings: the next write after a leader’s death comes within 250 ms, at most 500',
  (n) => {
    const { violations, figures } = runRaftScenario('kill', { seed: 7, nodeCount: n, durationMs: 40_000 });
    expect(violations).toEqual([]);
    expect(figures['gapCount']).toBeGreaterThan(15);
    expect(figures['gapMedianMs']).toBeLessThanOrEqual(250);
    expect(figures['gapMaxMs']).toBeLessThanOrEqual(500);
  },
);

test('a handover on request: writes stop for 30 ms at most', () => {
  const { violations, figures } = runRaftScenario('transfer', { seed: 7, nodeCount: 5, durationMs: 30_000 });
  expect(violations).toEqual([]);
  expect(figures['gapMaxMs']).toBeLessThanOrEqual(30);
});
