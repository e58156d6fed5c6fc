import { dfsChaosRun, type DfsChaosKind } from './chaos.ts';
import type { DfsRunOptions, DfsRunReport } from './run.ts';

/** The scenarios of the file store that can be asked for by name, in the order in which help lists them. */
export const dfsScenarios = ['chaos', 'wipe', 'master', 'partition', 'rot', 'steady'] as const;
/** The name of a scenario of the file store. */
export type DfsScenario = (typeof dfsScenarios)[number];

/** What a scenario of the file store can be given. */
export interface DfsScenarioOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** Share of messages that are lost, 0 … 1. */
  readonly loss?: number;
  /** Virtual ms of trouble, or of watching; every scenario then settles for a while more. */
  readonly durationMs: number;
  readonly trace?: DfsRunOptions['trace'];
}

const kindsOf: Readonly<Record<Exclude<DfsScenario, 'chaos'>, readonly DfsChaosKind[]>> = {
  wipe: ['wipe', 'crash'],
  master: ['master', 'log'],
  partition: ['partition', 'suspicion', 'pause'],
  rot: ['rot', 'disk'],
  steady: ['client'],
};

/** Runs one scenario from one seed, judged by every checker. The same options give the same report, hash included. */
export function runDfsScenario(scenario: DfsScenario, options: DfsScenarioOptions): DfsRunReport {
  const { seed, loss = 0, durationMs, trace } = options;
  // Placement has a choice only when there are more servers than replicas, which are three.
  const nodeCount = Math.max(4, options.nodeCount);
  const common = { seed, nodeCount, durationMs, network: { loss }, ...(trace && { trace }) };
  if (scenario === 'chaos') return dfsChaosRun(common);
  return dfsChaosRun({ ...common, kinds: kindsOf[scenario], swarm: false });
}
