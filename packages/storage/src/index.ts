export { openBlobs, type BlobReader, type Blobs, type BlobWriter, type OpenBlobsOptions } from './blobs.ts';
export { hardStateBytesMax, logConfig, type LogConfig } from './config.ts';
export type { Log, LogEntries } from './log.ts';
export { inspectLog, openLog, type LogInspection, type OpenLogOptions } from './open-log.ts';
export type { SnapshotReader, Snapshots, SnapshotWriter } from './snapshots.ts';
export type { Damage, Entry, IndexRange, LogEvent, LogPoint, Recovered, SnapshotInfo, Ticket } from './types.ts';
