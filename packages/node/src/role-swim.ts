import type { GrpError } from '@grp/core';
import type { Swim, SwimEvent } from '@grp/swim';
import { nodeError } from './errors.ts';
import { swimEventBody } from './http/swim-documents.ts';
import { swimRoutes } from './http/swim-routes.ts';
import { Joiner } from './joiner.ts';
import { swimMetrics } from './metrics/swim-metrics.ts';
import { PeersFile, type Peer } from './peers-file.ts';
import { portsTag } from './ports-tag.ts';
import { tapDatagrams } from './record/taps.ts';
import type { RoleContext, RoleStop, RunningRole } from './role.ts';
import { settlesWithin } from './waiting.ts';

const defaultSeedPort = 7_946;
const rememberedMax = 16;

/** Wires swim to its port, the seeds, the data folder, the event stream, the metrics and the HTTP API. */
export async function buildSwimRole(context: RoleContext): Promise<RunningRole> {
  const { options, clock, random, logger, publish } = context;
  const swim = createMember(context);
  const peers = openPeersFile(context, swim);
  const joiner = new Joiner({
    swim,
    seeds: options.seeds,
    remembered: await rememberedSeeds(context, swim, peers),
    clock,
    random: random.fork('join'),
    logger,
    config: options.config,
    onJoined: context.noteReady,
    onFatal: context.fail,
  });
  const metrics = swimMetrics(swim);

  const cancel = swim.on((event) => {
    metrics.countEvent(event.type);
    publish(swimEventBody(event));
    peers?.changed();
    const end = endOf(event);
    if (end !== undefined) context.fail(end);
  });

  return {
    swim,
    async start() {
      swim.start();
      await joiner.start();
    },
    async stop(how) {
      joiner.stop();
      await peers?.close(); // before the leave, after which nobody is known
      await stopMember(context, swim, how);
      cancel();
    },
    ready: () => joiner.ready,
    routes: (app) => swimRoutes(app, { swim, config: options.config, onJoined: () => joiner.noteJoined() }),
    metrics: (registry) => metrics.register(registry),
  };
}

function createMember({ name, options, network, ports, parts, clock, random, logger, recorder }: RoleContext): Swim {
  const { given, keyring } = options;
  const { transport, streams, meter } = network;
  const tag = portsTag(ports);
  return parts.createSwim(
    {
      transport: recorder === undefined ? transport : tapDatagrams(transport, recorder, keyring !== undefined),
      streams,
      meter,
      clock,
      random: random.fork('swim'),
      logger,
      keyring,
      resolve: (seeds) => parts.resolveSeeds(seeds, { defaultPort: defaultSeedPort }),
    },
    {
      name,
      tags: { ...given.tags, ...(tag === undefined ? {} : { ports: tag }) },
      label: given.label,
      preset: given.preset,
      config: given.swim,
    },
  );
}

/** Leaves or stops; when leaving takes too long, or somebody is in a hurry, it vanishes. */
async function stopMember({ clock, logger }: RoleContext, swim: Swim, how: RoleStop): Promise<void> {
  const { leave, timeoutMs, signal } = how;
  if (leave) {
    try {
      const left = await settlesWithin(clock, swim.leave({ timeoutMs }), { ms: timeoutMs, signal });
      if (!left) logger.log('warn', 'node.leave-cut-short', { timeoutMs });
    } catch (cause) {
      // A node that never started, or was stopped already, has nothing to leave.
      logger.log('debug', 'node.leave-failed', { message: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  swim.stop();
}

function openPeersFile({ dataDir, clock, logger, options }: RoleContext, swim: Swim): PeersFile | undefined {
  if (dataDir === undefined) return undefined;
  return new PeersFile({
    file: dataDir.file('peers.json'),
    clock,
    logger,
    writeMs: options.config.peersWriteMs,
    snapshot: () => livingPeers(swim),
  });
}

function livingPeers(swim: Swim): readonly Peer[] {
  const { self } = swim;
  return swim
    .members()
    .filter(({ status, name }) => (status === 'alive' || status === 'suspect') && name !== self.name)
    .map(({ name, address }) => ({ name, address }));
}

/** Addresses of the last life's peers that are neither this node nor a seed already. */
async function rememberedSeeds(context: RoleContext, swim: Swim, peers: PeersFile | undefined): Promise<string[]> {
  const known: ReadonlySet<string> = new Set([swim.self.address, ...context.options.seeds]);
  const addresses = ((await peers?.load()) ?? []).map(({ address }) => address);
  return addresses.filter((address) => !known.has(address)).slice(0, rememberedMax);
}

/** The error with which swim ends by itself: its name is taken, or it has met a bug of its own. */
function endOf(event: SwimEvent): GrpError | undefined {
  if (event.type === 'conflict') {
    return nodeError('SWIM_NAME_TAKEN', { context: { name: event.name, address: event.address } });
  }
  if (event.type !== 'fault' || event.code !== 'SWIM_BUG') return undefined;
  return nodeError('NODE_FAILED', { context: { problem: event.message.split('\n', 1)[0] ?? '' } });
}
