import { setTimeout as sleep } from 'node:timers/promises';
import type { BandwidthDocument, MemberDocument, MembersDocument } from '../client/documents.ts';
import { NodeClient } from '../client/http-client.ts';
import { killNode, restartNode } from '../cluster/control.ts';
import type { ObservedNode } from '../cluster/observe.ts';
import { bringUp } from '../cluster/up.ts';
import { cliError } from '../errors.ts';
import { Observers } from './observers.ts';
import { spreadOf, type Measured, type Spread } from './promises.ts';

const seenTimeoutMs = 15_000;
const quietMs = 4_000;
// What has just happened is still being told for a while: that is not idling.
const settleMs = 2_000;

export interface StoryOptions {
  readonly dir: string;
  readonly count: number;
  readonly signal: AbortSignal;
  readonly tell: Teller;
}

/** Hears the story as it happens. */
export interface Teller {
  chapter(text: string): void;
  line(text: string): void;
  members(list: MembersDocument): void;
  progress(text: string): void;
}

export interface StoryResult extends Measured {
  readonly formedMs: number;
  readonly crashedLists: Readonly<Record<string, number>>;
  readonly lives: { readonly before: Life; readonly after: Life };
  readonly bandwidth: Bandwidth;
}

export interface Life {
  readonly id: string;
  readonly incarnation: number;
}

export interface Bandwidth {
  /** Sent per member and second while nothing happens, with IP and UDP headers. */
  readonly bytesPerMemberSecond: number;
  readonly packetsPerMemberSecond: number;
  readonly overMs: number;
}

interface Scene extends StoryOptions {
  readonly nodes: readonly ObservedNode[];
  readonly observers: Observers;
}

/** The whole demo: form, look, idle, crash, return, leave. @throws GrpError when the cluster cannot be run at all */
export async function tellStory(options: StoryOptions): Promise<StoryResult> {
  const { signal, tell } = options;
  const { nodes, formedMs } = await form(options);
  const observers = new Observers(signal);
  await Promise.all(nodes.map(({ id, http }) => observers.watch(id, http)));
  const scene: Scene = { ...options, nodes, observers };
  tell.members(await listOf(nodeAt(nodes, 0)));

  const bandwidth = await idle(scene);
  const victim = nodeAt(nodes, 2);
  const { before, crash, crashedLists } = await crashOne(scene, victim);
  const { after, join } = await bringBack(scene, victim, before);
  const { leave, leftEverywhere } = await leaveOne(scene, nodeAt(nodes, nodes.length - 1));
  tell.members(await listOf(nodeAt(nodes, 0)));

  // One life may be called down: the one that was killed.
  const falselyDown = observers
    .all()
    .filter(({ event }) => event.type === 'down' && event.member !== undefined && event.member.id !== before.id)
    .map(({ observer, event }) => `${observer}: ${event.member?.name ?? '?'}`);
  const newLife = after.id !== before.id && after.incarnation > before.incarnation;
  return {
    formedMs,
    bandwidth,
    crash,
    crashedLists,
    join,
    leave,
    leftEverywhere,
    falselyDown,
    newLife,
    lives: { before, after },
  };
}

async function form({
  dir,
  count,
  signal,
  tell,
}: StoryOptions): Promise<{ nodes: readonly ObservedNode[]; formedMs: number }> {
  tell.chapter(
    `Starting ${count} nodes, each a process of its own. Only the first one's address is known to the others.`,
  );
  const began = performance.now();
  const up = await bringUp({
    dir,
    count,
    basePort: 0,
    template: { roles: ['swim'] },
    logFormat: 'pretty',
    timeoutMs: 30_000,
    signal,
    onProgress: (event) =>
      tell.progress(
        event.type === 'lists' ? `${event.complete} of ${count} lists complete` : `${event.id} ${event.type}`,
      ),
  });
  const formedMs = Math.round(performance.now() - began);
  tell.line(
    `After ${seconds(formedMs)}, with the start of the processes, each of the ${count} lists has all ${count} members. This is n1's list:`,
  );
  return { nodes: up.nodes, formedMs };
}

async function idle({ nodes, signal, tell }: Scene): Promise<Bandwidth> {
  tell.chapter(
    `Nothing happens for ${(settleMs + quietMs) / 1_000} seconds. Members still probe each other; what does that cost?`,
  );
  const clients = nodes.map(({ http }) => NodeClient.local(http, 5_000));
  await sleep(settleMs, undefined, { signal });
  await Promise.all(clients.map((client) => client.post('/v1/swim/reset', {})));
  const began = performance.now();
  await sleep(quietMs, undefined, { signal });
  const reports = await Promise.all(clients.map((client) => client.get<BandwidthDocument>('/v1/swim/bandwidth')));
  const overMs = Math.round(performance.now() - began);
  const perMemberSecond = (pick: (report: BandwidthDocument) => number): number =>
    reports.reduce((sum, report) => sum + pick(report), 0) / nodes.length / (overMs / 1_000);
  const bytesPerMemberSecond = Math.round(perMemberSecond(({ total }) => total.bytesOut));
  const packetsPerMemberSecond = Math.round(perMemberSecond(({ total }) => total.packetsOut) * 10) / 10;
  tell.line(`Each member sends ${bytesPerMemberSecond} bytes a second, in ${packetsPerMemberSecond} packets.`);
  return { bytesPerMemberSecond, packetsPerMemberSecond, overMs };
}

