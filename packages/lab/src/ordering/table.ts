import type { RunReport, ScenarioOptions } from '../protocols.ts';
import type { OrderingRunOptions } from './run.ts';
import { stepRun } from './steps.ts';
import { crashPointRun, joinRun, orderingChaosRun, steadyOrderingRun } from './scenarios.ts';

/** The scenarios that can be asked for by name, in the order in which help lists them. */
export const orderingScenarios = ['chaos', 'crash', 'join', 'steady', 'fifo', 'causal', 'link', 'step'] as const;
export type OrderingScenario = (typeof orderingScenarios)[number];

/**
 * Runs one scenario from one seed, judged by every checker. `chaos`, `crash`, `step`, `join` and `steady` are in total order over
 * bare datagrams; `fifo` and `causal` are chaos in that order, `link` is chaos in total order over links.
 */
export function runOrderingScenario(
  scenario: OrderingScenario,
  options: ScenarioOptions & Pick<OrderingRunOptions, 'order' | 'below' | 'config'>,
): RunReport {
  const { loss = 0, ...rest } = options;
  const common = { ...rest, network: { loss } };
  if (scenario === 'crash') return crashPointRun(common);
  if (scenario === 'step') return stepRun(common);
  if (scenario === 'join') return joinRun(common);
  if (scenario === 'steady') return steadyOrderingRun(common);
  if (scenario === 'fifo' || scenario === 'causal') return orderingChaosRun({ ...common, order: scenario });
  return orderingChaosRun({ ...common, ...(scenario === 'link' && { below: 'link' }) });
}
