export { stateConfig, type StateConfig } from './config.ts';
export type { Account, Outcome, OutcomeError, Room, Session, StoredMessage } from './model.ts';
export { isName, matchesPattern, parseRoom, type RoomRequest } from './names.ts';
export { captureState, restoreState } from './snapshot.ts';
export { ChatState, type ChatView, type CommandInit } from './state.ts';
