export { runCli, type CliOptions } from './main.ts';
export { COMMANDS } from './commands.ts';
export { bringUp, type UpOptions, type UpProgress } from './cluster/up.ts';
export { bringDown, type DownOptions } from './cluster/down.ts';
export {
  heal,
  killNode,
  partition,
  pauseNode,
  restartNode,
  resumeNode,
  type PartitionResult,
  type RestartOptions,
} from './cluster/control.ts';
export type { ClusterDocument, NodeState, ObservedNode } from './cluster/observe.ts';
export { NodeClient } from './client/http-client.ts';
export type { NodeEvent } from './client/events.ts';
