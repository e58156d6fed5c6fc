import type { Operation, TraceEvent, TraceOptions } from '@grp/sim';
import { dfsScenarios, runDfsScenario, type DfsScenario } from './dfs/table.ts';
import { gmsScenarios, runGmsScenario, type GmsScenario } from './gms/run.ts';
import { orderingScenarios, runOrderingScenario, type OrderingScenario } from './ordering/table.ts';
import { raftScenarios, runRaftScenario, type RaftScenario } from './raft/table.ts';
import { runSwimScenario, swimScenarios, type SwimScenario } from './swim/table.ts';

/** What every scenario can be given. */
export interface ScenarioOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** Share of datagrams that are lost from the start, 0 … 1. */
  readonly loss?: number;
  /** Virtual ms of trouble, or of watching; every scenario then settles for a while more. */
  readonly durationMs: number;
  readonly trace?: TraceOptions;
}

/** What a run gives back: what was broken, what was measured, and the hash that a replay must reproduce. */
export interface RunReport {
  readonly violations: readonly { readonly checker: string; readonly at: number; readonly message: string }[];
  readonly figures: Readonly<Record<string, number>>;
  readonly traceHash: string;
  /** How often each fault and each step really happened: what is 0 here was not tested. */
  readonly counts: Readonly<Record<string, number>>;
  /** What clients asked and heard, where the scenario has clients and the run was recorded. */
  readonly operations?: readonly Operation[];
  /** The recorded events, when `trace.recordMax` asked for them. */
  readonly trace: { readonly events: readonly TraceEvent[]; readonly omittedCount: number };
}

/** A protocol that the simulator can be asked to run by name. */
export interface SimProtocol {
  /** In the order in which help lists them; the first is the default. */
  readonly scenarios: readonly string[];
  /** Runs one of `scenarios` under all checkers. The same options give the same report, hash included. */
  run(scenario: string, options: ScenarioOptions): RunReport;
}

/** Every protocol that can be simulated, by the name that `grp sim run` takes. */
export const simProtocols: Readonly<Record<string, SimProtocol>> = {
  swim: {
    scenarios: swimScenarios,
    run: (scenario, options) => runSwimScenario(scenario as SwimScenario, options),
  },
  gms: {
    scenarios: gmsScenarios,
    run: (scenario, options) => runGmsScenario(scenario as GmsScenario, options),
  },
  ordering: {
    scenarios: orderingScenarios,
    run: (scenario, options) => runOrderingScenario(scenario as OrderingScenario, options),
  },
  raft: {
    scenarios: raftScenarios,
    run: (scenario, options) => runRaftScenario(scenario as RaftScenario, options),
  },
  dfs: {
    scenarios: dfsScenarios,
    run: (scenario, options) => runDfsScenario(scenario as DfsScenario, options),
  },
};
