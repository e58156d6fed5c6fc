import { trackerError } from '../errors.ts';
import { isBucket, LatencyHistogram, type LatencyBuckets } from '../histogram.ts';
import { foldName } from '../names/names.ts';
import type { CommandBody, GroupReport } from '../wire/messages.ts';
import type { TrackerCounts } from './health.ts';
import { pack } from './membership.ts';
import { saveTotals } from './records.ts';
import type { Actor, MemberActor, Reply } from './reply.ts';
import type { Runtime } from './runtime.ts';
import type { Group, GroupTotals, Session } from './state.ts';

/** What the members of one group have measured, those that are still there included. */
export interface GroupMetrics {
  readonly group: string;
  readonly members: number;
  readonly view: number;
  /** Members that reported. */
  readonly reports: number;
  readonly sent: number;
  readonly received: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** The mean of what a reporting member received per second while it was there. */
  readonly receivedPerSecond: number;
  readonly latencyMs: { readonly p50?: number; readonly p95?: number; readonly p99?: number; readonly count: number };
}

/** How the tracker itself is doing. */
export interface TrackerHealth {
  /** Since the start, in ms. */
  readonly uptimeMs: number;
  readonly connections: number;
  /** Registered, whether heard lately or lost. */
  readonly sessions: { readonly here: number; readonly lost: number };
  readonly groups: number;
  readonly nicks: number;
  readonly recordsWaiting: number;
  readonly counts: TrackerCounts;
  /** Refused commands, by error code. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Takes a member's measurements; a later report replaces an earlier one of the same session. */
export function report(runtime: Runtime, { session }: MemberActor, { groups }: CommandBody<'report'>): Reply {
  const known: [string, GroupReport][] = [];
  for (const given of groups) {
    const wrong = impossible(given);
    if (wrong !== undefined) return trackerError('TRACKER_METRICS_INVALID', { context: { field: wrong } });
    const folded = foldName(given.group);
    if (session.groups.has(folded) || session.reports.has(folded)) known.push([folded, given]);
  }
  for (const [folded, given] of known) session.reports.set(folded, given);
  runtime.health.count('reports');
  return { taken: known.length };
}

/** The session has ended: what it measured stays with its groups. */
export function addReports(runtime: Runtime, session: Session): void {
  for (const [folded, given] of session.reports) {
    const group = runtime.groups.get(folded);
    if (group === undefined) continue;
    add(group.metrics, given);
    saveTotals(runtime, group);
  }
  session.reports.clear();
}

/** One page of metrics; the first has the tracker's own health, too. */
export function metrics(runtime: Runtime, actor: Actor, { after }: CommandBody<'metrics'>): Reply {
  if (!actor.isAdmin) return trackerError('TRACKER_ADMIN_ONLY', { context: { command: 'metrics' } });
  const start = after === undefined ? '' : foldName(after);
  const listed = groupMetrics(runtime).filter(({ group }) => foldName(group) > start);
  const [page = []] = pack(listed, 5_000);
  const isLast = page.length === listed.length;
  return {
    ...(after === undefined && { health: healthOf(runtime) }),
    groups: page,
    ...(!isLast && { next: page.at(-1)?.group ?? '' }),
  };
}

/** Of all groups, by folded name. */
export function groupMetrics(runtime: Runtime): readonly GroupMetrics[] {
  return [...runtime.groups.values()]
    .toSorted((a, b) => (a.folded < b.folded ? -1 : 1))
    .map((group) => metricsOf(group, runtime));
}

/** @param now ms of the clock; a tracker to which nothing happens takes no step, and does not know how late it is */
export function healthOf(runtime: Runtime, now = runtime.now): TrackerHealth {
  let lost = 0;
  for (const { state } of runtime.sessions.values()) if (state === 'lost') lost++;
  return {
    uptimeMs: Math.round(now - runtime.startedAt),
    connections: runtime.connections.size,
    sessions: { here: runtime.sessions.size - lost, lost },
    groups: runtime.groups.size,
    nicks: runtime.nicks.size,
    recordsWaiting: runtime.recordsWaiting,
    counts: runtime.health.counts(),
    refused: runtime.health.refused(),
  };
}

function metricsOf(group: Group, { sessions }: Runtime): GroupMetrics {
  const totals: GroupTotals = { ...group.metrics, latency: LatencyHistogram.from(group.metrics.latency.toJSON()) };
  for (const session of sessions.values()) {
    const given = session.reports.get(group.folded);
    if (given !== undefined) add(totals, given);
  }
  const { reports, sent, received, bytesSent, bytesReceived, durationMs, latency } = totals;
  const [p50, p95, p99] = [latency.quantile(0.5), latency.quantile(0.95), latency.quantile(0.99)];
  return {
    ...{ group: group.name, members: group.members.size, view: group.number },
    ...{ reports, sent, received, bytesSent, bytesReceived },
    receivedPerSecond: durationMs === 0 ? 0 : (received * 1_000) / durationMs,
    latencyMs: {
      count: latency.count,
      ...(p50 !== undefined && { p50 }),
      ...(p95 !== undefined && { p95 }),
      ...(p99 !== undefined && { p99 }),
    },
  };
}

function add(totals: GroupTotals, given: GroupReport): void {
  totals.reports = sum(totals.reports, 1);
  totals.sent = sum(totals.sent, given.sent);
  totals.received = sum(totals.received, given.received);
  totals.bytesSent = sum(totals.bytesSent, given.bytesSent);
  totals.bytesReceived = sum(totals.bytesReceived, given.bytesReceived);
  totals.durationMs = sum(totals.durationMs, given.durationMs);
  totals.latency.merge(given.latency);
}

/** A liar may make a sum useless; it stays a number. */
function sum(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

/** The field that cannot be; that counts are whole and not negative was seen to before. */
function impossible({ latency, received }: GroupReport): string | undefined {
  let [last, count] = [-1, 0];
  for (const [bucket, times] of latency as LatencyBuckets) {
    if (!isBucket(bucket) || bucket <= last) return 'latency';
    last = bucket;
    count += times;
  }
  return count > received ? 'latency' : undefined;
}
