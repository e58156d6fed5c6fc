import type { Clock } from '@grp/core';
import type { FastifyInstance } from 'fastify';
import { asDocument } from '../http/documents.ts';
import { streamEvents } from '../http/event-routes.ts';
import { settlesWithin } from '../waiting.ts';
import type { ClusterEvents } from './cluster-events.ts';
import type { ClusterView } from './cluster.ts';

// Document → where this node gives it. A role that does not run has no such route, and no such document.
const ownPaths: Readonly<Record<string, string>> = {
  'node.status': '/v1/node/status',
  'swim.members': '/v1/swim/members',
  'swim.bandwidth': '/v1/swim/bandwidth',
  'swim.health': '/v1/swim/health',
  'gms.view': '/v1/gms/view',
  'gms.workers': '/v1/gms/workers',
  'raft.status raft': '/v1/raft/status?group=raft',
  'raft.status chat': '/v1/raft/status?group=chat',
  'raft.status dfs-meta': '/v1/raft/status?group=dfs-meta',
  'tracker.groups': '/v1/tracker/groups',
  'tracker.metrics': '/v1/tracker/metrics',
  'dfs.store': '/v1/dfs/store?limit=1',
};
// What any node tells of the whole cluster, and may have to ask others for: asked of one node alone.
const sharedPaths: Readonly<Record<string, string>> = {
  'dfs.files': '/v1/dfs/files?limit=100',
  'dfs.repair': '/v1/dfs/repair',
};
// Below what a node waits for its peers, so that one slow document does not make a node look silent.
const documentMs = 500;

const schema = {
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { members: { type: 'string', enum: ['true', 'false'] } },
  },
};

export interface LocalOptions {
  readonly clock: Clock;
  readonly token: string | undefined;
  /** With the list of members (default true). */
  readonly members?: boolean;
  /** With what is the same from every node (default true). */
  readonly shared?: boolean;
}

/** This node's documents, as its own routes give them; one that is not there in half a second is left out. */
export async function localDocuments(
  app: FastifyInstance,
  { clock, token, members = true, shared = true }: LocalOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const documents: Record<string, unknown> = {};
  const wanted = Object.entries({ ...ownPaths, ...(shared && sharedPaths) }).filter(
    ([name, url]) =>
      (members || name !== 'swim.members') && app.hasRoute({ method: 'GET', url: url.split('?', 1)[0] as string }),
  );
  const ask = async ([name, url]: readonly [string, string]): Promise<void> => {
    const answer = await app.inject({ method: 'GET', url, headers });
    if (answer.statusCode === 200) documents[name] = answer.json<unknown>();
  };
  await Promise.all(wanted.map((one) => settlesWithin(clock, ask(one), { ms: documentMs })));
  return { ...documents }; // what comes later is nobody's
}

/** `/v1/cluster/self`: all that this node tells; `/v1/cluster/nodes`: the same of every node, asked by this one. */
export function clusterRoutes(app: FastifyInstance, cluster: ClusterView, clock: Clock): void {
  interface Query {
    readonly members?: 'true' | 'false';
  }
  app.get<{ Querystring: Query }>('/v1/cluster/self', { schema }, async ({ headers, query }) => {
    const token = tokenOf(headers.authorization);
    const documents = await localDocuments(app, { clock, token, members: query.members === 'true', shared: false });
    return asDocument('cluster.self', { documents });
  });
  app.get('/v1/cluster/nodes', async ({ headers }) =>
    asDocument('cluster.nodes', { nodes: await cluster.nodes(tokenOf(headers.authorization)) }),
  );
}

/** `/v1/cluster/events`: the events of all nodes, each with the name of its node (server-sent events). */
export function clusterEventRoutes(app: FastifyInstance, events: ClusterEvents, eventClientsMax: number): void {
  app.get('/v1/cluster/events', { exposeHeadRoute: false }, async ({ headers }, reply) =>
    streamEvents(reply, {
      subscribe: (sink) => events.subscribe(sink, tokenOf(headers.authorization)),
      max: eventClientsMax,
    }),
  );
}

// The guard has checked it already.
function tokenOf(header: string | undefined): string | undefined {
  return header?.replace(/^Bearer /i, '');
}
