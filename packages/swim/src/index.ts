export type {
  JoinResult,
  KeyReport,
  Member,
  MemberStatus,
  QueryOptions,
  QueryResult,
  RttReport,
  Swim,
  SwimEvent,
  SwimHealth,
  Tags,
} from './api.ts';
export { swimConfig, swimPresets, type SwimConfig, type SwimPreset } from './config.ts';
export type { Effect, Input } from './effects.ts';
export { SwimMachine, type MachineOptions } from './machine.ts';
export { createSwim, type SwimOptions, type SwimPorts } from './node.ts';
export type { ResolvedSeeds, SeedResolver } from './ports.ts';
