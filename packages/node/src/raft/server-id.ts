import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Address } from '@grp/core';
import type { RaftOptions } from '@grp/raft';
import { nodeError } from '../errors.ts';
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

const fileBytesMax = 65_536;

/**
 * Reads who this server is, or decides it and keeps it beside the log, so that both vanish together: a server that lost its
 * log must not vote again under the id that has voted before (Ongaro 2014, §11.7.2), and one that has it must begin with the
 * first voters it began with, whatever a cluster file says by now.
 * @throws GrpError NODE_DATA_DIR_UNUSABLE when what was kept cannot be read
 */
export async function identify(
  folder: string,
  given: { readonly name: string; readonly options: ResolvedOptions; readonly address: Address },
): Promise<Identity> {
  const { name, options } = given;
  const address = options.cluster.find(({ id }) => id === name)?.peer ?? given.address;
  const file = join(folder, 'server.json');
  const text = await readText(file, fileBytesMax);
  if (text !== undefined) return { ...kept(text, folder), address };
  const mayBegin = options.given.bootstrap ?? true;
  const id = mayBegin ? name : `${name}.${randomBytes(4).toString('hex')}`;
  const bootstrap = mayBegin ? firstVoters(id, address, options) : undefined;
  await writeAtomically(file, `${JSON.stringify({ id, bootstrap })}\n`);
  return { id, address, bootstrap };
}

/** Those of the cluster file; without one a node alone is a group of one, and one with seeds waits for the others. */
function firstVoters(id: string, address: Address, { cluster, seeds }: ResolvedOptions): Identity['bootstrap'] {
  if (cluster.some((server) => server.id === id)) {
    const addresses = Object.fromEntries(cluster.map((server) => [server.id, server.peer]));
    return { voters: cluster.map((server) => server.id), addresses };
  }
  return seeds.length > 0 ? undefined : { voters: [id], addresses: { [id]: address } };
}

function kept(text: string, folder: string): Pick<Identity, 'id' | 'bootstrap'> {
  try {
    const value = JSON.parse(text) as Pick<Identity, 'id' | 'bootstrap'>;
    if (typeof value.id === 'string' && value.id !== '') return { id: value.id, bootstrap: value.bootstrap };
  } catch {
    // As below.
  }
  throw nodeError('NODE_DATA_DIR_UNUSABLE', { context: { folder, problem: 'server.json in it is damaged' } });
}
