export {
  Accuracy,
  Agreement,
  Completeness,
  Incarnations,
  LeaveIsNotDeath,
  Quiet,
  type SwimChecker,
  type Violation,
} from './swim/checkers.ts';
export { createSwimCluster, isConverged, liveNames, swimPort } from './swim/cluster.ts';
export type { Observation, SwimClusterOptions } from './swim/cluster.ts';
export { chaosRun, flappingRun, killRun, partitionRun, steadyRun, SwimRun } from './swim/run.ts';
export type { FlappingOptions, SwimRunOptions, SwimRunReport } from './swim/run.ts';
