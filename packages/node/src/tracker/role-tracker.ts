import { join } from 'node:path';
import { parseAddress, type Disk } from '@grp/core';
import { nodeDisk } from '@grp/storage/node';
import { createTracker, type Tracker } from '@grp/tracker';
import { nodeCrypto, tlsStreams } from '@grp/tracker/node';
import { isLoopback } from '../http/security.ts';
import type { RoleContext, RunningRole } from '../role.ts';
import { trackerMetrics } from './tracker-metrics.ts';
import { trackerRoutes } from './tracker-routes.ts';

const folder = 'tracker';

/** Wires a tracker to its port, the data folder, the metrics and the HTTP API. */
export function buildTrackerRole(context: RoleContext): RunningRole {
  const { dataDir, logger, noteReady } = context;
  const disk = dataDir && nodeDisk(join(dataDir.folder, folder));
  if (disk === undefined) logger.log('warn', 'tracker.forgetful', { hint: 'give a --data-dir to keep groups' });
  const tracker = create(context, disk);
  const cancel = tracker.onFault(({ error }) => context.fail(error));
  let isReady = false;
  return {
    async start() {
      await tracker.start();
      isReady = true;
      noteReady();
    },
    async stop() {
      isReady = false;
      cancel();
      await tracker.stop();
      disk?.close();
    },
    ready: () => isReady,
    routes: (app) => trackerRoutes(app, tracker),
    metrics: (registry) => trackerMetrics(tracker, () => isReady, registry),
  };
}

/** With a certificate the tracker speaks TLS; without one the connection is plain, which is said where it matters. */
function create(context: RoleContext, disk: Disk | undefined): Tracker {
  const { network, options, clock, random, logger } = context;
  const { tls } = options;
  if (tls === undefined && !isLoopback(parseAddress(network.bound).host))
    logger.log('warn', 'tracker.plain', { address: network.self, hint: 'give --tls-cert and --tls-key' });
  const { streams: plain } = network;
  const streams =
    tls === undefined
      ? plain
      : tlsStreams({ streams: plain, server: { cert: String(tls.cert), key: String(tls.key) }, clock, logger });
  return createTracker({ streams, crypto: nodeCrypto(), disk, clock, random: random.fork('tracker'), logger });
}
