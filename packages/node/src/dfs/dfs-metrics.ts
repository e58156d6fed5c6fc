import type { RepairStatus } from '@grp/dfs';
import type { Registry } from 'prom-client';
import { counter, gauge, type Sample } from '../metrics/read-metric.ts';
import type { DfsPart } from './dfs-part.ts';

/** The metrics of the file store: of this node's blobs, of its copy of the metadata, and, on the master, of repair. */
export function dfsMetrics(part: DfsPart, registry: Registry): void {
  const registers = [registry];
  const { meta, store, server, scrubber, life } = part;
  const gauges: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['files', 'Files, by the copy of the metadata here.', () => meta.state.files.size - meta.state.removed.size],
    ['versions', 'Versions of all files, deletion markers included.', () => meta.state.versionCount],
    ['bytes', 'Bytes of all versions, each counted once.', () => meta.state.bytes],
    ['under_replicated_files', 'Versions with fewer replicas than wanted.', () => meta.state.deficient.size],
    ['servers_up', 'File servers that the log has as up.', () => upCount(part)],
    ['incarnation', 'Incarnation of the file server here; 0: it has not joined.', () => life.incarnation],
    ['store_blobs', 'Blobs on this node.', () => store.status().blobs],
    ['store_bytes', 'Bytes of the blobs on this node.', () => store.status().bytes],
    ['store_free_bytes', 'Room for blobs on this node.', () => store.status().freeBytes],
    ['transfers', 'Transfers of blobs under way on this node.', () => server.status().transfers],
  ];
  for (const [name, help, read] of gauges) gauge({ name: `grp_dfs_${name}`, help, registers }, () => [[{}, read()]]);
  const counters: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['scrub_errors_total', 'Blobs that the scrub found altered on this node.', () => scrubber.counts.errors],
    ['scrub_bytes_total', 'Bytes that the scrub has read.', () => scrubber.counts.bytes],
    ['scrub_passes_total', 'Passes of the scrub over all blobs.', () => scrubber.counts.passes],
    ['lives_total', 'Incarnations that the file server here has had since the start.', () => life.livesBegun],
  ];
  for (const [name, help, read] of counters)
    counter({ name: `grp_dfs_${name}`, help, registers }, () => [[{}, read()]]);
  counter(
    {
      name: 'grp_dfs_server_events_total',
      help: 'What the file server did and refused.',
      labelNames: ['event'],
      registers,
    },
    () => Object.entries(server.status().counters).map(([event, count]): Sample => [{ event }, count]),
  );
  repairMetrics(part, registers);
}

/** Only the master knows: its rate is the rate of repair. */
function repairMetrics({ service }: DfsPart, registers: Registry[]): void {
  const ofMaster = (read: (status: RepairStatus) => number) => async (): Promise<readonly Sample[]> => {
    const reply = await service.answer({ kind: 'repair-status' });
    return reply.kind === 'repair-status-reply' ? [[{}, read(reply.status)]] : [];
  };
  gauge(
    { name: 'grp_dfs_repair_copying', help: 'Replicas being made, on the master.', registers },
    ofMaster(({ copying }) => copying),
  );
  gauge(
    { name: 'grp_dfs_lost_files', help: 'Versions without any replica, on the master.', registers },
    ofMaster(({ lost }) => lost),
  );
  counter(
    { name: 'grp_dfs_repair_copies_total', help: 'Replicas made by this master.', registers },
    ofMaster(({ copiesDone }) => copiesDone),
  );
  counter(
    { name: 'grp_dfs_repair_bytes_total', help: 'Bytes of replicas made by this master.', registers },
    ofMaster(({ copyBytesDone }) => copyBytesDone),
  );
  counter(
    {
      name: 'grp_dfs_rot_reported_total',
      help: 'Altered or missing replicas that this master was told of.',
      registers,
    },
    ofMaster(({ rotReported }) => rotReported),
  );
}

function upCount({ meta }: DfsPart): number {
  let count = 0;
  for (const { up } of meta.state.servers.values()) if (up) count++;
  return count;
}
