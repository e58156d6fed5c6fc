import type { RaftStatus } from '@grp/raft';
import type { Registry } from 'prom-client';
import type { HostedGroup, RaftHost } from '../raft/raft-host.ts';
import { counter, gauge, type Sample } from './read-metric.ts';

const roles = ['follower', 'pre-candidate', 'candidate', 'leader'] as const;

/** The metrics of all raft groups of a node, by group. */
export function raftMetrics(host: RaftHost, registry: Registry): void {
  const registers = [registry];
  const labelNames = ['group'];
  const each = (read: (status: RaftStatus, group: HostedGroup) => number) => (): readonly Sample[] =>
    host.groups
      .filter(({ serving }) => serving)
      .map((group) => [{ group: group.name }, read(group.raft.status(), group)]);
  const gauges: readonly (readonly [name: string, help: string, read: (status: RaftStatus) => number])[] = [
    ['term', 'The term this server is in.', ({ term }) => term],
    ['commit_index', 'Index of the last entry that is known to be committed.', ({ commitIndex }) => commitIndex],
    ['applied_index', 'Index of the last entry that the state machine has.', ({ appliedIndex }) => appliedIndex],
    ['last_index', 'Index of the last entry in the log.', ({ lastIndex }) => lastIndex],
    ['durable_index', 'Index of the last entry that survives a power cut here.', ({ durableIndex }) => durableIndex],
    ['has_leader', '1 where a leader is known.', ({ leader }) => (leader === undefined ? 0 : 1)],
    ['voters', 'Servers that vote.', ({ configuration }) => configuration.voters.length],
  ];
  for (const [name, help, read] of gauges) gauge({ name: `grp_raft_${name}`, help, labelNames, registers }, each(read));
  gauge(
    {
      name: 'grp_raft_role',
      help: '1 for the role this server has, 0 for the others.',
      labelNames: ['group', 'role'],
      registers,
    },
    () =>
      host.groups
        .filter(({ serving }) => serving)
        .flatMap(({ name: group, raft }) =>
          roles.map((role): Sample => [{ group, role }, raft.status().role === role ? 1 : 0]),
        ),
  );
  counter(
    { name: 'grp_raft_leader_changes_total', help: 'Leaders that this server has followed.', labelNames, registers },
    each((_, { leaderChanges }) => leaderChanges),
  );
  counter(
    { name: 'grp_raft_dropped_total', help: 'Messages and streams from peers that were of no use.', registers },
    () => [[{}, host.droppedCount]],
  );
}
