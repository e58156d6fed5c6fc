import type { Tracker, TrackerMetrics } from '@grp/tracker';
import type { Registry } from 'prom-client';
import { counter, gauge, type Sample } from '../metrics/read-metric.ts';

/** The tracker's metrics; they are read when somebody asks. */
export function trackerMetrics(tracker: Tracker, isReady: () => boolean, registry: Registry): void {
  const registers = [registry];
  const read = (samples: (metrics: TrackerMetrics) => readonly Sample[]) => (): readonly Sample[] =>
    isReady() ? samples(tracker.metrics()) : [];
  const perGroup = (value: (group: TrackerMetrics['groups'][number]) => number) =>
    read(({ groups }) => groups.map((group) => [{ group: group.group }, value(group)]));

  gauge(
    { name: 'grp_tracker_connections', help: 'Connections that are open.', registers },
    read(({ health }) => [[{}, health.connections]]),
  );
  gauge(
    {
      name: 'grp_tracker_sessions',
      help: 'Registered clients, heard lately or lost.',
      labelNames: ['state'],
      registers,
    },
    read(({ health: { sessions } }) => [
      [{ state: 'here' }, sessions.here],
      [{ state: 'lost' }, sessions.lost],
    ]),
  );
  gauge(
    { name: 'grp_tracker_groups', help: 'Groups, those without members included.', registers },
    read(({ health }) => [[{}, health.groups]]),
  );
  gauge(
    { name: 'grp_tracker_journal_bytes', help: 'Size of the journal on the disk.', registers },
    read(({ journalBytes }) => [[{}, journalBytes]]),
  );
  counter(
    { name: 'grp_tracker_events_total', help: 'What happened since the start.', labelNames: ['event'], registers },
    read(({ health }) => Object.entries(health.counts).map(([event, count]) => [{ event }, count])),
  );
  counter(
    { name: 'grp_tracker_refused_total', help: 'Refused commands, by error code.', labelNames: ['code'], registers },
    read(({ health }) => Object.entries(health.refused).map(([code, count]) => [{ code }, count])),
  );
  const labelNames = ['group'];
  gauge(
    { name: 'grp_tracker_group_members', help: 'Members of a group.', labelNames, registers },
    perGroup(({ members }) => members),
  );
  gauge(
    { name: 'grp_tracker_group_view', help: 'Number of the view in force.', labelNames, registers },
    perGroup(({ view }) => view),
  );
  counter(
    { name: 'grp_tracker_group_sent_total', help: 'Messages sent, as members report.', labelNames, registers },
    perGroup(({ sent }) => sent),
  );
  counter(
    { name: 'grp_tracker_group_received_total', help: 'Messages received, as members report.', labelNames, registers },
    perGroup(({ received }) => received),
  );
  gauge(
    {
      ...{ name: 'grp_tracker_group_latency_ms', help: 'Latency of messages, as members report.' },
      ...{ labelNames: ['group', 'quantile'], registers },
    },
    read(({ groups }) =>
      groups.flatMap(({ group, latencyMs: { p50, p95, p99 } }) =>
        [['0.5', p50] as const, ['0.95', p95] as const, ['0.99', p99] as const].flatMap(([quantile, ms]): Sample[] =>
          ms === undefined ? [] : [[{ group, quantile }, ms]],
        ),
      ),
    ),
  );
}
