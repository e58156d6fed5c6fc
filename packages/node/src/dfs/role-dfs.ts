import { invariant } from '@grp/core';
import { openBlobStore } from '@grp/dfs/node';
import { nodeError } from '../errors.ts';
import type { RoleContext, RunningRole } from '../role.ts';
import { dfsMetrics } from './dfs-metrics.ts';
import { DfsPart } from './dfs-part.ts';
import { dfsRoutes } from './dfs-routes.ts';

const folder = 'dfs';

/** Wires the file store: the metadata to its raft group, blobs to the data folder and the port, failures to swim. */
export async function buildDfsRole(context: RoleContext): Promise<RunningRole> {
  const { dataDir, swim, logger } = context;
  if (dataDir === undefined) throw nodeError('NODE_DATA_DIR_NEEDED', { context: { group: folder } });
  invariant(swim !== undefined, 'swim is built before the roles that need it');
  // The data folder is locked already.
  const store = await openBlobStore({ dir: dataDir.file(folder), exclusive: false, logger });
  const part = new DfsPart(context, swim, store);
  const host = context.raft();
  return {
    async start() {
      part.start();
    },
    stop: (how) => part.stop(how),
    ready: () => part.isReady,
    routes(app) {
      host.routes(app);
      dfsRoutes(app, part, context);
    },
    metrics(registry) {
      host.metrics(registry);
      dfsMetrics(part, registry);
    },
  };
}