async function crashOne(
  scene: Scene,
  victim: ObservedNode,
): Promise<{ before: Life; crash: Spread; crashedLists: Record<string, number> }> {
  const { dir, nodes, observers, tell } = scene;
  const before = lifeOf(await memberOf(nodeAt(nodes, 0), victim.id));
  const watchers = nodes.filter(({ id }) => id !== victim.id).map(({ id }) => id);
  tell.chapter(`Killing ${victim.id} with SIGKILL: no goodbye. Every other node watches its own list.`);
  const killedAt = performance.now();
  await killNode(dir, victim.id);
  const arrivals = await observers.seen({
    observers: watchers,
    since: killedAt,
    timeoutMs: seenTimeoutMs,
    matches: ({ type, member }) => type === 'down' && member?.id === before.id,
  });
  checkInterrupted(scene);
  const crash = spreadOf(arrivals.values(), killedAt, watchers.length);
  const ordered = [...arrivals].toSorted(([, a], [, b]) => a - b);
  const crashedLists = Object.fromEntries(ordered.map(([observer, at]) => [observer, Math.round(at - killedAt)]));
  for (const [observer, ms] of Object.entries(crashedLists))
    tell.line(`${seconds(ms)} after the kill, ${observer} lists ${victim.id} as down.`);
  for (const missing of watchers.filter((id) => !arrivals.has(id)))
    tell.line(`${missing} has not noticed within ${seenTimeoutMs / 1_000} s.`);
  return { before, crash, crashedLists };
}

async function bringBack(scene: Scene, victim: ObservedNode, before: Life): Promise<{ after: Life; join: Spread }> {
  const { dir, nodes, observers, tell } = scene;
  tell.chapter(`Starting ${victim.id} again: the same name at the same address, and a new life.`);
  const watchers = nodes.filter(({ id }) => id !== victim.id).map(({ id }) => id);
  const startedAt = performance.now();
  await restartNode(dir, victim.id, { empty: false, timeoutMs: 30_000 });
  const arrivals = await observers.seen({
    observers: watchers,
    since: startedAt,
    timeoutMs: seenTimeoutMs,
    matches: ({ member }) => member?.name === victim.id && member.id !== before.id && member.status === 'alive',
  });
  checkInterrupted(scene);
  await observers.watch(victim.id, victim.http);
  const join = spreadOf(arrivals.values(), startedAt, watchers.length);
  const after = lifeOf(await memberOf(nodeAt(nodes, 0), victim.id));
  tell.line(`${spreadText(join)} with the start of its process, it is alive in every list again.`);
  tell.line(
    `Its id was ${before.id} and is ${after.id}; its incarnation rose from ${before.incarnation} to ${after.incarnation}, so no old news can harm it.`,
  );
  return { after, join };
}

async function leaveOne(scene: Scene, leaver: ObservedNode): Promise<{ leave: Spread; leftEverywhere: boolean }> {
  const { nodes, observers, tell } = scene;
  tell.chapter(`Asking ${leaver.id} to leave. It says goodbye, so nobody has to find out.`);
  const others = nodes.filter(({ id }) => id !== leaver.id);
  const askedAt = performance.now();
  await NodeClient.local(leaver.http, 5_000).post('/v1/swim/leave', {});
  const arrivals = await observers.seen({
    observers: others.map(({ id }) => id),
    since: askedAt,
    timeoutMs: seenTimeoutMs,
    matches: ({ type, member }) => type === 'leave' && member?.name === leaver.id,
  });
  checkInterrupted(scene);
  const leave = spreadOf(arrivals.values(), askedAt, others.length);
  const statuses = await Promise.all(others.map((node) => memberOf(node, leaver.id)));
  const leftEverywhere = statuses.every(({ status }) => status === 'left');
  tell.line(
    `${spreadText(leave)}, every list says ${leftEverywhere ? 'left' : statuses.map(({ status }) => status).join(', ')}: it was not judged, it went.`,
  );
  return { leave, leftEverywhere };
}

async function listOf({ http }: ObservedNode): Promise<MembersDocument> {
  return NodeClient.local(http, 5_000).get<MembersDocument>('/v1/swim/members');
}

async function memberOf(node: ObservedNode, name: string): Promise<MemberDocument> {
  const found = (await listOf(node)).members.find((member) => member.name === name);
  if (found !== undefined) return found;
  throw cliError('DEMO_FAILED', { context: { reason: `${node.id} does not know ${name}.` } });
}

function lifeOf({ id, incarnation }: MemberDocument): Life {
  return { id, incarnation };
}

function nodeAt(nodes: readonly ObservedNode[], index: number): ObservedNode {
  const node = nodes[index];
  if (node === undefined) throw cliError('DEMO_FAILED', { context: { reason: 'a node is missing.' } });
  return node;
}

function checkInterrupted({ signal }: Scene): void {
  signal.throwIfAborted();
}

function spreadText({ lastMs }: Spread): string {
  return lastMs === null ? `Not even after ${seenTimeoutMs / 1_000} s` : `${seconds(lastMs)} later`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
