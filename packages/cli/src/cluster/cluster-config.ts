import { join } from 'node:path';
import { formatAddress, parseAddress } from '@grp/core';
import { writeAtomically, type ClusterNode } from './state.ts';

const raftOffset = 4;
const chatOffset = 5;

/** The file that names the servers of the local cluster; `--cluster-config` of other commands takes it too. */
export function clusterConfigFile(dir: string): string {
  return join(dir, 'cluster_config.json');
}

/** Whether nodes with these roles need the file. */
export function hasRaft({ roles }: { readonly roles: readonly string[] }): boolean {
  return ['chat', 'raft', 'dfs'].some((role) => roles.includes(role));
}

/** All nodes of a new cluster are its first voters; of the metadata of dfs, those of `--dfs-voters`. */
export async function writeClusterConfig(dir: string, nodes: readonly ClusterNode[]): Promise<void> {
  const servers = nodes.map(({ id, bind }) => {
    const { host, port } = parseAddress(bind);
    return [id, { client: formatAddress(host, port + chatOffset), peer: formatAddress(host, port + raftOffset) }];
  });
  await writeAtomically(clusterConfigFile(dir), { servers: Object.fromEntries(servers) });
}
