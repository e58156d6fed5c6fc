import { sanitizeText } from '@grp/core';
import type { Colours } from '../output/colours.ts';
import { table, type Column } from '../output/table.ts';
import { bytesText } from '../output/units.ts';
import type { TopNode, TopSample } from './sample.ts';

export interface ScreenOptions {
  readonly colours: Colours;
  readonly width: number | undefined;
  /** The look before; rates are of the time in between, or else since the counters were reset. */
  readonly before?: TopSample | undefined;
  /** Lines about what has changed, the latest last. */
  readonly log?: readonly string[];
}

interface Row extends TopNode {
  readonly rates: { readonly bytesIn: number; readonly bytesOut: number } | undefined;
}

/** The dashboard: a line about the whole, a row for each node, and what has happened lately. */
export function topText(sample: TopSample, { colours, width, before, log = [] }: ScreenOptions): string {
  const rows = sample.nodes.map((node): Row => ({ ...node, rates: ratesOf(node, sample, before) }));
  const happened = log.map((line) => sanitizeText(line).slice(0, (width ?? 100) - 1));
  return [
    headline(sample, colours),
    '',
    table(rows, columns(rows, width, colours), { colours, width }),
    ...(happened.length === 0 ? [] : ['', colours.dim('LATELY'), ...happened]),
  ].join('\n');
}

function headline({ at, nodes }: TopSample, { bold, green, yellow }: Colours): string {
  const running = nodes.filter(({ state }) => state === 'running').length;
  const ready = nodes.filter((node) => node.ready).length;
  const whole = `${nodes.length} node${nodes.length === 1 ? '' : 's'}, ${running} running, ${ready} ready`;
  const paint = ready === nodes.length ? green : yellow;
  return `${bold('grp top')}  ${at.slice(11, 19)} UTC  ${paint(whole)}`;
}

type TopColumn = Column<Row> & {
  /** The greatest goes first when the terminal is narrow; 0 stays. */
  readonly spare: number;
};

function columns(rows: readonly Row[], width: number | undefined, colours: Colours): readonly Column<Row>[] {
  const any = (has: (row: Row) => boolean): boolean => rows.some((row) => has(row));
  const all = [
    ...nodeColumns(colours),
    ...(any(({ members }) => members !== null) ? [listColumn(colours)] : []),
    ...(any(({ group }) => group !== null) ? groupColumns(colours) : []),
    ...(any(({ raft }) => raft.length > 0) ? logColumns(colours) : []),
    ...(any(({ traffic }) => traffic !== null) ? trafficColumns() : []),
    { title: 'ROLES', spare: 5, text: ({ roles }: Row) => roles.join(','), paint: (cell: string) => colours.dim(cell) },
  ];
  const kept = new Set<TopColumn>(all);
  const widest = ({ title, text }: TopColumn): number => Math.max(title.length, ...rows.map((row) => text(row).length));
  const needed = (): number => [...kept].reduce((sum, column) => sum + widest(column) + 2, -2);
  for (const column of all.toSorted((a, b) => b.spare - a.spare))
    if (column.spare > 0 && needed() > (width ?? Infinity)) kept.delete(column);
  return all.filter((column) => kept.has(column));
}

function nodeColumns({ green, yellow, red }: Colours): readonly TopColumn[] {
  return [
    { title: 'NODE', spare: 0, text: ({ name }) => name },
    {
      title: 'STATE',
      spare: 0,
      text: ({ state, ready }) => (state === 'running' && !ready ? 'not ready' : state),
      paint: (cell, { state, ready }) => (ready ? green(cell) : state === 'running' ? yellow(cell) : red(cell)),
    },
    {
      title: 'UP',
      spare: 4,
      text: ({ uptimeMs }) => (uptimeMs === null ? '-' : shortTime(uptimeMs)),
      align: 'right',
    },
  ];
}

/** Alive, then what is doubtful: `4`, `3 1?` with one suspect, `3 1? 1x` with one down besides. */
function listColumn({ yellow }: Colours): TopColumn {
  return {
    title: 'LIST',
    spare: 0,
    text: ({ members }) => {
      if (members === null) return '-';
      const { alive, suspect, down } = members;
      return `${alive}${suspect > 0 ? ` ${suspect}?` : ''}${down > 0 ? ` ${down}x` : ''}`;
    },
    paint: (cell, { members }) => (members !== null && members.suspect + members.down > 0 ? yellow(cell) : cell),
  };
}

/** The view's number and size, and how many messages were delivered. */
function groupColumns({ yellow }: Colours): readonly TopColumn[] {
  return [
    {
      title: 'VIEW',
      spare: 0,
      text: ({ group }) => {
        if (group === null) return '-';
        return group.status === 'joined'
          ? `${group.view ?? '-'}/${group.size}${group.leads ? ' leads' : ''}`
          : group.status;
      },
      paint: (cell, { group }) => (group !== null && group.status !== 'joined' ? yellow(cell) : cell),
    },
    {
      title: 'MSGS',
      spare: 2,
      text: ({ group }) => (group === null ? '-' : String(group.delivered)),
      align: 'right',
    },
  ];
}

function logColumns({ green }: Colours): readonly TopColumn[] {
  return [
    {
      title: 'LOG',
      spare: 0,
      text: ({ raft: [log] }) => (log === undefined ? '-' : `${log.role} t${log.term}`),
      paint: (cell, { raft: [log] }) => (log?.role === 'leader' ? green(cell) : cell),
    },
    {
      title: 'APPLIED',
      spare: 3,
      text: ({ raft: [log] }) => (log === undefined ? '-' : String(log.appliedIndex)),
      align: 'right',
    },
  ];
}

function trafficColumns(): readonly TopColumn[] {
  const rate = (title: string, spare: number, pick: 'bytesIn' | 'bytesOut'): TopColumn => ({
    title,
    spare,
    text: ({ rates }) => (rates === undefined ? '-' : bytesText(rates[pick])),
    align: 'right',
  });
  return [rate('IN/S', 1, 'bytesIn'), rate('OUT/S', 0, 'bytesOut')];
}

/** Bytes a second, out of two looks or since the counters were reset. */
export function ratesOf(node: TopNode, now: TopSample, before?: TopSample): Row['rates'] {
  const { traffic } = node;
  if (traffic === null) return undefined;
  const old = before?.nodes.find(({ name }) => name === node.name)?.traffic;
  const isSameCount = old !== undefined && old !== null && old.since === traffic.since;
  const from = isSameCount ? old : { bytesIn: 0, bytesOut: 0 };
  const since = Date.parse(isSameCount && before !== undefined ? before.at : traffic.since);
  const seconds = Math.max(0.001, (Date.parse(now.at) - since) / 1_000);
  return {
    bytesIn: Math.max(0, traffic.bytesIn - from.bytesIn) / seconds,
    bytesOut: Math.max(0, traffic.bytesOut - from.bytesOut) / seconds,
  };
}

/** In four or five letters: `45s`, `3m20s`, `2h05m`, `12d`. */
export function shortTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h${two(Math.floor((seconds % 3_600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d`;
}
