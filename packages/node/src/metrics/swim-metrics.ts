import type { Traffic } from '@grp/core';
import type { Swim } from '@grp/swim';
import type { Registry } from 'prom-client';
import { counter, gauge, type Sample } from './read-metric.ts';

export interface SwimMetrics {
  countEvent(type: string): void;
  /** Adds swim's metrics to a node's registry. They are read when somebody asks, not kept up to date in between. */
  register(registry: Registry): void;
}

const statuses = ['alive', 'suspect', 'down', 'left'] as const;

/** The metrics of one member. Labels come from fixed lists and from counters that are bounded by themselves. */
export function swimMetrics(swim: Swim): SwimMetrics {
  const events = new Map<string, number>();
  return {
    countEvent: (type) => void events.set(type, (events.get(type) ?? 0) + 1),
    register(registry) {
      const registers = [registry];
      gauges(swim, registers);
      traffic(swim, registers);
      counter(
        {
          name: 'grp_swim_events_total',
          help: 'Membership changes, user events, queries and faults seen, by type.',
          labelNames: ['type'],
          registers,
        },
        () => [...events].map(([type, value]) => [{ type }, value]),
      );
      counter(
        {
          name: 'grp_swim_dropped_total',
          help: 'Datagrams, messages and streams refused or lost on purpose, by reason.',
          labelNames: ['reason'],
          registers,
        },
        () => Object.entries(swim.bandwidth().dropped).map(([reason, value]) => [{ reason }, value]),
      );
    },
  };
}

function gauges(swim: Swim, registers: Registry[]): void {
  gauge(
    {
      name: 'grp_swim_members',
      help: 'Members known to this node, itself included, by status.',
      labelNames: ['status'],
      registers,
    },
    () => {
      const members = swim.members();
      return statuses.map((status) => [{ status }, members.filter((member) => member.status === status).length]);
    },
  );
  gauge(
    {
      name: 'grp_swim_health_score',
      help: 'Local health (Lifeguard): 0 is well, 8 means that this node itself is slow or cut off.',
      registers,
    },
    () => [[{}, swim.health().score]],
  );
  gauge({ name: 'grp_swim_broadcasts_queued', help: 'Pieces of news waiting to be passed on.', registers }, () => [
    [{}, swim.health().broadcastsQueued],
  ]);
}

function traffic(swim: Swim, registers: Registry[]): void {
  const both = (pick: (traffic: Traffic) => [number, number], from: 'total' | 'streams'): Sample[] => {
    const [received, sent] = pick(swim.bandwidth()[from]);
    return [
      [{ direction: 'in' }, received],
      [{ direction: 'out' }, sent],
    ];
  };
  const labelNames = ['direction'];
  counter(
    {
      name: 'grp_swim_datagram_bytes_total',
      help: 'Bytes of datagrams with IP and UDP headers, since the start or the last reset.',
      labelNames,
      registers,
    },
    () => both(({ bytesIn, bytesOut }) => [bytesIn, bytesOut], 'total'),
  );
  counter(
    { name: 'grp_swim_datagrams_total', help: 'Datagrams, since the start or the last reset.', labelNames, registers },
    () => both(({ packetsIn, packetsOut }) => [packetsIn, packetsOut], 'total'),
  );
  counter(
    {
      name: 'grp_swim_stream_bytes_total',
      help: 'Bytes on streams without TCP and IP headers, since the start or the last reset.',
      labelNames,
      registers,
    },
    () => both(({ bytesIn, bytesOut }) => [bytesIn, bytesOut], 'streams'),
  );
  counter(
    {
      name: 'grp_swim_messages_total',
      help: 'Messages by type, on datagrams and streams, since the start or the last reset.',
      labelNames: ['direction', 'type'],
      registers,
    },
    () =>
      swim.bandwidth().messages.flatMap(({ type, packetsIn, packetsOut }): Sample[] => [
        [{ direction: 'in', type }, packetsIn],
        [{ direction: 'out', type }, packetsOut],
      ]),
  );
}
