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
export {
  createSwimCluster,
  isConverged,
  liveNames,
  type Observation,
  type SwimClusterOptions,
} from './swim/cluster.ts';
export { swimPort } from './swim/cluster.ts';
export { SwimRun, type SwimRunOptions, type SwimRunReport } from './swim/run.ts';
export {
  flappingRun,
  hintRun,
  killRun,
  leaveRun,
  massKillRun,
  partitionRun,
  restartRun,
  skewRun,
  steadyRun,
  type FlappingOptions,
} from './swim/scenarios.ts';
export { runSwimScenario, swimScenarios, type SwimScenario } from './swim/table.ts';
export { simProtocols, type RunReport, type ScenarioOptions, type SimProtocol } from './protocols.ts';
export { levels, runLevel, runLevelSync, type Level } from './gms/levels/levels.ts';
export type { Divergence } from './gms/levels/divergence.ts';
export { parsePlan, type Plan, type Step } from './gms/levels/plan.ts';
export { parseRecording, type LabRecording } from './gms/levels/recording.ts';
export { levelConditions, measureLevel, type LevelRates } from './gms/levels/rates.ts';
export type { LabReport, WorkerReport } from './gms/levels/report.ts';
export { labScenarios, type LabScenario } from './scenarios.ts';
export { labStudies, type LabStudy, type StudyFact, type StudyGuess, type StudyReport } from './studies.ts';
export { drawSpaceTime, spaceTimeLegend, type DrawOptions, type Tone, type ToneLine } from './spacetime/draw.ts';
export type { SpaceTimeEvent } from './spacetime/events.ts';
export { exportFormats, exportTrace, type ExportFormat } from './trace/export.ts';
export { mergeRecordings } from './trace/merge.ts';
export { parseRecordingFile, type NodeRecording, type RecordingHead } from './trace/recording.ts';
export { traceOfWorld } from './trace/simulated.ts';
export { lanesOf, type LabTrace } from './trace/trace.ts';
export { raftChaosKinds, raftChaosRun, type RaftChaosKind, type RaftChaosOptions } from './raft/chaos.ts';
export { RaftRun, smallLimits, type RaftRunOptions, type RaftRunReport } from './raft/run.ts';
export { leaderKillRun, partitionRaftRun, powerCutRun, steadyRaftRun, transferRun } from './raft/scenarios.ts';
export { raftScenarios, runRaftScenario, type RaftScenario, type RaftScenarioOptions } from './raft/table.ts';
export { createGmsCluster, gmsPort, GmsMember, type GmsClusterOptions } from './gms/cluster.ts';
export { gmsChaosKinds, gmsChaosRun, GmsRun, type GmsChaosKind, type GmsRunOptions } from './gms/run.ts';
export { gmsScenarios, runGmsScenario, type GmsScenario } from './gms/run.ts';
export {
  MaelstromNode,
  maelstromWorkloads,
  type MaelstromNodeOptions,
  type MaelstromWorkload,
} from './maelstrom/node.ts';
export { dfsChaosKinds, dfsChaosRun, type DfsChaosKind, type DfsChaosOptions } from './dfs/chaos.ts';
export { DfsRun, type DfsRunOptions, type DfsRunReport } from './dfs/run.ts';
export { dfsScenarios, runDfsScenario, type DfsScenario, type DfsScenarioOptions } from './dfs/table.ts';
