import { ChatMachine, createChatServer, type ChatServer } from '@grp/chat';
import { formatAddress } from '@grp/core';
import { chatMetrics } from '../metrics/chat-metrics.ts';
import { chatRoutes } from './chat-routes.ts';
import type { HostedGroup } from '../raft/raft-host.ts';
import { replicatedLog } from '../raft/replicated-log.ts';
import type { RoleContext, RoleStop, RunningRole } from '../role.ts';

const chatGroup = 'chat';
const graceMs = 300;

/** Wires the chat's state to its raft group, and the group to the gRPC port. */
export async function buildChatRole(context: RoleContext): Promise<RunningRole> {
  const host = context.raft();
  const machine = new ChatMachine();
  const group = host.open(chatGroup, machine);
  const server = createServer(context, machine, group);
  group.onEvent = ({ type }) => {
    if (type !== 'applied') server.noteServing();
  };
  // The port is claimed before anything is announced; until the log is read the server says that it does not serve.
  const { port } = await server.start();
  return {
    port,
    async start() {
      await group.start();
      server.noteServing();
    },
    stop: (how) => stop(group, server, how),
    ready: () => group.serving,
    routes(app) {
      host.routes(app);
      chatRoutes(app, { reads: server.reads, serving: () => group.serving });
    },
    metrics(registry) {
      host.metrics(registry);
      chatMetrics(machine, registry);
    },
  };
}

function createServer({ options, clock, logger }: RoleContext, machine: ChatMachine, group: HostedGroup) {
  const { tls } = options;
  return createChatServer({
    bind: formatAddress(options.hostOf('chat'), options.portOf('chat')),
    machine,
    log: replicatedLog(group, { clock, leader: () => group.leaderClientAddress() }),
    clock,
    logger,
    ...(tls && { tls: { cert: tls.cert, key: tls.key, ...(tls.ca && { ca: tls.ca }) } }),
  });
}

/** First another leader, so that nobody waits for one; then the clients, who go there; then the log. */
async function stop(group: HostedGroup, server: ChatServer, how: RoleStop): Promise<void> {
  if (how.leave) await group.handOver().catch(() => {});
  await server.close(how.leave ? graceMs : 0);
  await group.stop(how);
}
