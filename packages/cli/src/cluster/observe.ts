import { NodeClient } from '../client/http-client.ts';
import type { MembersDocument, NodeStatusDocument } from '../client/documents.ts';
import { document } from '../output/json.ts';
import { lookUp } from './processes.ts';
import { nodeFiles, readJsonFile, type ClusterNode, type ClusterState } from './state.ts';

/** What a node does, as opposed to what was wanted of it. */
export type NodeState = 'starting' | 'running' | 'stopping' | 'paused' | 'killed' | 'stopped' | 'exited';

/** A node of a cluster on this machine as it is now. */
export interface ObservedNode {
  readonly id: string;
  readonly pid: number;
  readonly state: NodeState;
  /** Of a process that ended by itself; null when it left no word, as after a signal or a crash of the runtime. */
  readonly exitCode?: number | null;
  readonly roles: readonly string[];
  readonly http: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Members that its list has as alive; absent when it did not answer. */
  readonly alive?: number;
}

/** A cluster and its nodes as they are now: `grp.cluster.status/1`. */
export interface ClusterDocument {
  readonly schema: string;
  readonly dir: string;
  readonly startedAt: string;
  readonly nodes: readonly ObservedNode[];
}

/** `cluster status`: every node's state from the system and, when it runs, from itself. */
export async function clusterDocument(dir: string, state: ClusterState): Promise<ClusterDocument> {
  const nodes = await Promise.all(state.nodes.map((node) => observe(dir, node)));
  return document('grp.cluster.status/1', { dir, startedAt: state.startedAt, nodes });
}

/** Looks at one node. Never takes longer than a second. */
export async function observe(dir: string, node: ClusterNode): Promise<ObservedNode> {
  const { id, pid, roles, http, ports } = node;
  const seen = { id, pid, roles, http, ports };
  const life = lookUp(pid);
  if (life === undefined || (node.startTicks !== null && life.startTicks !== node.startTicks)) {
    return { ...seen, ...(await ended(dir, node)) };
  }
  if (life.paused || (life.startTicks === null && node.intended === 'paused')) return { ...seen, state: 'paused' };
  const client = NodeClient.local(http, 1_000);
  const [status, members] = await Promise.all([
    client.get<NodeStatusDocument>('/v1/node/status').catch(() => undefined),
    client.get<MembersDocument>('/v1/swim/members').catch(() => undefined),
  ]);
  if (status === undefined) return { ...seen, state: node.intended === 'stopped' ? 'stopping' : 'starting' };
  // Without /proc a foreign process may have been given the number: only the node itself can tell.
  if (life.startTicks === null && (status.pid !== pid || status.name !== id))
    return { ...seen, ...(await ended(dir, node)) };
  const alive = members?.members.filter((member) => member.status === 'alive').length;
  return { ...seen, state: status.state, ...(alive === undefined ? {} : { alive }) };
}

async function ended(dir: string, node: ClusterNode): Promise<Pick<ObservedNode, 'state' | 'exitCode'>> {
  if (node.intended === 'killed') return { state: 'killed' };
  const exit = await readJsonFile(nodeFiles(dir, node.id).exit);
  const code = exit?.['pid'] === node.pid && typeof exit['code'] === 'number' ? exit['code'] : null;
  if (code === 0 || node.intended === 'stopped') return { state: 'stopped' };
  return { state: 'exited', exitCode: code };
}
