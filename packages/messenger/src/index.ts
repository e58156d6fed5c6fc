export type {
  ChatMessage,
  Departure,
  GroupMetricsReport,
  GroupState,
  GroupStatus,
  GroupView,
  JoinOptions,
  Messenger,
  MessengerEvent,
  MessengerMetrics,
  PeerInfo,
  PeerPath,
  StopOptions,
} from './api.ts';
export { messengerConfig, type MessengerConfig } from './config.ts';
export { createMessenger, type MessengerOptions } from './messenger.ts';
export { openMessenger, type OpenedMessenger, type OpenMessengerOptions } from './open.ts';
