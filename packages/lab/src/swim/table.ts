import { chaosRun } from './chaos.ts';
import type { ScenarioOptions } from '../protocols.ts';
import type { SwimRunReport } from './run.ts';
import { flappingRun, killRun, leaveRun, partitionRun, steadyRun } from './scenarios.ts';

/** The scenarios that can be asked for by name, in the order in which help lists them. */
export const swimScenarios = ['chaos', 'kill', 'flap', 'partition', 'leave', 'steady'] as const;
/** The name of a scenario of swim. */
export type SwimScenario = (typeof swimScenarios)[number];

/** Runs one scenario from one seed, judged by every checker. The same options give the same report, hash included. */
export function runSwimScenario(scenario: SwimScenario, options: ScenarioOptions): SwimRunReport {
  const { seed, nodeCount, loss = 0, durationMs, trace } = options;
  const common = { seed, nodeCount, durationMs, network: { loss }, ...(trace && { trace }) };
  // Between two kills, and two leaves, lie about ten virtual seconds.
  const times = Math.max(1, Math.round(durationMs / 10_000));
  if (scenario === 'kill') return killRun({ ...common, kills: times });
  if (scenario === 'leave') return leaveRun({ ...common, leaves: times });
  if (scenario === 'partition') return partitionRun({ ...common, splitMs: durationMs });
  if (scenario === 'steady') return steadyRun(common);
  if (scenario === 'chaos') return chaosRun(common);
  const illCount = Math.max(1, Math.floor(nodeCount * 0.3));
  return flappingRun({ ...common, illCount, stoppedMs: 8_000, runningMs: 500 });
}
