export type {
  Delivery,
  Gap,
  InstalledView,
  Order,
  Ordering,
  OrderingEvents,
  OrderingMember,
  OrderingStatistics,
  OrderingStatus,
  OrderingView,
} from './api.ts';
export { orderingConfig, type OrderingConfig } from './config.ts';
export type { Effect, Input } from './effects.ts';
export { OrderingMachine, type OrderingMachineOptions } from './machine.ts';
export type { Message } from './messages.ts';
export { createOrdering, type OrderingOptions } from './node.ts';
export type { Links } from './ports.ts';
export { decodeMessage, type Malformed } from './wire/decode.ts';
export { encodeMessage } from './wire/encode.ts';
