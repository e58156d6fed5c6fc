import { sanitizeText } from '@grp/core';
import type { ChatMessage, GroupMetricsReport } from '@grp/messenger';
import type { Colours } from '../output/colours.ts';
import { table, type TableOptions } from '../output/table.ts';
import type { Output } from './output.ts';
import { commandTable } from './parse-line.ts';

/** As people read it. Everything of others passes `sanitizeText` once more here, wherever it came from. */
export function outputText(output: Output, options: TableOptions): string {
  const { colours } = options;
  switch (output.type) {
    case 'message':
      return messageText(output, colours);
    case 'view':
      return colours.dim(`[${safe(output.group)}] in view ${output.number}: ${output.members.map(safe).join(', ')}`);
    case 'notice':
      return colours.cyan(`* ${output.group === undefined ? '' : `[${safe(output.group)}] `}${safe(output.text)}`);
    case 'groups':
      return output.groups.length === 0
        ? 'There are no groups yet: make one with !j NAME.'
        : groupsText(output, options);
    case 'members':
      return membersText(output, options);
    case 'peers':
      return peersText(output, options);
    case 'order':
      return orderText(output);
    case 'metrics':
      return metricsText(output.groups, options);
    case 'log':
      return output.messages.map((message) => messageText(message, colours)).join('\n');
    case 'help':
      return helpText(options);
    default: {
      const { message, hint } = output.error;
      return colours.red(`! ${safe(message)}${hint === undefined ? '' : ` ${safe(hint)}`}`);
    }
  }
}

function messageText({ group, from, text, isReplay, isOwn }: ChatMessage, colours: Colours): string {
  const nick = isOwn ? colours.bold(safe(from)) : colours.green(safe(from));
  const line = `[${safe(group)}] ${nick}: ${safe(text)}`;
  return isReplay ? `${line} ${colours.dim('(replay)')}` : line;
}

function groupsText({ groups }: Extract<Output, { type: 'groups' }>, options: TableOptions): string {
  return table(
    groups,
    [
      { title: 'GROUP', text: ({ group, isJoined }) => (isJoined ? `${group} *` : group) },
      { title: 'ORDER', text: ({ order }) => order },
      {
        title: 'POLICY',
        text: ({ access, moderated, secret }) =>
          [access, moderated ? 'moderated' : '', secret ? 'secret' : ''].filter(Boolean).join(', '),
      },
      {
        title: 'MEMBERS',
        align: 'right',
        text: ({ members, limit }) => (limit > 0 ? `${members} of ${limit}` : String(members)),
      },
      { title: 'UNREAD', align: 'right', text: ({ unread, isJoined }) => (isJoined ? String(unread) : '') },
      { title: 'TOPIC', text: ({ topic }) => topic },
    ],
    options,
  );
}

function membersText({ members }: Extract<Output, { type: 'members' }>, options: TableOptions): string {
  return table(
    members,
    [
      { title: 'NICK', text: ({ nick }) => nick },
      { title: 'ROLE', text: ({ role }) => role },
      { title: 'ADDRESS', text: ({ address }) => address ?? '' },
      {
        title: 'IDLE',
        align: 'right',
        text: ({ idleMs }) => (idleMs === undefined ? '' : `${Math.round(idleMs / 1_000)} s`),
      },
      { title: 'AWAY', text: ({ away }) => away ?? '' },
    ],
    options,
  );
}

function peersText({ peers, state }: Extract<Output, { type: 'peers' }>, options: TableOptions): string {
  const rows = table(
    peers,
    [
      { title: 'NICK', text: ({ nick, isIgnored }) => (isIgnored ? `${nick} (ignored)` : nick) },
      { title: 'PATH', text: ({ path }) => (path === 'relay' ? 'through the tracker' : path) },
      { title: 'ADDRESS', text: ({ address }) => address },
      { title: 'RTT', align: 'right', text: ({ rttMs }) => (rttMs === undefined ? '' : `${rttMs.toFixed(2)} ms`) },
      {
        title: 'HEARD',
        align: 'right',
        text: ({ silentMs }) => (silentMs === undefined ? 'never' : `${(silentMs / 1_000).toFixed(1)} s ago`),
      },
      {
        title: 'HELD',
        align: 'right',
        text: ({ flood }) => (flood.delayed === 0 ? '' : `${flood.delayed} delayed, ${flood.dropped} dropped`),
      },
    ],
    options,
  );
  return `${rows}\n${state.reached} of ${state.others} reached`;
}

function orderText({ group, ordering, nicks }: Extract<Output, { type: 'order' }>): string {
  const { order, status, view, position, sent, delivered, outbox, holdBack, numbers, gaps, waitingFor } = ordering;
  const lines = [
    `[${safe(group)}] ${order === 'total' ? 'total order: everybody reads the same messages in the same order' : 'FIFO: the messages of each sender in its order'}`,
    `view ${view}, ${status}; ${position} delivered in the group, ${delivered} here, ${sent} sent here`,
    `waiting to be sent ${outbox.messages}; held back ${holdBack.messages} (${holdBack.undeliverableRounds} undeliverable rounds, at most ${holdBack.roundsMax} at any time)`,
    ...(order === 'total' ? [`last number proposed here ${numbers.proposed}, agreed ${numbers.agreed}`] : []),
    `gaps: ${gaps.open} open, ${gaps.filled} filled, ${gaps.unfilled} unfilled`,
  ];
  if (waitingFor.length > 0) lines.push(`waiting for ${waitingFor.map((id) => safe(nicks[id] ?? id)).join(', ')}`);
  return lines.join('\n');
}

/** One row for each group. */
export function metricsText(groups: readonly GroupMetricsReport[], options: TableOptions): string {
  if (groups.length === 0) return 'Nothing was measured: you were in no group.';
  const ms = (value: number | undefined): string =>
    value === undefined ? '-' : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  return table(
    groups,
    [
      { title: 'GROUP', text: ({ group }) => group },
      { title: 'ORDER', text: ({ order }) => order },
      { title: 'SENT', align: 'right', text: ({ sent }) => String(sent) },
      { title: 'RECEIVED', align: 'right', text: ({ received }) => String(received) },
      { title: 'EXCHANGED', align: 'right', text: ({ exchanged }) => String(exchanged) },
      { title: 'MESSAGES/S', align: 'right', text: ({ throughputPerSecond }) => throughputPerSecond.toFixed(1) },
      { title: 'P50', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p50) },
      { title: 'P95', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p95) },
      { title: 'P99', align: 'right', text: ({ latencyMs }) => ms(latencyMs.p99) },
    ],
    options,
  );
}

function helpText(options: TableOptions): string {
  return table(
    Object.entries(commandTable),
    [
      { title: 'COMMAND', text: ([name, { short, takes }]) => `!${short} or /${name} ${takes}` },
      { title: '', text: ([, { does }]) => does },
    ],
    options,
  );
}

function safe(text: string): string {
  return sanitizeText(text, { lengthMax: 8_192 });
}
