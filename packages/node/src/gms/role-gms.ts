import { createGroup, createHeartbeatDetector, Worker } from '@grp/gms';
import type { FailureDetector, GroupHandle, HeartbeatDetector, Links, StateTransfer } from '@grp/gms';
import { createLinks, sealTransport } from '@grp/link';
import { EventHub } from '../http/event-hub.ts';
import { messageBody, tailLines, viewBody, type GroupFacts } from '../http/gms-documents.ts';
import { gmsRoutes } from '../http/gms-routes.ts';
import { gmsMetrics } from '../metrics/gms-metrics.ts';
import { tapLinks } from '../record/group-tap.ts';
import type { RoleContext, RoleStop, RunningRole } from '../role.ts';
import { settlesWithin } from '../waiting.ts';
import { GroupJoiner } from './group-joiner.ts';
import { groupSeeds } from './group-seeds.ts';

const defaultGroup = 'default';

/** Wires a group to its port, to swim's verdicts, the seeds, the event stream, the metrics and the HTTP API. */
export function buildGmsRole(context: RoleContext): RunningRole {
  const { options, clock, random, logger, publish, parts, swim } = context;
  const worker = new Worker();
  const member = createMember(context, worker);
  const { group } = member;
  const facts: GroupFacts = {
    group,
    worker,
    name: options.given.group ?? defaultGroup,
    delivery: options.given.delivery ?? 'agreed',
  };
  const joiner = new GroupJoiner({
    group,
    founder: options.seeds.length === 0,
    seeds: () => groupSeeds({ swim, seeds: options.seeds, self: group.self.address, parts }),
    clock,
    random: random.fork('gms-join'),
    logger,
    config: options.config,
    onJoined: context.noteReady,
    onFatal: context.fail,
  });
  const metrics = gmsMetrics(group);
  const tail = new EventHub(clock, options.config, tailLines);
  const cancels = [
    group.on('message', (delivery) => {
      worker.deliver(delivery.payload);
      metrics.countDelivery(delivery.payload.length);
      const body = messageBody(delivery, worker.hex);
      publish(body);
      tail.publish(body);
    }),
    group.on('view', ({ view, joined, gone }) => {
      metrics.countView();
      publish(viewBody(view, joined, gone));
      context.noteReady();
    }),
    group.on('blocked', ({ reason }) => {
      if (reason === 'minority') logger.log('warn', 'gms.blocked', { reason });
      publish({ noun: 'gms', type: 'blocked', reason });
    }),
    group.on('unblocked', ({ view }) => publish({ noun: 'gms', type: 'unblocked', view: view.id })),
    group.on('excluded', ({ view }) => {
      logger.log('warn', 'gms.excluded', { view });
      publish({ noun: 'gms', type: 'excluded', view });
    }),
  ];
  return {
    start: () => joiner.start(),
    async stop(how) {
      joiner.stop();
      await stopMember(context, group, how);
      for (const cancel of cancels) cancel();
      tail.close();
      await member.close();
    },
    gms: group,
    ready: () => joiner.joined && group.status === 'joined',
    routes: (app) =>
      gmsRoutes(app, {
        facts,
        tail,
        tailClientsMax: options.config.eventClientsMax,
        multicastTimeoutMs: options.config.multicastTimeoutMs,
        crash: (afterSends) => group.crashAfterSends(afterSends, () => process.kill(process.pid, 'SIGKILL')),
      }),
    metrics: (registry) => metrics.register(registry),
  };
}

interface Member {
  readonly group: GroupHandle;
  close(): Promise<void>;
}

function createMember(context: RoleContext, worker: Worker): Member {
  const { name, id, options, clock, random, logger, recorder } = context;
  const defer = (callback: () => void): void => void setImmediate(callback);
  const own = createLinks({ transport: transportOf(context), clock, random: random.fork('gms-links'), logger, defer });
  const judge = detectorOf(context, own);
  const { detector } = judge;
  const links = recorder === undefined ? judge.links : tapLinks(judge.links, recorder);
  const group = createGroup(
    { links, detector, clock, random: random.fork('gms'), logger, defer },
    {
      name,
      id,
      group: options.given.group ?? defaultGroup,
      delivery: options.given.delivery ?? 'agreed',
      state: workerState(worker),
    },
  );
  return {
    group,
    async close() {
      await group.close();
      judge.stop();
      await own.close();
    },
  };
}

/** The role's datagrams, sealed when the node has a key. */
function transportOf({ network, options, logger }: RoleContext) {
  const { transport } = network;
  const { keyring } = options;
  if (keyring === undefined) return transport;
  const onUnopened = (from: string): void => logger.log('debug', 'gms.unopened', { from });
  return sealTransport({ transport, keyring, onUnopened });
}

/** swim's verdicts where swim runs, heartbeats over the group's own links where it does not. */
function detectorOf(
  { swim, id, clock }: RoleContext,
  links: Links,
): { readonly detector: FailureDetector; readonly links: Links; stop(): void } {
  if (swim !== undefined) return { detector: swim, links, stop() {} };
  const detector: HeartbeatDetector = createHeartbeatDetector({ links, id, clock });
  return { detector, links: detector.links, stop: () => detector.close() };
}

function workerState(worker: Worker): StateTransfer {
  return {
    capture: () => [worker.capture()],
    async restore(chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      if (!worker.restore(Buffer.concat(parts))) throw new Error('this is no state of a worker');
    },
  };
}

/** Leaves in good order; when that takes too long, or somebody is in a hurry, it vanishes. */
async function stopMember({ clock, logger }: RoleContext, group: GroupHandle, how: RoleStop): Promise<void> {
  const { leave, timeoutMs, signal } = how;
  if (!leave || group.status !== 'joined') return;
  try {
    const left = await settlesWithin(clock, group.leave({ timeoutMs, signal }), { ms: timeoutMs, signal });
    if (!left) logger.log('warn', 'gms.leave-cut-short', { timeoutMs });
  } catch (cause) {
    logger.log('warn', 'gms.leave-failed', { message: cause instanceof Error ? cause.message : String(cause) });
  }
}
