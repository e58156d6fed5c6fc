import { raftChaosRun } from './chaos.ts';
import type { RaftRunOptions, RaftRunReport } from './run.ts';
import { leaderKillRun, partitionRaftRun, powerCutRun, steadyRaftRun, transferRun } from './scenarios.ts';

/** The scenarios of raft that can be asked for by name, in the order in which help lists them. */
export const raftScenarios = ['chaos', 'lease', 'kill', 'transfer', 'partition', 'power', 'steady'] as const;
/** The name of a scenario of raft. */
export type RaftScenario = (typeof raftScenarios)[number];

/** What a scenario of raft can be given. */
export interface RaftScenarioOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** Share of messages that are lost, 0 … 1. */
  readonly loss?: number;
  /** Virtual ms of trouble, or of watching; every scenario then settles for a while more. */
  readonly durationMs: number;
  readonly trace?: RaftRunOptions['trace'];
}

/** Runs one scenario from one seed, judged by every checker. The same options give the same report, hash included. */
export function runRaftScenario(scenario: RaftScenario, options: RaftScenarioOptions): RaftRunReport {
  const { seed, nodeCount, loss = 0, durationMs, trace } = options;
  const common = { seed, nodeCount, durationMs, network: { loss }, ...(trace && { trace }) };
  // Between two kills, and two handovers, lie about two virtual seconds.
  const times = Math.max(1, Math.round(durationMs / 2_000));
  if (scenario === 'kill') return leaderKillRun({ ...common, kills: times });
  if (scenario === 'transfer') return transferRun({ ...common, transfers: times });
  if (scenario === 'partition') return partitionRaftRun(common);
  if (scenario === 'power') return powerCutRun(common);
  if (scenario === 'steady') return steadyRaftRun(common);
  if (scenario === 'chaos') return raftChaosRun(common);
  return raftChaosRun({ ...common, reads: 'lease', kinds: ['crash', 'pause', 'cut', 'partition', 'skew', 'transfer'] });
}
