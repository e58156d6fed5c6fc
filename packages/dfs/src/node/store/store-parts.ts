import type { Logger } from '@grp/core';
import { dfsError } from '../../errors.ts';
import type { BlobIndex } from './blob-index.ts';
import type { StoreConfig } from './config.ts';
import { isFull, isTransient, storeError } from './errors.ts';
import type { Lane } from './lane.ts';
import type { Segments } from './segments.ts';

/** What the parts of one store share. */
export class StoreParts {
  readonly folder: string;
  readonly config: StoreConfig;
  readonly index: BlobIndex;
  readonly segments: Segments;
  readonly logger: Logger;
  /** Replaced when the store is wiped. */
  lanes: { small: Lane; bulk: Lane } | undefined;
  /** Counts wipes: what began before one does not end after it. */
  generation = 0;
  sequence = 0;
  number = 0;
  failure: Error | undefined;
  onFailed: (error: Error) => void = () => {};

  constructor(init: Pick<StoreParts, 'folder' | 'config' | 'index' | 'segments' | 'logger'>) {
    this.folder = init.folder;
    this.config = init.config;
    this.index = init.index;
    this.segments = init.segments;
    this.logger = init.logger;
  }

  nextSequence(): number {
    return ++this.sequence;
  }

  nextNumber(): number {
    return ++this.number;
  }

  /** @throws GrpError DFS_STORE_FAILED, DFS_STORE_CLOSED */
  openLanes(): { readonly small: Lane; readonly bulk: Lane } {
    if (this.failure !== undefined) throw this.failure;
    if (this.lanes === undefined) throw storeError('DFS_STORE_CLOSED', { context: { folder: this.folder } });
    return this.lanes;
  }

  /** What a caller is told; anything but a full disk is the end of the store. */
  told(cause: unknown): Error {
    if (this.failure !== undefined) return this.failure;
    if (isFull(cause)) return dfsError('DFS_DISK_FULL', { context: { folder: this.folder }, cause });
    if (isTransient(cause)) return dfsError('DFS_BUSY', { cause });
    return this.fail(cause);
  }

  /** The disk has failed: nothing is acknowledged, and nothing written, from now on. */
  fail(cause: unknown): Error {
    if (this.failure !== undefined) return this.failure;
    const { message } = cause as { readonly message?: string };
    const context = { folder: this.folder, problem: message ?? String(cause) };
    const error = storeError('DFS_STORE_FAILED', { context, cause });
    this.failure = error;
    this.lanes?.small.fail(error);
    this.lanes?.bulk.fail(error);
    this.logger.log('error', 'dfs.store-failed', context);
    this.onFailed(error);
    return error;
  }

  /** A record was appended: it counts as live, and what it replaces does not any more. */
  account(
    segment: number,
    change: { readonly total?: number; readonly live?: number; readonly removal?: number },
  ): void {
    const known = this.segments.get(segment);
    if (known === undefined) return;
    known.totalBytes += change.total ?? 0;
    known.liveBytes += change.live ?? 0;
    known.removalBytes += change.removal ?? 0;
  }
}
