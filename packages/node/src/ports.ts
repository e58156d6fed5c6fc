import type { Aead, Clock, Random } from '@grp/core';
import type { Swim, SwimOptions, SwimPorts } from '@grp/swim';
import type { FaultOptions, Faults, Network, NetworkOptions, SeedsResult } from '@grp/transport-udp';

/** A network with faults that can be changed while it runs. */
export type FaultyNetwork = Network & { readonly faults: Faults };

/** Everything a node is made of. `createNode` hands in the real ones; tests hand in their own. */
export interface NodeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly aead: Aead;
  openNetwork(options: NetworkOptions): Promise<Network>;
  injectFaults(network: Network, options: FaultOptions): FaultyNetwork;
  resolveSeeds(seeds: readonly string[], options: { readonly defaultPort: number }): Promise<SeedsResult>;
  createSwim(ports: SwimPorts, options: SwimOptions): Swim;
}
