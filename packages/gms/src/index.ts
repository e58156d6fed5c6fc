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
export type { FailureDetector, Links } from './ports.ts';
export { nextColour, Worker, type Colour } from './worker.ts';
