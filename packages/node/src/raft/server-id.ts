import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Address } from '@grp/core';
import type { RaftOptions } from '@grp/raft';
import { readText, writeAtomically } from '../files.ts';
import type { ResolvedOptions } from '../options.ts';

/** Who a server is in its group. */
export interface Identity {
  readonly id: string;
  /** Where the other servers reach it. */
  readonly address: Address;
  /** The first voters; undefined: it waits to be added. */
  readonly bootstrap: RaftOptions['bootstrap'] | undefined;
}

const idBytesMax = 256;

/**
 * The id lies beside the log and vanishes with it: a server that lost its log must not vote again under the name that has
 * voted before (Ongaro 2014, §11.7.2). So a life that begins without `bootstrap` gets an id of its own.
 */
export async function identify(
  folder: string,
  given: { readonly name: string; readonly options: ResolvedOptions; readonly address: Address },
): Promise<Identity> {
  const { name, options } = given;
  const { cluster, seeds } = options;
  const own = cluster.find(({ id }) => id === name);
  const address = own?.peer ?? given.address;
  const mayBegin = options.given.bootstrap ?? true;
  const file = join(folder, 'id');
  let id = (await readText(file, idBytesMax))?.trim();
  if (id === undefined || id === '') {
    id = mayBegin ? name : `${name}.${randomBytes(4).toString('hex')}`;
    await writeAtomically(file, `${id}\n`);
  }
  if (!mayBegin || id !== name) return { id, address, bootstrap: undefined };
  if (own !== undefined) {
    const voters = cluster.map((server) => server.id);
    const addresses = Object.fromEntries(cluster.map(({ id: server, peer }) => [server, peer]));
    return { id, address, bootstrap: { voters, addresses } };
  }
  // Alone, it is a group of one that others can be added to; with seeds it is one of those others.
  return { id, address, bootstrap: seeds.length > 0 ? undefined : { voters: [id], addresses: { [id]: address } } };
}
