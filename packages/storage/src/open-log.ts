import { silentLogger, type Clock, type Disk, type Logger } from '@grp/core';
import { logConfig, type LogConfig } from './config.ts';
import { frameTypes } from './frame.ts';
import type { FrameContent } from './log-image.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter, openingBytesOf } from './log-writer.ts';
import { OpenLog, type Log } from './log.ts';
import { describe, recover, type RecoveredLog } from './recovery.ts';
import { SegmentPool } from './segment-pool.ts';
import { SnapshotStore } from './snapshots.ts';
import { StateFile } from './state-file.ts';
import { TailCache } from './tail-cache.ts';
import type { Recovered } from './types.ts';

/** Where a log is kept, and how. */
export interface OpenLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Below the disk's root (default `log`). Several logs may share a disk, in folders of their own. */
  readonly folder?: string;
  readonly config?: Partial<LogConfig>;
  /** Locks the disk, so that no second process opens it (default true). False when the caller holds the lock. */
  readonly exclusive?: boolean;
}

/**
 * Opens a log, or makes it. What was found is in `recovered`; when that has `damage`, nothing was repaired and nothing cut
 * off. Resolves when the newest entries are durable once more in a fresh segment, because after a failed sync the system
 * may show bytes that the disk does not have (Rebello et al. 2020).
 * @throws GrpError DISK_LOCKED, DISK_FULL, DISK_IO, STORAGE_NEWER, CONFIG_INVALID
 */
export async function openLog(options: OpenLogOptions): Promise<Log> {
  const { disk, clock, logger = silentLogger, folder = 'log', exclusive = true } = options;
  const config = logConfig.resolve(options.config);
  const unlock = exclusive ? await disk.lock() : async (): Promise<void> => {};
  try {
    return await open({ disk, clock, logger, folder, config, unlock });
  } catch (cause) {
    await unlock();
    throw cause;
  }
}

interface Ground {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly folder: string;
  readonly config: LogConfig;
  readonly unlock: () => Promise<void>;
}

async function open({ disk, clock, logger, folder, config, unlock }: Ground): Promise<Log> {
  const { found, snapshots, state } = await find(disk, folder, logger);
  const { image, tail, previous, spares } = found;
  await snapshots.tidy(await disk.list(`${folder}/`));
  await state.create();
  const cache = new TailCache(config.cacheBytesMax);
  const reader = new LogReader(disk, folder, image);
  const pool = new SegmentPool({
    ...{ disk, folder, clock, logger, config },
    idMax: found.idMax,
    onReady: () => log.onReady(),
    onFull: () => log.onFull(),
    onError: (cause) => log.fail(cause),
  });
  const writer = new LogWriter(
    {
      ...{ disk, clock, config, image, pool, state },
      onDurable: (ticket, lastIndex) => log.onDurable(ticket, lastIndex),
      onFull: () => log.onFull(),
      onSegment: (segment) => log.onSegment(segment),
      onError: (cause) => log.fail(cause),
    },
    tail,
  );
  await pool.adopt(spares);
  const recovered = describe(image, snapshots.latest);
  const copies = await newest(found, reader);
  const first = await pool.makeFirst(openingBytesOf(copies));
  await writer.begin(first, previous, copies);
  // What was begun in vain is free again; what is damaged stays as it is until a compaction passes it.
  const isVain = (id: number): boolean => id > previous.id && id === tail.segment;
  const segments = found.segments.filter(({ id }) => !isVain(id));
  for (const vain of found.segments) if (isVain(vain.id)) await pool.recycle(vain);
  const parts = { folder, config, logger, image, cache, reader, writer, pool, snapshots, recovered, unlock };
  const log = new OpenLog(parts, [...segments, first]);
  for (const { type, index, term, payload } of copies)
    if (type === frameTypes.entry) cache.push({ index, term, payload });
  pool.prepare();
  return log;
}

/** A log as it lies on the disk. */
export interface LogInspection extends Pick<Log, 'entries' | 'recovered'> {
  readonly snapshots: Pick<SnapshotStore, 'latest' | 'open'>;
}

/**
 * Reads a log without locking or changing anything, also one that another process is writing to: then it is a moment of it,
 * whose end may look torn.
 * @throws GrpError DISK_IO, STORAGE_NEWER
 */
export async function inspectLog(options: Pick<OpenLogOptions, 'disk' | 'logger' | 'folder'>): Promise<LogInspection> {
  const { disk, logger = silentLogger, folder = 'log' } = options;
  const { found, snapshots } = await find(disk, folder, logger);
  const { image } = found;
  const reader = new LogReader(disk, folder, image);
  const recovered: Recovered = describe(image, snapshots.latest);
  return {
    recovered,
    snapshots,
    entries: {
      firstIndex: image.index.first,
      lastIndex: image.index.last,
      term: (index) => image.term(index),
      peek: () => undefined,
      read: (from, to, bytesMax) => reader.read(from, to, bytesMax),
    },
  };
}

interface Finding {
  readonly found: RecoveredLog;
  readonly snapshots: SnapshotStore;
  readonly state: StateFile;
}

async function find(disk: Disk, folder: string, logger: Logger): Promise<Finding> {
  const snapshots = new SnapshotStore(disk, folder);
  await snapshots.load(await disk.list(`${folder}/`), logger);
  const state = new StateFile(disk, folder);
  const snapshot = { info: snapshots.latest, lost: snapshots.lostIndex };
  const found = await recover({ disk, folder, logger, state, snapshot });
  return { found, snapshots, state };
}

// What was written with the last batch. Its sync may have failed, and then it is in memory only.
async function newest({ image, tail }: RecoveredLog, reader: LogReader): Promise<readonly FrameContent[]> {
  const { index } = image;
  const isInBatch = (at: number): boolean => {
    const { segment, offset } = index.position(at);
    return segment === tail.segment && segment !== 0 && offset >= tail.batchStart;
  };
  let from = index.last + 1;
  while (from > index.first && isInBatch(from - 1)) from--;
  const copies: FrameContent[] = [];
  // Repaired entries may lie anywhere, and there are few: a batch's worth.
  for (let at = index.first; index.liveCount(tail.segment) > 0 && at < from; at++)
    if (isInBatch(at)) copies.push(...(await frames(reader, frameTypes.repair, at, at)));
  if (from <= index.last) copies.push(...(await frames(reader, frameTypes.entry, from, index.last)));
  return copies;
}

async function frames(reader: LogReader, type: number, from: number, to: number): Promise<readonly FrameContent[]> {
  const contents: FrameContent[] = [];
  for (let at = from; at <= to;) {
    const entries = await reader.read(at, to, Number.MAX_SAFE_INTEGER);
    for (const entry of entries) contents.push({ type, ...entry });
    at += entries.length;
  }
  return contents;
}
