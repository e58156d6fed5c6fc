import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import type { ClusterServer } from '@grp/chat';
import { formatAddress, parseAddress, type Address, type HostPort } from '@grp/core';
import { errorCode, nodeError, problemOf } from './errors.ts';
import type { NodeOptions, ResolvedOptions } from './options.ts';
import type { RoleName, RoleTable } from './role.ts';

/**
 * The servers of the cluster file, of which this node is one unless it has seeds, and then may be added later.
 * @throws GrpError NODE_FILE_UNREADABLE, CHAT_CLUSTER_FILE, NODE_OPTION_INVALID
 */
export async function readCluster(given: NodeOptions): Promise<readonly ClusterServer[]> {
  const { clusterConfig: file, name, join = [] } = given;
  if (file === undefined) return [];
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw nodeError('NODE_FILE_UNREADABLE', { context: { file, problem: problemOf(cause) }, cause });
  });
  const { parseClusterFile } = await import('@grp/chat');
  const servers = parseClusterFile(text);
  const names = servers.map(({ id }) => id).join(', ');
  const problem =
    name === undefined ? 'say which server of the cluster file this is' : `the cluster file has only ${names}`;
  if (!servers.some(({ id }) => id === name) && (name === undefined || join.length === 0))
    throw nodeError('NODE_OPTION_INVALID', { context: { option: 'name', problem } });
  return Promise.all(servers.map(async (server) => ({ ...server, peer: await resolved(server.peer) })));
}

/** Streams dial addresses, not names: those of peers are looked up once, when the node is made. */
async function resolved(peer: Address): Promise<Address> {
  const { host, port } = parseAddress(peer);
  const found = await lookup(host, { order: 'ipv4first' }).catch((cause: unknown) => {
    const problem = `the name ${host} in it does not resolve (${errorCode(cause) ?? 'unknown'})`;
    throw nodeError('NODE_OPTION_INVALID', { context: { option: 'clusterConfig', problem }, cause });
  });
  return formatAddress(found.address, port);
}

/** Where roles listen: as the cluster file says, else at their offset from the base port. */
export function places({
  given,
  base,
  cluster,
  table,
}: {
  readonly given: NodeOptions;
  readonly base: HostPort;
  readonly cluster: readonly ClusterServer[];
  readonly table: RoleTable;
}): Pick<ResolvedOptions, 'hostOf' | 'portOf'> {
  const own = cluster.find(({ id }) => id === given.name);
  const named = (role: RoleName): HostPort | undefined => {
    const address = role === 'raft' ? own?.peer : role === 'chat' ? own?.client : undefined;
    return address === undefined ? undefined : parseAddress(address);
  };
  return {
    // The file says where others find this server, which need not be an address of this host: `bind` wins.
    hostOf: (role) => (given.bind === undefined ? (named(role)?.host ?? base.host) : base.host),
    portOf: (role) => named(role)?.port ?? (base.port === 0 ? 0 : base.port + table[role].offset),
  };
}
