import { access, constants, mkdir, readdir, statfs, unlink, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GrpError, silentLogger, type Logger } from '@grp/core';
import { lockFolder } from '@grp/storage/node';
import { dfsError } from '../../errors.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { BlobWriter } from './blob-writer.ts';
import { Compaction } from './compaction.ts';
import { storeConfig, type StoreConfig } from './config.ts';
import { syncFolder } from './data-file.ts';
import { codeOf, storeError } from './errors.ts';
import { Lane, parseSegmentName, type LaneOptions } from './lane.ts';
import { largeFolder, largeNumber, largePath } from './large-file.ts';
import { recover } from './recovery.ts';
import { appendRemoval } from './removal.ts';
import { Segments } from './segments.ts';
import { StoreParts } from './store-parts.ts';

/** Where a blob store lies. */
export interface OpenBlobStoreOptions {
  /** Made when it is not there. */
  readonly dir: string;
  readonly config?: Partial<StoreConfig>;
  readonly logger?: Logger;
  /** Locks the folder (default true). False when the caller holds the lock of a folder above. */
  readonly exclusive?: boolean;
}

/** A blob that is here, as far as its records tell. */
export interface StoredBlob {
  readonly blob: string;
  readonly epoch: number;
  readonly bytes: number;
}

/** What a blob store holds, and what room is left. */
export interface StoreStatus {
  readonly blobs: number;
  readonly bytes: number;
  /** Room for further blobs: what the disk has, less the reserve. */
  readonly freeBytes: number;
  readonly segments: number;
  readonly compactions: number;
  /** Blobs being written. */
  readonly writing: number;
  /** Places that the last start could not read. */
  readonly damagedAtStart: number;
  readonly failure: string | undefined;
}

const wipeMarker = 'wiping';
const freeBytesAgeMsMax = 250;
const openTriesMax = 5;

/** Opens a store and reads what is in it. @throws GrpError DISK_LOCKED, DFS_STORE_UNUSABLE, DFS_STORE_NEWER, CONFIG_INVALID */
export async function openBlobStore(options: OpenBlobStoreOptions): Promise<BlobStore> {
  const { dir, logger = silentLogger, exclusive = true } = options;
  const folder = resolve(dir);
  const config = storeConfig.resolve(options.config);
  let unlock = async (): Promise<void> => {};
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Of a folder that may not be written to, `mkdir` says that it is not there.
    await access(folder, constants.W_OK);
    await mkdir(`${folder}/${largeFolder}`, { recursive: true, mode: 0o700 });
    if (exclusive) unlock = await lockFolder(folder);
    const parts = new StoreParts({ folder, config, logger, index: new BlobIndex(), segments: new Segments(folder) });
    const store = new BlobStore(parts, unlock);
    await store.recover();
    return store;
  } catch (cause) {
    await unlock().catch(() => {});
    if (cause instanceof GrpError) throw cause;
    throw dfsError('DFS_STORE_UNUSABLE', { context: { folder, problem: `${folder}: ${codeOf(cause)}` }, cause });
  }
}

/**
 * Blobs on a disk: each is there as a whole, or not at all. Many small ones share a sync; large ones have files of their
 * own. A sync that fails ends the store: nothing is acknowledged any more.
 */
export class BlobStore {
  readonly #parts: StoreParts;
  readonly #unlock: () => Promise<void>;
  readonly #compaction: Compaction;
  readonly #writers = new Set<BlobWriter>();
  #free = { bytes: 0, at: -Infinity };
  #measuring: Promise<void> | undefined;
  #wiping: Promise<void> | undefined;
  #damagedAtStart = 0;

  /** `openBlobStore` makes one. */
  constructor(parts: StoreParts, unlock: () => Promise<void>) {
    this.#parts = parts;
    this.#unlock = unlock;
    this.#compaction = new Compaction(parts);
  }

  get folder(): string {
    return this.#parts.folder;
  }

