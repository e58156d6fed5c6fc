import type { FastifyInstance } from 'fastify';
import { asDocument } from '../http/documents.ts';
import type { ClusterView } from './cluster.ts';

// Document → where this node gives it. A role that does not run has no such route, and no such document.
const paths: Readonly<Record<string, string>> = {
  'node.status': '/v1/node/status',
  'swim.members': '/v1/swim/members',
  'swim.bandwidth': '/v1/swim/bandwidth',
  'swim.health': '/v1/swim/health',
  'gms.view': '/v1/gms/view',
  'gms.workers': '/v1/gms/workers',
  'raft.status raft': '/v1/raft/status?group=raft',
  'raft.status chat': '/v1/raft/status?group=chat',
  'raft.status dfs': '/v1/raft/status?group=dfs',
  'tracker.groups': '/v1/tracker/groups',
  'tracker.metrics': '/v1/tracker/metrics',
  'dfs.files': '/v1/dfs/files',
  'dfs.repair': '/v1/dfs/repair',
  'dfs.store': '/v1/dfs/store',
};

const schema = {
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { members: { type: 'string', enum: ['true', 'false'] } },
  },
};

/** This node's documents, as its own routes give them. */
export async function localDocuments(
  app: FastifyInstance,
  token: string | undefined,
  { members = true }: { readonly members?: boolean } = {},
): Promise<Readonly<Record<string, unknown>>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const documents: Record<string, unknown> = {};
  for (const [name, url] of Object.entries(paths)) {
    if (name === 'swim.members' && !members) continue;
    if (!app.hasRoute({ method: 'GET', url: url.split('?', 1)[0] as string })) continue;
    const answer = await app.inject({ method: 'GET', url, headers });
    if (answer.statusCode === 200) documents[name] = answer.json<unknown>();
  }
  return documents;
}

/** `/v1/cluster/self`: all that this node tells; `/v1/cluster/nodes`: the same of every node, asked by this one. */
export function clusterRoutes(app: FastifyInstance, cluster: ClusterView): void {
  interface Query {
    readonly members?: 'true' | 'false';
  }
  app.get<{ Querystring: Query }>('/v1/cluster/self', { schema }, async ({ headers, query }) => {
    const documents = await localDocuments(app, tokenOf(headers.authorization), { members: query.members === 'true' });
    return asDocument('cluster.self', { documents });
  });
  app.get('/v1/cluster/nodes', async ({ headers }) =>
    asDocument('cluster.nodes', { nodes: await cluster.nodes(tokenOf(headers.authorization)) }),
  );
}

// The guard has checked it already.
function tokenOf(header: string | undefined): string | undefined {
  return header?.replace(/^Bearer /i, '');
}
