export {
  Accuracy,
  Agreement,
  Completeness,
  crashBounds,
  Incarnations,
  LeaveIsNotDeath,
  Quiet,
  turbulentBounds,
  type CompletenessBounds,
  type SwimChecker,
  type Violation,
} from './swim/checkers.ts';
export { chaosKinds, chaosRun, type ChaosKind, type ChaosRunOptions } from './swim/chaos.ts';
export { createSwimCluster, isConverged, liveNames, swimPort } from './swim/cluster.ts';
export type { Observation, SwimClusterOptions } from './swim/cluster.ts';
export { SwimRun, type SwimRunOptions, type SwimRunReport } from './swim/run.ts';
export {
  flappingRun,
  killRun,
  leaveRun,
  massKillRun,
  median,
  partitionRun,
  restartRun,
  skewRun,
  steadyRun,
  type FlappingOptions,
} from './swim/scenarios.ts';
export { runSwimScenario, swimScenarios, type SwimScenario } from './swim/table.ts';
export { simProtocols, type RunReport, type ScenarioOptions, type SimProtocol } from './protocols.ts';
