import type { BandwidthDocument, MembersDocument, NodeStatusDocument } from '../client/documents.ts';
import { NodeClient } from '../client/http-client.ts';
import { observe } from '../cluster/observe.ts';
import type { ClusterState } from '../cluster/state.ts';
import { document } from '../output/json.ts';
import type { RaftStatusDocument } from '../raft/documents.ts';

/** What one node says of itself, as far as it runs and answers. */
export interface TopNode {
  readonly name: string;
  /** As `cluster status` says it; `unreachable` for one that does not answer. */
  readonly state: string;
  readonly ready: boolean;
  readonly http: string;
  readonly roles: readonly string[];
  readonly uptimeMs: number | null;
  /** Its list by status; null without the role swim. */
  readonly members: { readonly alive: number; readonly suspect: number; readonly down: number } | null;
  readonly group: {
    readonly name: string;
    readonly status: string;
    readonly view: number | null;
    readonly leads: boolean;
    readonly size: number;
    readonly delivered: number;
  } | null;
  readonly raft: readonly {
    readonly group: string;
    readonly role: string;
    readonly term: number;
    readonly leader: string | null;
    readonly commitIndex: number;
    readonly appliedIndex: number;
  }[];
  /** Of the membership's port, since its counters were last reset. */
  readonly traffic: { readonly since: string; readonly bytesIn: number; readonly bytesOut: number } | null;
}

/** One look at a cluster. */
export interface TopSample {
  readonly schema: string;
  readonly at: string;
  readonly nodes: readonly TopNode[];
}

interface ViewDocument {
  readonly group: string;
  readonly self: string;
  readonly status: string;
  readonly view: { readonly id: number; readonly leader: string | null; readonly members: readonly unknown[] } | null;
  readonly delivered: { readonly sequence: number };
}

const answerMs = 1_000;

/** Asks every node of a local cluster; none makes the others wait. */
export async function sampleCluster(dir: string, state: ClusterState, now: Date): Promise<TopSample> {
  const nodes = await Promise.all(
    state.nodes.map(async (node) => {
      const seen = await observe(dir, node);
      const { id: name, http, roles } = seen;
      if (seen.state !== 'running' && seen.state !== 'stopping')
        return silent({ name, http, roles, state: seen.state });
      return sampleNode(NodeClient.local(http, answerMs), { name, state: seen.state });
    }),
  );
  return document('grp.top.sample/1', { at: now.toISOString(), nodes });
}

/** Asks one node, anywhere. @throws GrpError when it does not answer */
export async function sampleOne(client: NodeClient, now: Date): Promise<TopSample> {
  const status = await client.get<NodeStatusDocument>('/v1/node/status');
  const node = await sampleNode(client, { name: status.name, state: status.state });
  return document('grp.top.sample/1', { at: now.toISOString(), nodes: [node] });
}

async function sampleNode(
  client: NodeClient,
  known: { readonly name: string; readonly state: string },
): Promise<TopNode> {
  const ask = async <Document extends object>(path: string): Promise<Document | undefined> =>
    client.get<Document>(path).catch(() => undefined); // a role that it does not run, or a moment in which it ends
  const status = await ask<NodeStatusDocument>('/v1/node/status');
  if (status === undefined) return silent({ ...known, http: client.url, roles: [], state: 'unreachable' });
  const has = (role: string): boolean => status.roles.includes(role);
  const [members, traffic, view, raft] = await Promise.all([
    has('swim') ? ask<MembersDocument>('/v1/swim/members') : undefined,
    has('swim') ? ask<BandwidthDocument>('/v1/swim/bandwidth') : undefined,
    has('gms') ? ask<ViewDocument>('/v1/gms/view') : undefined,
    ask<RaftStatusDocument>('/v1/raft/status'),
  ]);
  return {
    name: status.name,
    state: status.state,
    ready: status.ready,
    http: client.url,
    roles: status.roles,
    uptimeMs: status.uptimeMs,
    members: members === undefined ? null : counted(members),
    group: view === undefined ? null : groupOf(view),
    raft: raft === undefined ? [] : [raftOf(raft)],
    traffic:
      traffic === undefined
        ? null
        : { since: traffic.since, bytesIn: traffic.total.bytesIn, bytesOut: traffic.total.bytesOut },
  };
}

function silent(known: Pick<TopNode, 'name' | 'http' | 'roles' | 'state'>): TopNode {
  return { ...known, ready: false, uptimeMs: null, members: null, group: null, raft: [], traffic: null };
}

function counted({ members }: MembersDocument) {
  const count = (wanted: string): number => members.filter(({ status }) => status === wanted).length;
  return { alive: count('alive'), suspect: count('suspect'), down: count('down') };
}

function groupOf({ group: name, status, view, self, delivered }: ViewDocument): NonNullable<TopNode['group']> {
  return {
    name,
    status,
    view: view?.id ?? null,
    leads: view !== null && view.leader === self,
    size: view?.members.length ?? 0,
    delivered: delivered.sequence,
  };
}

function raftOf({ group, role, term, leader, commitIndex, appliedIndex }: RaftStatusDocument): TopNode['raft'][number] {
  return { group, role, term, leader, commitIndex, appliedIndex };
}
