import { describe, expect, test } from 'vitest';
import { flappingRun, steadyRun } from '../src/index.ts';

// The fault runs in which Serf's agents were measured: members stopped and running in turns, 80 s.
const runs = [
  { illCount: 3, stoppedMs: 8_000, runningMs: 500 },
  { illCount: 5, stoppedMs: 3_000, runningMs: 100 },
  { illCount: 4, stoppedMs: 5_000, runningMs: 1_500 },
  { illCount: 3, stoppedMs: 1_500, runningMs: 100 },
];

describe.each(runs)('$illCount of ten stopped $stoppedMs ms, running $runningMs ms', (run) => {
  test.each([
    [0, true],
    [0.1, true],
    [0, false],
    [0.1, false],
  ])('loss %d, stream probes %s: no healthy member is declared down', (loss, streamProbe) => {
    for (let seed = 1; seed <= 3; seed++) {
      const options = { seed, nodeCount: 10, network: { loss }, config: { streamProbe }, durationMs: 80_000 };
      const { violations, counts } = flappingRun({ ...options, ...run });
      expect(violations).toEqual([]);
      expect(counts['pause']).toBeGreaterThanOrEqual(run.illCount * 5);
      expect((counts['drop.loss'] ?? 0) > 0).toBe(loss > 0);
    }
  });
});

describe.each([0.1, 0.25])('nothing but loss of %d', (loss) => {
  test('for 80 s: nobody is declared down', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { violations, counts } = steadyRun({ seed, nodeCount: 10, network: { loss }, durationMs: 80_000 });
      expect(violations).toEqual([]);
      expect(counts['drop.loss']).toBeGreaterThan(300);
    }
  });
});
