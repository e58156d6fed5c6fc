import { formatAddress, parseAddress, type Address } from '@grp/core';
import { Worker, type Group } from '@grp/gms';
import { messageBody, viewBody, type GroupFacts } from '../http/gms-documents.ts';
import { gmsRoutes } from '../http/gms-routes.ts';
import { gmsMetrics } from '../metrics/gms-metrics.ts';
import type { RoleContext, RoleStop, RunningRole } from '../role.ts';
import { settlesWithin } from '../waiting.ts';
import { GroupJoiner } from './group-joiner.ts';
import { groupSeeds } from './group-seeds.ts';
import { swimDetector } from './swim-detector.ts';

/** Wires a group to its port, to swim's verdicts, the seeds, the event stream, the metrics and the HTTP API. */
export function buildGmsRole(context: RoleContext): RunningRole {
  const { options, clock, random, logger, publish, parts, swim } = context;
  const worker = new Worker();
  const { group, links } = createMember(context, worker);
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
  const cancels = [
    group.on('message', (delivery) => {
      worker.deliver(delivery.payload);
      metrics.countDelivery(delivery.payload.length);
      publish(messageBody(delivery, worker.hex));
    }),
    group.on('view', ({ view, joined, gone }) => {
      metrics.countView();
      logger.log('info', 'gms.view', {
        view: view.id,
        leader: view.members[0]?.id ?? '',
        members: view.members.length,
      });
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
      await links.close();
    },
    ready: () => joiner.joined && group.status === 'joined',
    routes: (app) =>
      gmsRoutes(app, {
        facts,
        multicastTimeoutMs: options.config.multicastTimeoutMs,
        crash: (afterSends) => crash(group, afterSends),
      }),
    metrics: (registry) => metrics.register(registry),
  };
}

const defaultGroup = 'default';
