import { setTimeout as sleep } from 'node:timers/promises';
import { NodeClient } from '../client/http-client.ts';
import type { MembersDocument } from '../client/documents.ts';
import { cliError } from '../errors.ts';
import type { RepairDocument } from '../dfs/documents.ts';
import type { ViewDocument } from '../gms/views.ts';
import type { RaftStatusDocument } from '../raft/documents.ts';

export interface ListTarget {
  readonly name: string;
  readonly http: string;
  readonly roles: readonly string[];
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Hears how many lists are complete, when that changes. */
  readonly onProgress?: (complete: number) => void;
}

/** Whether a list has exactly these members alive and none suspected. */
export function isComplete({ members }: Pick<MembersDocument, 'members'>, names: ReadonlySet<string>): boolean {
  const alive = members.filter(({ status }) => status === 'alive').map(({ name }) => name);
  return (
    alive.length === names.size &&
    alive.every((name) => names.has(name)) &&
    !members.some(({ status }) => status === 'suspect')
  );
}

/**
 * Waits until the list of each of these nodes is exactly these nodes, and so is the view of each that is in a group, and
 * the file store has taken in the file server of each that has one.
 * @throws GrpError CLUSTER_WAIT_TIMEOUT naming the nodes that were not so far
 */
export async function untilComplete(nodes: readonly ListTarget[], options: WaitOptions): Promise<void> {
  const namesOf = (role: string) => new Set(nodes.filter(({ roles }) => roles.includes(role)).map(({ name }) => name));
  const [swim, gms, dfs] = [namesOf('swim'), namesOf('gms'), namesOf('dfs')];
  const rolesOf = new Map(nodes.map(({ name, roles }) => [name, roles]));
  await until('converged', nodes, options, async ({ name, http }) => {
    const client = NodeClient.local(http, 2_000);
    if (swim.has(name) && !isComplete(await client.get<MembersDocument>('/v1/swim/members'), swim)) return false;
    if (gms.has(name) && !isWhole(await client.get<ViewDocument>('/v1/gms/view'), gms)) return false;
    if (dfs.has(name) && !isServed(await client.get<RepairDocument>('/v1/dfs/repair'), dfs)) return false;
    if (!raftRoles.some((role) => rolesOf.get(name)?.includes(role))) return true;
    const status = await raftStatus(http);
    return waitsToBeAdded(status) || status.leader !== null;
  });
}

/**
 * Waits until all of these nodes that are in a group name the same leader, one of them. Answers its name.
 * @throws GrpError CLUSTER_WAIT_TIMEOUT, CLUSTER_NO_LEADER_ROLE
 */
export async function untilLed(nodes: readonly ListTarget[], options: WaitOptions): Promise<string> {
  const members = nodes.filter(({ roles }) => roles.includes('gms'));
  const servers = nodes.filter(({ roles }) => raftRoles.some((role) => roles.includes(role)));
  if (members.length + servers.length === 0) throw cliError('CLUSTER_NO_LEADER_ROLE');
  return servers.length > 0 ? untilRaftLed(servers, options) : untilGroupLed(members, options);
}

async function untilGroupLed(members: readonly ListTarget[], options: WaitOptions): Promise<string> {
  let leader = '';
  await until('leader', members, options, async ({ name, http }) => {
    const { view, status } = await NodeClient.local(http, 2_000).get<ViewDocument>('/v1/gms/view');
    const named = view?.members[0]?.name;
    if (name === members[0]?.name) leader = named ?? '';
    return status === 'joined' && named === leader && members.some((member) => member.name === leader);
  });
  return leader;
}

async function untilRaftLed(servers: readonly ListTarget[], options: WaitOptions): Promise<string> {
  let leader = '';
  await until('leader', servers, options, async () => {
    const all = await Promise.all(servers.map(({ http }) => raftStatus(http)));
    const statuses = all.filter((status) => !waitsToBeAdded(status));
    const told = new Set(statuses.map((status) => status.leader));
    const leading = statuses.find(({ role, id }) => role === 'leader' && told.has(id));
    leader = leading?.name ?? '';
    return leading !== undefined && told.size === 1;
  });
  return leader;
}

const raftRoles = ['chat', 'raft', 'dfs'];

function raftStatus(http: string): Promise<RaftStatusDocument> {
  return NodeClient.local(http, 2_000).get<RaftStatusDocument>('/v1/raft/status');
}

/**
 * Of a server whose disk was emptied, and which nobody has added yet, nobody expects to know who leads. The metadata of
 * files adds its servers by itself, and is waited for.
 */
export function waitsToBeAdded({
  group,
  voters,
  learners,
}: Pick<RaftStatusDocument, 'group' | 'voters' | 'learners'>): boolean {
  return group !== 'dfs-meta' && voters.length === 0 && learners.length === 0;
}

/** Whether the file store counts on the file server of each of these. */
function isServed({ servers }: RepairDocument, names: ReadonlySet<string>): boolean {
  return [...names].every((name) => servers.some(({ node, up }) => node === name && up));
}

/** Whether a node is in a view of exactly these members. */
function isWhole({ view, status }: ViewDocument, names: ReadonlySet<string>): boolean {
  const members = view?.members ?? [];
  return status === 'joined' && members.length === names.size && members.every(({ name }) => names.has(name));
}

/** Waits until each of these nodes says that it is ready. @throws GrpError CLUSTER_WAIT_TIMEOUT */
export async function untilAllReady(nodes: readonly ListTarget[], options: WaitOptions): Promise<void> {
  await until('ready', nodes, options, ({ http }) => NodeClient.local(http, 2_000).ready());
}

async function until(
  goal: string,
  nodes: readonly ListTarget[],
  { timeoutMs, signal, onProgress }: WaitOptions,
  holds: (node: ListTarget) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let told = -1;
  for (;;) {
    const done = await Promise.all(nodes.map((node) => holds(node).catch(() => false)));
    const complete = done.filter(Boolean).length;
    if (complete !== told) onProgress?.(complete);
    told = complete;
    if (complete === nodes.length) return;
    if (performance.now() > deadline) {
      const missing = nodes.filter((_, index) => done[index] !== true).map(({ name }) => name);
      throw cliError('CLUSTER_WAIT_TIMEOUT', { context: { goal, timeoutMs, reason: `not ${missing.join(', ')}` } });
    }
    await sleep(100, undefined, signal === undefined ? {} : { signal });
  }
}
