export { nodeAead } from './aead.ts';
export type { RefusingTransport } from './datagrams.ts';
export { faultConfig, injectFaults } from './faults.ts';
export type { FaultOptions, Faults, FaultSettings, FaultyParts } from './faults.ts';
export { dialStreams, openNetwork, type Network } from './network.ts';
export { networkConfig, type NetworkOptions, type NetworkSettings } from './options.ts';
export { sealStreams, type SealStreamsOptions } from './sealed-streams.ts';
export { resolveSeeds } from './seeds.ts';
export type { ResolveSeedsOptions, SeedFailure, SeedResolver, SeedsResult, SrvRecord } from './seeds.ts';
