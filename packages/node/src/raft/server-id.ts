import { createHash, randomBytes } from 'node:crypto';
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

/** The same twice: rot that hits one of them is seen by its checksum and mended from the other. */
const fileNames = ['server.json', 'server-copy.json'] as const;

type Kept = Pick<Identity, 'id' | 'bootstrap'>;

/** Decides who a server with an empty folder is. May wait, for the first voters to be known. */
export type Beginning = (self: { readonly name: string; readonly address: Address }) => Promise<Kept>;

/**
 * Reads who this server is, or decides it and keeps it beside the log, so that both vanish together: a server that lost its
 * log must not vote again under the id that has voted before (Ongaro 2014, §11.7.2), and one that has it must begin with the
 * first voters it began with, whatever a cluster file says by now.
 * @throws GrpError NODE_DATA_DIR_UNUSABLE when what was kept cannot be read
 */
export async function identify(
  folder: string,
  given: {
    readonly name: string;
    readonly options: ResolvedOptions;
    readonly address: Address;
    readonly begin?: Beginning | undefined;
  },
): Promise<Identity> {
  const { name, options, begin } = given;
  const address = options.cluster.find(({ id }) => id === name)?.peer ?? given.address;
  const texts = await Promise.all(fileNames.map((file) => readText(join(folder, file), fileBytesMax)));
  const kept = texts.map((text) => decode(text)).find((value) => value !== undefined);
  if (kept === undefined && texts.some((text) => text !== undefined)) {
    const problem = `${fileNames.join(' and ')} in it are damaged`;
    throw nodeError('NODE_DATA_DIR_UNUSABLE', { context: { folder, problem } });
  }
  const self = kept ?? (await begin?.({ name, address })) ?? decide(name, address, options);
  const text = encode(self);
  for (const [index, file] of fileNames.entries())
    if (texts[index] !== text) await writeAtomically(join(folder, file), text);
  return { ...self, address };
}

/** A server that has never been there before, and waits to be added: no other life of the node has had its id. */
export function newcomer(name: string): Kept {
  return { id: `${name}.${randomBytes(4).toString('hex')}`, bootstrap: undefined };
}

/** The node that a server's id belongs to. */
export function nodeOfServer(id: string): string {
  return id.replace(/\.[0-9a-f]{8}$/, '');
}

function decide(name: string, address: Address, options: ResolvedOptions): Kept {
  const mayBegin = options.given.bootstrap ?? true;
  return mayBegin ? { id: name, bootstrap: firstVoters(name, address, options) } : newcomer(name);
}

/** Those of the cluster file; without one a node alone is a group of one, and one with seeds waits for the others. */
function firstVoters(id: string, address: Address, { cluster, seeds }: ResolvedOptions): Identity['bootstrap'] {
  if (cluster.some((server) => server.id === id)) {
    const addresses = Object.fromEntries(cluster.map((server) => [server.id, server.peer]));
    return { voters: cluster.map((server) => server.id), addresses };
  }
  return seeds.length > 0 ? undefined : { voters: [id], addresses: { [id]: address } };
}

function encode({ id, bootstrap }: Kept): string {
  const text = JSON.stringify({ id, bootstrap });
  return `${text}\n${checksum(text)}\n`;
}

/** Undefined: not what was written. */
function decode(written: string | undefined): Kept | undefined {
  const [text = '', sum] = written?.split('\n') ?? [];
  return sum === checksum(text) ? (JSON.parse(text) as Kept) : undefined;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