  /** Hears, once, that the disk has failed. */
  set onFailed(listener: (error: Error) => void) {
    this.#parts.onFailed = listener;
    if (this.#parts.failure !== undefined) listener(this.#parts.failure);
  }

  /** Reads the folder. Called once, by `openBlobStore`. */
  async recover(): Promise<void> {
    const parts = this.#parts;
    if ((await readdir(parts.folder)).includes(wipeMarker)) await this.#removeAll();
    const { removals, damagedCount } = await recover(parts);
    this.#damagedAtStart = damagedCount;
    await this.#measure();
    await this.#openLanes();
    await Promise.all(removals.map((removal) => appendRemoval(parts, removal, removal.segment)));
    this.#compaction.start();
  }

  status(): StoreStatus {
    const { index, segments, failure } = this.#parts;
    void this.#refresh();
    return {
      blobs: index.count,
      bytes: index.bytes,
      freeBytes: this.#free.bytes,
      segments: segments.all().length,
      compactions: this.#compaction.doneCount,
      writing: this.#writers.size,
      damagedAtStart: this.#damagedAtStart,
      failure: failure?.message,
    };
  }

  /**
   * Begins a blob. What was there under this id stays until the new one is finished.
   * @throws GrpError DFS_DISK_FULL when the disk has no room beside the reserve for `bytesHint`, DFS_STORE_FAILED, DFS_STORE_CLOSED
   */
  create(blob: string, epoch: number, bytesHint = 0): BlobWriter {
    this.#parts.openLanes();
    void this.#refresh();
    if (this.#free.bytes <= bytesHint) throw dfsError('DFS_DISK_FULL', { context: { folder: this.#parts.folder } });
    const writer = new BlobWriter(this.#parts, blob, epoch, (done) => this.#writers.delete(done));
    this.#writers.add(writer);
    return writer;
  }

  find(blob: string): StoredBlob | undefined {
    const located = this.#parts.index.get(blob);
    return located === undefined ? undefined : { blob, epoch: located.epoch, bytes: located.bytes };
  }

  /** For reading. Call `close` on it. @throws GrpError DFS_BLOB_NOT_FOUND, DFS_BLOB_DAMAGED, DFS_STORE_FAILED */
  async open(blob: string): Promise<BlobReader> {
    for (let tries = 1; ; tries++) {
      this.#parts.openLanes();
      const located = this.#parts.index.get(blob);
      if (located === undefined) throw storeError('DFS_BLOB_NOT_FOUND', { context: { blob } });
      try {
        return await BlobReader.open(this.#parts, blob, located);
      } catch (cause) {
        // A compaction may have moved it meanwhile.
        if (tries === openTriesMax || this.#parts.index.get(blob) === located) throw cause;
      }
    }
  }

  /**
   * Removes a blob that was stored by an order of `upToEpoch` or before. False: there is none. It is gone for readers at
   * once; resolves when it cannot come back. @throws GrpError DFS_DISK_FULL, DFS_STORE_FAILED
   */
  async remove(blob: string, upToEpoch: number = Number.MAX_SAFE_INTEGER): Promise<boolean> {
    const parts = this.#parts;
    parts.openLanes();
    const located = parts.index.get(blob);
    if (located === undefined || located.epoch > upToEpoch) return false;
    parts.index.delete(blob);
    parts.account(located.segment, { live: -located.recordBytes });
    const others = parts.index.takeShadows(blob).filter((segment) => parts.segments.get(segment) !== undefined);
    const { epoch } = located;
    const holding = [located.segment, ...others];
    try {
      await Promise.all(holding.map((segment) => appendRemoval(parts, { blob, epoch }, segment)));
    } catch (cause) {
      // It would come back at the next start, so it is back now.
      if (parts.index.get(blob) === undefined) {
        parts.index.set(blob, located);
        parts.account(located.segment, { live: located.recordBytes });
        for (const segment of others) parts.index.shadow(blob, segment);
      }
      throw parts.told(cause);
    }
    if (located.file !== undefined) await unlink(largePath(parts.folder, located.file)).catch(() => {});
    this.#compaction.start();
    return true;
  }

  /** Blobs in order of their ids, after `after` (default: from the first). */
  list(limit: number, after = ''): readonly StoredBlob[] {
    const { index } = this.#parts;
    return index.page(after, limit).flatMap((blob) => this.find(blob) ?? []);
  }

  /** Removes everything, also what is being written. Resolves when nothing of it can come back. */
  wipe(): Promise<void> {
    this.#wiping ??= this.#wipe().finally(() => {
      this.#wiping = undefined;
    });
    return this.#wiping;
  }

  /** Resolves when no segment is being rewritten. */
  async settled(): Promise<void> {
    await this.#compaction.idle();
  }

  /** What was finished is on the disk. Blobs under way are given up. Idempotent. */
  async close(): Promise<void> {
    const { lanes } = this.#parts;
    if (lanes === undefined) return;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.#compaction.stop();
    this.#parts.lanes = undefined;
    if (this.#parts.failure === undefined) await Promise.all([lanes.small.close(), lanes.bulk.close()]);
    await this.#measuring;
    this.#parts.segments.closeAll();
    await this.#unlock();
  }

  async #wipe(): Promise<void> {
    const parts = this.#parts;
    const lanes = parts.openLanes();
    parts.generation++;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.#compaction.stop();
    parts.lanes = undefined;
    try {
      await writeFile(`${parts.folder}/${wipeMarker}`, '');
      await syncFolder(parts.folder);
      await Promise.all([lanes.small.close(), lanes.bulk.close()]);
      await this.#removeAll();
      await this.#openLanes();
    } catch (cause) {
      throw parts.fail(cause);
    }
    this.#compaction.resume();
    this.#parts.logger.log('info', 'dfs.store-wiped', { folder: parts.folder });
  }

  async #removeAll(): Promise<void> {
    const { folder, index, segments } = this.#parts;
    index.clear();
    for (const { name } of segments.all()) await segments.remove(name.number);
    for (const name of await readdir(folder))
      if (parseSegmentName(name) !== undefined) await unlink(`${folder}/${name}`);
    for (const name of await readdir(`${folder}/${largeFolder}`))
      if (largeNumber(name) !== undefined) await unlink(`${folder}/${largeFolder}/${name}`);
    await syncFolder(`${folder}/${largeFolder}`);
    await syncFolder(folder);
    await unlink(`${folder}/${wipeMarker}`).catch(() => {});
    await syncFolder(folder);
  }

  async #openLanes(): Promise<void> {
    const parts = this.#parts;
    const { config, folder } = parts;
    const common: Omit<LaneOptions, 'layout' | 'segmentBytes' | 'aheadBytes'> = {
      folder,
      batchBytesMax: config.batchBytesMax,
      nextNumber: () => parts.nextNumber(),
      nextSequence: () => parts.nextSequence(),
      onOpened: (name, file) => void parts.segments.add(name, file),
      onSealed: (number, bytes) => this.#sealed(number, bytes),
      onFailed: (cause) => void parts.fail(cause),
    };
    const small = new Lane({
      ...{ ...common, layout: 'packed', segmentBytes: config.smallSegmentBytes, aheadBytes: config.aheadBytes },
    });
    const bulk = new Lane({ ...common, layout: 'blocks', segmentBytes: config.bulkSegmentBytes, aheadBytes: 0 });
    await Promise.all([small.open(), bulk.open()]);
    parts.lanes = { small, bulk };
  }

  #sealed(number: number, bytes: number): void {
    const segment = this.#parts.segments.get(number);
    if (segment === undefined) return;
    segment.isSealed = true;
    segment.totalBytes = bytes;
    this.#compaction.start();
  }

  /** Asks the disk how much room it has, when the last answer is old. */
  #refresh(): Promise<void> {
    if (performance.now() - this.#free.at > freeBytesAgeMsMax) this.#measuring ??= this.#measure();
    return this.#measuring ?? Promise.resolve();
  }

  async #measure(): Promise<void> {
    const { folder, config } = this.#parts;
    const found = await statfs(folder).catch(() => undefined);
    const bytes = found === undefined ? 0 : found.bavail * found.bsize - config.reserveBytes;
    this.#free = { bytes: Math.max(0, bytes), at: performance.now() };
    this.#measuring = undefined;
  }
}
