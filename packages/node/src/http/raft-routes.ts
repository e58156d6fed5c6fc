import { setTimeout as sleep } from 'node:timers/promises';
import type { MembershipStep } from '@grp/raft';
import type { FastifyInstance } from 'fastify';
import { nodeError } from '../errors.ts';
import type { HostedGroup, RaftHost } from '../raft/raft-host.ts';
import { asDocument } from './documents.ts';
import { addBody, memberBody, snapshotBody, transferBody } from './raft-schemas.ts';

const snapshotTimeoutMs = 10_000;
const leaderKnownMs = 2_000;
const leaderPollMs = 10;

interface Choice {
  /** Default: the first group of the node. */
  readonly group?: string;
}
interface Member extends Choice {
  readonly id: string;
  readonly timeoutMs?: number;
}

/** `/v1/raft/…`: what a server knows, and changes of who takes part, which only the leader does. */
export function raftRoutes(app: FastifyInstance, host: RaftHost): void {
  const find = (name: string | undefined): HostedGroup => {
    const group = name === undefined ? host.groups[0] : host.groups.find((one) => one.name === name);
    const groups = host.groups.map((one) => one.name).join(', ');
    if (group === undefined) throw nodeError('RAFT_GROUP_UNKNOWN', { context: { group: name ?? '', groups } });
    return group;
  };
  app.get<{ Querystring: Choice }>('/v1/raft/status', async ({ query }) => statusDocument(find(query.group)));

  app.post<{ Body: Member & { readonly address: string } }>('/v1/raft/add', { schema: addBody }, async ({ body }) =>
    changed(find(body.group), { type: 'add-learner', id: body.id, address: body.address }, body.timeoutMs),
  );
  for (const type of ['remove', 'promote'] as const) {
    app.post<{ Body: Member }>(`/v1/raft/${type}`, { schema: memberBody }, async ({ body }) => {
      const group = find(body.group);
      requireServer(group, body.id);
      return changed(group, { type, id: body.id }, body.timeoutMs);
    });
  }
  app.post<{ Body: Choice & { readonly timeoutMs?: number } }>(
    '/v1/raft/snapshot',
    { schema: snapshotBody },
    async ({ body }) => {
      const group = find(body.group);
      const { timeoutMs = snapshotTimeoutMs } = body;
      if (!(await group.takeSnapshot(timeoutMs))) throw nodeError('RAFT_SNAPSHOT_SLOW', { context: { timeoutMs } });
      return statusDocument(group);
    },
  );
  app.post<{ Body: Choice & { readonly id?: string } }>(
    '/v1/raft/transfer',
    { schema: transferBody },
    async ({ body }) => {
      const group = find(body.group);
      const { role, id, leader = '' } = group.raft.status();
      if (role !== 'leader') throw nodeError('RAFT_NOT_LEADER', { context: { id, leader } });
      if (body.id !== undefined) requireServer(group, body.id);
      if (!(await group.raft.transfer(body.id)))
        throw nodeError('RAFT_TRANSFER_FAILED', { context: { to: body.id ?? 'any other voter' } });
      return asDocument('raft.transfer', { from: id, leader: (await nextLeader(group)) ?? null });
    },
  );
}

/** Only the leader knows for sure who takes part; another one says that it does not lead. */
function requireServer(group: HostedGroup, id: string): void {
  const { role, configuration } = group.raft.status();
  const servers = [...configuration.voters, ...configuration.learners];
  if (role !== 'leader' || servers.includes(id)) return;
  const context = { id, group: group.name, servers: servers.join(', ') };
  throw nodeError('RAFT_SERVER_UNKNOWN', { context });
}

/** The old leader steps down first, and hears of the new one a moment later. */
async function nextLeader(group: HostedGroup): Promise<string | undefined> {
  for (let waitedMs = 0; waitedMs < leaderKnownMs; waitedMs += leaderPollMs) {
    const { leader } = group.raft.status();
    if (leader !== undefined) return leader;
    await sleep(leaderPollMs);
  }
  return undefined;
}

async function changed(group: HostedGroup, step: MembershipStep, timeoutMs?: number): Promise<object> {
  await group.raft.change([step], timeoutMs === undefined ? {} : { timeoutMs });
  return statusDocument(group);
}

function statusDocument(group: HostedGroup): object {
  const { configuration, ...status } = group.raft.status();
  const { id, role, term, leader, commitIndex, appliedIndex, lastIndex, durableIndex, firstIndex, followers } = status;
  return asDocument('raft.status', {
    group: group.name,
    name: group.nodeName,
    id,
    role,
    term,
    leader: leader ?? null,
    commitIndex,
    appliedIndex,
    lastIndex,
    voters: configuration.voters,
    learners: configuration.learners,
    outgoing: configuration.outgoing,
    addresses: configuration.addresses,
    firstIndex,
    snapshotIndex: status.snapshotIndex,
    durableIndex,
    recovering: status.isRecovering,
    followers,
  });
}
