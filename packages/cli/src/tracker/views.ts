import type { GroupInfo, ListedMember, TrackerMetrics } from '@grp/tracker';
import { bytesText, timeText } from '../output/units.ts';
import { table, type TableOptions } from '../output/table.ts';

export interface GroupsDocument {
  readonly groups: readonly GroupInfo[];
}

export interface GroupMembersDocument {
  readonly group: string;
  readonly number: number;
  readonly members: readonly ListedMember[];
}

export interface PolicyDocument extends GroupInfo {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly bans?: readonly string[];
}

export function groupsText({ groups }: GroupsDocument, options: TableOptions): string {
  if (groups.length === 0) return 'There are no groups yet; the first who joins one makes it.';
  return table(
    groups,
    [
      { title: 'GROUP', text: ({ group }) => group },
      { title: 'ORDER', text: ({ order }) => order },
      { title: 'POLICY', text: policyWords },
      { title: 'MEMBERS', align: 'right', text: ({ members, limit }) => `${members} of ${limit}` },
      { title: 'TOPIC', text: ({ topic }) => topic },
    ],
    options,
  );
}

export function groupMembersText({ group, number, members }: GroupMembersDocument, options: TableOptions): string {
  if (members.length === 0) return `Nobody is in ${group}.`;
  const rows = table(
    members,
    [
      { title: 'NICK', text: ({ nick }) => nick },
      { title: 'ROLE', text: ({ role }) => role },
      { title: 'ADDRESS', text: ({ address }) => address ?? '' },
      { title: 'AWAY', text: ({ away }) => away ?? '' },
    ],
    options,
  );
  return `${rows}\nview ${number}`;
}

export function policyText(policy: PolicyDocument, options: TableOptions): string {
  const list = (items: readonly string[] | undefined): string => (items ?? []).join(', ');
  const rows: readonly (readonly [string, string])[] = [
    ['order', policy.order],
    ['policy', policyWords(policy)],
    ['members', `${policy.members} of ${policy.limit}`],
    ['allowed', list(policy.allow)],
    ['denied', list(policy.deny)],
    ['banned', list(policy.bans)],
    ['topic', policy.topic],
  ];
  return table(
    rows.filter(([, value]) => value !== ''),
    [
      { title: policy.group, text: ([name]) => name },
      { title: '', text: ([, value]) => value },
    ],
    options,
  );
}

export function trackerMetricsText(
  { health, edge, journalBytes, groups }: TrackerMetrics,
  options: TableOptions,
): string {
  const { sessions, connections, uptimeMs, counts } = health;
  const head = [
    `up ${timeText(uptimeMs)}; ${sessions.here} clients here, ${sessions.lost} lost; ${connections} connections`,
    `${counts.views} views, ${counts.tickets} tickets, ${counts.relayed} relayed (${bytesText(counts.relayedBytes)}); in ${bytesText(edge.bytesIn)}, out ${bytesText(edge.bytesOut)}; journal ${bytesText(journalBytes)}`,
  ].join('\n');
  if (groups.length === 0) return head;
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(2)} ms`);
  const rows = table(
    groups,
    [
      { title: 'GROUP', text: ({ group }) => group },
      { title: 'MEMBERS', align: 'right', text: ({ members }) => String(members) },
      { title: 'REPORTS', align: 'right', text: ({ reports }) => String(reports) },
      { title: 'SENT', align: 'right', text: ({ sent }) => String(sent) },
      { title: 'RECEIVED', align: 'right', text: ({ received }) => String(received) },
      { title: 'RECEIVED/S', align: 'right', text: ({ receivedPerSecond }) => receivedPerSecond.toFixed(1) },
      { title: 'P50', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p50) },
      { title: 'P95', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p95) },
      { title: 'P99', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p99) },
    ],
    options,
  );
  return `${head}\n${rows}`;
}

function policyWords({ access, moderated, secret }: GroupInfo): string {
  return [access, moderated ? 'moderated' : '', secret ? 'secret' : ''].filter((word) => word !== '').join(', ');
}
