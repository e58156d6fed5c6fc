import type { FileServer, Manifest, MetaReply, MetaRequest } from '@grp/dfs';
import type { FastifyInstance } from 'fastify';
import { asDocument } from '../http/documents.ts';
import { checkQuery, switchOf, wholeOf, type Query } from '../http/query.ts';
import { patienceOf } from '../http/patience.ts';
import type { RoleContext } from '../role.ts';
import {
  listDocument,
  repairDocument,
  statDocument,
  storeDocument,
  versionsDocument,
  type ReplicaState,
} from './dfs-documents.ts';
import type { DfsPart } from './dfs-part.ts';
import { asked, nameOf } from './dfs-requests.ts';
import { fileRoutes } from './file-routes.ts';
import { Transfers } from './transfers.ts';

const pageMax = 10_000;

/** Asks the metadata, for as long as the client waits. */
type Ask = <Kind extends MetaReply['kind']>(
  question: MetaRequest,
  kind: Kind,
) => Promise<Extract<MetaReply, { kind: Kind }>>;

/** `/v1/dfs/…`: any node answers for the whole store; `store` is about itself. */
export function dfsRoutes(
  app: FastifyInstance,
  part: DfsPart,
  { options, clock, logger, recorder, name: node }: RoleContext,
): void {
  fileRoutes(app, part, { transfers: new Transfers(options.config), clock, logger, recorder });
  const get = (path: string, answer: (query: Query, ask: Ask) => Promise<object>): void => {
    app.get<{ Querystring: Query }>(path, async (request, reply) => {
      const { signal } = patienceOf(request, reply, clock);
      return answer(request.query, (question, kind) => asked(part, { request: question, kind, clock, signal }));
    });
  };
  for (const path of ['/v1/dfs/list', '/v1/dfs/ls', '/v1/dfs/files'])
    get(path, async (query, ask) => {
      checkQuery(query, ['prefix', 'after', 'limit']);
      const { prefix = '', after } = query;
      const limit = wholeOf(query, 'limit', 1, pageMax) ?? pageMax;
      const request = { kind: 'list', prefix, after, limit } as const;
      const { files, more } = await ask(request, 'listed');
      return listDocument(files, more);
    });

  get('/v1/dfs/versions', async (query, ask) => {
    checkQuery(query, ['name', 'limit']);
    const name = nameOf(query);
    const request = { kind: 'versions', name, limit: wholeOf(query, 'limit', 1, 1_000) ?? 1_000 } as const;
    return versionsDocument(name, (await ask(request, 'versions-listed')).versions);
  });

  get('/v1/dfs/stat', async (query, ask) => {
    checkQuery(query, ['name', 'verify']);
    const name = nameOf(query);
    const [{ manifest, holders }, { versions }] = await Promise.all([
      ask({ kind: 'lookup', name }, 'found'),
      ask({ kind: 'versions', name, limit: 1_000 }, 'versions-listed'),
    ]);
    const replicas = await Promise.all(
      manifest.holders.map((id) => replicaState(part, { id, manifest, holders, verify: switchOf(query, 'verify') })),
    );
    return statDocument(manifest, replicas, versions.length);
  });

  app.get<{ Querystring: Query }>('/v1/dfs/store', async ({ query }) => {
    checkQuery(query, ['limit', 'after']);
    return storeDocument(part, node, {
      limit: wholeOf(query, 'limit', 1, 100_000) ?? 100_000,
      after: query['after'] ?? '',
    });
  });

  get('/v1/dfs/repair', async (_query, ask) => {
    const { status } = await ask({ kind: 'repair-status' }, 'repair-status-reply');
    return repairDocument(status);
  });

  app.post('/v1/dfs/repair', async () => {
    part.scrubber.hurry();
    return asDocument('dfs.repair-begun', { node });
  });
}

interface ReplicaQuestion {
  readonly id: string;
  readonly manifest: Manifest;
  /** Those that the log has as up. */
  readonly holders: readonly FileServer[];
  readonly verify: boolean;
}

async function replicaState(part: DfsPart, { id, manifest, holders, verify }: ReplicaQuestion): Promise<ReplicaState> {
  const holder = holders.find((one) => one.id === id);
  // The log learns late that a server is gone: what swim believes is newer.
  if (holder === undefined || !part.peers.up().includes(id)) return { node: id, state: 'down' };
  if (!verify || manifest.blob === undefined) return { node: id, state: 'live' };
  try {
    const sha256 = await part.digest(holder.address, manifest.blob);
    return { node: id, state: sha256 === manifest.sha256 ? 'live' : 'altered', sha256 };
  } catch (cause) {
    const { code } = cause as { readonly code?: string };
    if (code === 'DFS_BLOB_NOT_FOUND') return { node: id, state: 'missing' };
    return { node: id, state: code === 'DFS_BLOB_DAMAGED' ? 'altered' : 'down' };
  }
}
