import type { Address, Clock } from '@grp/core';
import type { ResolvedOptions } from '../options.ts';
import { newcomer, type Beginning } from '../raft/server-id.ts';
import { sleep } from '../waiting.ts';
import type { DfsPeers } from './peers.ts';

const votersDefault = 3;
const lookMs = 50;

/** The names of the nodes that begin as voters of the metadata; undefined: nobody has said. */
export function firstVoters({ given, cluster }: ResolvedOptions): readonly string[] | undefined {
  if (given.dfsVoters !== undefined && given.dfsVoters.length > 0) return given.dfsVoters;
  return cluster.length === 0 ? undefined : cluster.slice(0, votersDefault).map(({ id }) => id);
}

/** How many voters the metadata should have. */
export function votersWanted(options: ResolvedOptions): number {
  return options.given.dfsVoters?.length ?? votersDefault;
}

export interface FoundersOptions {
  readonly options: ResolvedOptions;
  readonly peers: DfsPeers;
  /** Whether the others remember a file server of this name: then this is a node that lost its disk, and no beginning. */
  readonly isRemembered: () => Promise<boolean>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Who a server of the metadata is when its folder is empty: one of the first voters, under the node's name, once in the life
 * of the cluster; else a learner under an id that nobody has had before, whom the leader takes in.
 */
export function foundersOf({ options, peers, isRemembered, clock, signal }: FoundersOptions): Beginning {
  return async ({ name, address }) => {
    const { given, seeds } = options;
    const names = firstVoters(options) ?? (seeds.length === 0 ? [name] : []);
    if (given.bootstrap === false || !names.includes(name) || (await isRemembered())) return newcomer(name);
    for (;;) {
      const addresses = names.map((one) => (one === name ? address : addressOf(one, options, peers)));
      if (!addresses.includes(undefined)) {
        const entries = names.map((one, index) => [one, addresses[index] as Address] as const);
        return { id: name, bootstrap: { voters: [...names], addresses: Object.fromEntries(entries) } };
      }
      await sleep(clock, lookMs, signal);
      // The node stops: who it would have been is decided another time.
      signal.throwIfAborted();
    }
  };
}

function addressOf(name: string, { cluster }: ResolvedOptions, peers: DfsPeers): string | undefined {
  return cluster.find(({ id }) => id === name)?.peer ?? peers.address(name, 'raft');
}
