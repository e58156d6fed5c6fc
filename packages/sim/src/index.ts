export { createWorld, type ClockChange, type World, type WorldOptions } from './world.ts';
export type { TransportOptions } from './datagrams.ts';
export type { Delay } from './delay.ts';
export type { Host, Start } from './host.ts';
export type { CrashKind } from './life.ts';
export type { LinkSettings } from './links.ts';
export type { NetworkControl, PairNames } from './network-control.ts';
export { seededRandom } from './random.ts';
export type { UntilOptions } from './runner.ts';
export type { StreamSettings } from './stream-flow.ts';
export type { TraceEvent, TraceKind, TraceOptions } from './trace.ts';
export { chaos, faultKinds, type Chaos, type ChaosOptions, type FaultKind } from './chaos.ts';
export { boundedQueues, type QueueEvent } from './checkers/bounded-queues.ts';
export { groupCheckers, type GroupCheckersOptions } from './checkers/group/group-checkers.ts';
export type { GroupDelivery, GroupEvent, GroupView } from './checkers/group/events.ts';
export { livenessAfterCalm, type CalmEvent, type ProgressEvent } from './checkers/liveness.ts';
export { checkEvents, History, type Checker, type HistoryOptions, type Violation } from './history.ts';
export { OperationHistory, type OngoingOperation, type Operation } from './operations.ts';
export { assertSeeds, runSeeds, type SeedFailure, type SeedOutcome } from './seeds.ts';
export type { SeedsOptions, SeedsReport } from './seeds.ts';
export { TypedMessages, type TypedTransport } from './typed-messages.ts';
export type { DiskControl, DiskFaults, DiskSettings } from './disk-faults.ts';
export { clockConformance, type ClockFeature, type OpenClock } from './conformance/clock.ts';
export { diskConformance, type DiskFeature, type OpenDisk } from './conformance/disk.ts';
export { loggerConformance, type LoggedLine, type LoggerFeature, type OpenLogger } from './conformance/logger.ts';
export { randomConformance, type OpenRandom, type RandomFeature } from './conformance/random.ts';
export { streamsConformance, type OpenStreams, type StreamsFeature } from './conformance/streams.ts';
export { transportConformance, type OpenTransports, type TransportFeature } from './conformance/transport.ts';
export { ConformanceError } from './conformance/suite.ts';
export type { Environment, SuiteOptions, Supports, TestFunction } from './conformance/suite.ts';
export {
  checkLinearizability,
  registerModel,
  type LinearizabilityOptions,
  type LinearizabilityReport,
  type SequentialModel,
} from './checkers/linearizability.ts';
export { electionSafety } from './checkers/raft/election-safety.ts';
export type { LoggedEntry, RaftEvent } from './checkers/raft/events.ts';
export { exactlyOnce, type CommandEvent } from './checkers/raft/exactly-once.ts';
export { leaderAppendOnly } from './checkers/raft/leader-append-only.ts';
export { leaderCompleteness } from './checkers/raft/leader-completeness.ts';
export { logMatching } from './checkers/raft/log-matching.ts';
export { stateMachineSafety } from './checkers/raft/state-machine-safety.ts';
