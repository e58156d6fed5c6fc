import { dirOf, GrpCommand, type GlobalFlags } from '../base.ts';
import { NodeClient } from '../client/http-client.ts';
import { isAlive } from '../cluster/processes.ts';
import { readState } from '../cluster/state.ts';
import { text } from '../flags.ts';
import type { RaftStatusDocument } from './documents.ts';

/** Which group of a node that has several. */
export const groupFlag = {
  group: text(
    'group',
    'raft group: chat, dfs-meta, or raft for the role raft (the first one of the node unless given)',
    'NAME',
  ),
};

export interface RaftFlagValues extends GlobalFlags {
  readonly group?: string | undefined;
}

/** What the raft commands share: the query for a group, and finding who leads. */
export abstract class RaftCommand extends GrpCommand {
  protected async status(client: NodeClient, group: string | undefined): Promise<RaftStatusDocument> {
    return client.get<RaftStatusDocument>(
      `/v1/raft/status${group === undefined ? '' : `?group=${encodeURIComponent(group)}`}`,
    );
  }

  /** The node that the flags name, or else the one of the local cluster that leads; without a leader, any. */
  protected async leaderClient(flags: RaftFlagValues): Promise<NodeClient> {
    if (flags.node === undefined) {
      for (const { http } of await this.localNodes(flags)) {
        const client = NodeClient.local(http, flags.timeout ?? 5_000);
        const status = await this.status(client, flags.group).catch(() => undefined);
        if (status?.role === 'leader') return client;
      }
    }
    return this.client(flags);
  }

  protected async localNodes(
    flags: RaftFlagValues,
  ): Promise<readonly { readonly id: string; readonly http: string }[]> {
    const nodes = (await readState(dirOf(flags)))?.nodes ?? [];
    return nodes.filter((node) => isAlive(node) && ['chat', 'raft', 'dfs'].some((role) => node.roles.includes(role)));
  }

  /** A server by its id in the group, or a node of the local cluster by its name. */
  protected async serverOf(
    name: string,
    flags: RaftFlagValues,
  ): Promise<{ readonly id: string; readonly address: string | undefined }> {
    const node = (await this.localNodes(flags)).find(({ id }) => id === name);
    if (node === undefined) return { id: name, address: undefined };
    const { id } = await this.status(NodeClient.local(node.http, 5_000), flags.group);
    const { ports } = await NodeClient.local(node.http, 5_000).get<{ readonly ports: Record<string, number> }>(
      '/v1/node/status',
    );
    const { hostname } = new URL(node.http);
    return { id, address: `${hostname}:${ports['raft']}` };
  }

  protected showStatus(status: RaftStatusDocument): RaftStatusDocument {
    return this.show(status, () => statusText(status));
  }
}

/** A server for people. */
export function statusText(status: RaftStatusDocument): string {
  const { id, group, role, term, leader, commitIndex, appliedIndex, lastIndex, voters, learners, recovering } = status;
  return [
    `${id} in ${group}: ${role}${recovering ? ' (recovering)' : ''}, term ${term}, leader ${leader ?? 'unknown'}`,
    `committed ${commitIndex}, applied ${appliedIndex}, last ${lastIndex}`,
    `voters ${voters.join(', ')}${learners.length === 0 ? '' : `; learners ${learners.join(', ')}`}`,
  ].join('\n');
}
