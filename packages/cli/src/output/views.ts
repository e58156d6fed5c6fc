import { sanitizeText } from '@grp/core';
import type { BandwidthDocument, MembersDocument, TrafficDocument } from '../client/documents.ts';
import type { ClusterDocument, ObservedNode } from '../cluster/observe.ts';
import type { Colours } from './colours.ts';
import { statusText } from './colours.ts';
import { table, type TableOptions } from './table.ts';
import { bytesText, timeText } from './units.ts';

/** A member list as a table with a line of totals. */
export function membersText({ self, members }: MembersDocument, options: TableOptions): string {
  const { colours } = options;
  const count = (status: string): number => members.filter((member) => member.status === status).length;
  const parts = ['alive', 'suspect', 'down', 'left'].map((status) => [status, count(status)] as const);
  const totals = parts
    .filter(([status, number]) => number > 0 || status === 'alive')
    .map(([status, number]) => `${number} ${status}`);
  const drawn = table(
    members,
    [
      { title: 'NAME', text: ({ id, name }) => (id === self ? `${name} *` : name) },
      { title: 'ADDRESS', text: ({ address }) => address },
      {
        title: 'STATUS',
        text: ({ status }) => status,
        paint: (cell, { status }) => statusText(cell === '' ? status : cell, colours),
      },
      { title: 'INCARNATION', text: ({ incarnation }) => String(incarnation), align: 'right' },
      {
        title: 'RTT',
        text: ({ rttMs }) => (typeof rttMs === 'number' ? `${rttMs.toFixed(1)} ms` : ''),
        align: 'right',
      },
      { title: 'TAGS', text: ({ tags }) => tagsText(tags) },
    ],
    options,
  );
  return `${drawn}\n${colours.dim(`${totals.join(', ')}   (* the node that was asked)`)}`;
}

/** `rack=a,zone=b`. */
export function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** Nodes of a local cluster as a table. */
export function clusterText({ nodes }: Pick<ClusterDocument, 'nodes'>, options: TableOptions): string {
  return table<ObservedNode>(
    nodes,
    [
      { title: 'ID', text: ({ id }) => id },
      {
        title: 'STATE',
        text: ({ state, exitCode }) => (state === 'exited' ? `exited (${exitCode ?? 'no code'})` : state),
        paint: (cell, { state }) => statusPainted(cell, state, options.colours),
      },
      { title: 'PID', text: ({ pid }) => String(pid), align: 'right' },
      { title: 'SEES ALIVE', text: ({ alive }) => (alive === undefined ? '' : String(alive)), align: 'right' },
      { title: 'ROLES', text: ({ roles }) => roles.join(',') },
      { title: 'SWIM PORT', text: ({ ports }) => String(ports['swim'] ?? ''), align: 'right' },
      { title: 'HTTP', text: ({ http }) => http },
    ],
    options,
  );
}

function statusPainted(cell: string, state: string, colours: Colours): string {
  return statusText(state, colours).replace(state, cell);
}

/** Bandwidth in total, by message type and by peer. */
export function bandwidthText(report: BandwidthDocument, now: number, options: TableOptions): string {
  const seconds = Math.max(0.001, (now - Date.parse(report.since)) / 1_000);
  const { total } = report;
  const rate = `${bytesText(total.bytesOut / seconds)}/s out, ${bytesText(total.bytesIn / seconds)}/s in`;
  const lines = [`${rate}, over ${timeText(seconds * 1_000)} (datagrams, with their IP and UDP headers)`];
  lines.push(
    '',
    trafficTable(
      'MESSAGE',
      report.messages.map((row) => ({ label: row.type, ...row })),
      options,
    ),
  );
  lines.push(
    '',
    trafficTable(
      'PEER',
      report.peers.map((row) => ({ label: row.name ?? row.address, ...row })),
      options,
    ),
  );
  const dropped = Object.entries(report.dropped ?? {}).filter(([, count]) => count > 0);
  if (dropped.length > 0) {
    lines.push('', `dropped: ${dropped.map(([reason, count]) => `${sanitizeText(reason)} ${count}`).join(', ')}`);
  }
  return lines.join('\n');
}

function trafficTable(
  title: string,
  rows: readonly (TrafficDocument & { readonly label: string })[],
  options: TableOptions,
): string {
  return table(
    rows,
    [
      { title, text: ({ label }) => label },
      { title: 'BYTES OUT', text: ({ bytesOut }) => bytesText(bytesOut), align: 'right' },
      { title: 'PACKETS OUT', text: ({ packetsOut }) => String(packetsOut), align: 'right' },
      { title: 'BYTES IN', text: ({ bytesIn }) => bytesText(bytesIn), align: 'right' },
      { title: 'PACKETS IN', text: ({ packetsIn }) => String(packetsIn), align: 'right' },
    ],
    options,
  );
}

/** One event as one line. Everything in it may come from a stranger. */
export function eventText(event: Readonly<Record<string, unknown>>, colours: Colours): string {
  const { at, noun, type, member, schema: _, ...rest } = event;
  const when = typeof at === 'string' ? at.slice(11, 23) : '';
  const parts = [colours.dim(safe(when)), colours.bold(`${safe(noun)}.${safe(type)}`)];
  if (typeof member === 'object' && member !== null) {
    const { name, address, status, incarnation } = member as Record<string, unknown>;
    parts.push(safe(name), `address=${safe(address)}`, `status=${safe(status)}`, `incarnation=${safe(incarnation)}`);
  }
  for (const [key, value] of Object.entries(rest)) parts.push(`${safe(key)}=${safe(value)}`);
  return parts.join(' ');
}

function safe(value: unknown): string {
  return sanitizeText(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), { lengthMax: 1_024 });
}
