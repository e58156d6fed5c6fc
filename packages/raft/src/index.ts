export { raftConfig, raftPresets, type RaftConfig, type RaftPreset } from './config.ts';
export type { ClientPayload, Effect, Input, MembershipStep, Refusal, Ticket } from './effects.ts';
export {
  decodeMapAnswer,
  decodeMapCommand,
  encodeMapCommand,
  MapStateMachine,
  type MapAnswer,
  type MapCommand,
} from './map-state-machine.ts';
export {
  createRaft,
  type ProposeOptions,
  type Raft,
  type RaftEvent,
  type RaftOptions,
  type RaftPorts,
} from './node.ts';
export { RaftClient, type RaftClientOptions, type RaftClientPorts, type RequestOptions } from './client.ts';
export { RaftNetwork } from './network.ts';
export { MemoryStorage } from './memory-storage.ts';
export { decodeMessage, encodeMessage } from './wire/messages.ts';
export { PayloadCodec } from './wire/payload.ts';
export type { Message } from './messages.ts';
export type { PersistWrite, RaftPeers, RaftStorage } from './ports.ts';
export { RaftMachine, type RaftStatus } from './protocol/machine.ts';
export type { RaftMachineOptions, Restored } from './protocol/restoring.ts';
export { paperRules, type Rules } from './protocol/rules.ts';
export { Replica, type Ended, type ReadEnded, type ReplicaOptions } from './replica.ts';
export { sessionRules, type SessionRules } from './sessions.ts';
export {
  SessionedStateMachine,
  type Outcome,
  type PiecePlace,
  type SnapshotPieces,
  type StateMachine,
} from './state-machine.ts';
export type {
  Command,
  Configuration,
  Entry,
  HardState,
  LogIndex,
  LogPosition,
  Payload,
  RoleName,
  ServerId,
  SnapshotInfo,
  Term,
} from './types.ts';
