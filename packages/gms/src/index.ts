export type {
  Delivery,
  DeliveredMark,
  DeliveryLevel,
  Group,
  GroupEvents,
  GroupMember,
  GroupStatus,
  MulticastOptions,
  Receipt,
  StateTransfer,
  View,
  ViewChange,
} from './api.ts';
export type { DeliveredBatch } from './batch.ts';
export { gmsConfig, type GmsConfig } from './config.ts';
export { describeMessage, type MessageDescription } from './describe.ts';
export { createGroup } from './group.ts';
export { createHeartbeatDetector, heartbeatConfig } from './heartbeat.ts';
export type { HeartbeatConfig, HeartbeatDetector, HeartbeatOptions } from './heartbeat.ts';
export type { GroupHandle, GroupOptions, GroupPorts } from './options.ts';
export type { FailureDetector, Links } from './ports.ts';
export type { QuorumRule } from './rules.ts';
export { nextColour, Worker, type Colour } from './worker.ts';
