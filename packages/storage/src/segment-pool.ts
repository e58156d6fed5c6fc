import { GrpError, type Cancel, type Clock, type Disk, type Logger } from '@grp/core';
import type { LogConfig } from './config.ts';
import { encodeSegmentHeader, segmentName, spareName, type SegmentFile } from './segment.ts';

export interface SegmentPoolOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: LogConfig;
  /** Ids start above. */
  readonly idMax: number;
  /** A segment is ready, where there was none. */
  readonly onReady: () => void;
  /** `isFull` has changed. */
  readonly onFull: () => void;
  readonly onError: (cause: unknown) => void;
}

/** What is left of one dropped segment is enough: a second one would only hold room. */
const rawMax = 1;
const reserveCount = 2;

/**
 * Has the next segment ready before it is needed: allocated, filled with zeros, named and durable, so that going on in it
 * costs one write. Segments that are not needed any more come back and are used again.
 */
export class SegmentPool {
  readonly #options: SegmentPoolOptions;
  #idMax: number;
  #sizeBytes: number;
  #next: SegmentFile | undefined;
  readonly #raw: SegmentFile[] = [];
  /**
   * For the next starts of the program, which have to begin a segment even when the disk is full. Two are enough for any
   * number of them: a start gives back what the one before it has begun in vain.
   */
  readonly #reserve: SegmentFile[] = [];
  #making: Promise<void> | undefined;
  #isFull = false;
  #isClosed = false;
  #cancelRetry: Cancel = () => {};

  constructor(options: SegmentPoolOptions) {
    this.#options = options;
    this.#idMax = options.idMax;
    this.#sizeBytes = options.config.firstSegmentBytes;
  }

  /** The segment that is ready. */
  get next(): SegmentFile | undefined {
    return this.#next;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** The segment that is ready; another one is made in the background. */
  take(): SegmentFile | undefined {
    const taken = this.#next;
    this.#next = undefined;
    this.prepare();
    return taken;
  }

  /** The first segment of this process, of `bytesMin` at least. @throws what the disk throws */
  async makeFirst(bytesMin: number): Promise<SegmentFile> {
    const usable = [this.#raw, this.#reserve].find((spares) => (spares.at(-1)?.sizeBytes ?? 0) >= bytesMin);
    this.#sizeBytes = Math.max(this.#sizeBytes, bytesMin);
    return this.#make(usable?.pop());
  }

  async #make(raw: SegmentFile | undefined): Promise<SegmentFile> {
    const { disk, folder } = this.#options;
    const id = ++this.#idMax;
    const file = segmentName(folder, id);
    const sizeBytes = raw?.sizeBytes ?? this.#sizeBytes;
    if (raw === undefined) await this.#allocate(file, sizeBytes);
    else await disk.rename(raw.file, file);
    const made = { id, file, sizeBytes };
    await disk.write(file, 0, encodeSegmentHeader(made));
    await disk.sync(file);
    await disk.syncDirectory(folder);
    this.#sizeBytes = Math.min(this.#options.config.segmentBytes, Math.max(this.#sizeBytes, sizeBytes) * 4);
    return made;
  }

  /** Starts to make the next segment, unless it is there or under way. */
  prepare(): void {
    if (this.#isClosed || this.#making !== undefined) return;
    if (this.#next !== undefined && this.#reserve.length >= reserveCount) return;
    this.#cancelRetry();
    const isForNow = this.#next === undefined;
    this.#making = (isForNow ? this.#make(this.#raw.pop()) : this.#makeReserve()).then(
      (made) => {
        this.#making = undefined;
        if (isForNow) this.#next = made;
        else this.#reserve.push(made);
        this.#setFull(false);
        this.#options.onReady();
        this.prepare();
      },
      (cause: unknown) => {
        this.#making = undefined;
        this.#fail(cause);
      },
    );
  }

  /** Takes a file that nobody reads any more: for the next segment, or to remove it. */
  async recycle(file: SegmentFile): Promise<void> {
    const { disk, folder, config } = this.#options;
    const isReserve = this.#reserve.length < reserveCount && file.sizeBytes >= config.firstSegmentBytes;
    const isWanted = this.#isFull || (this.#raw.length < rawMax && file.sizeBytes >= this.#sizeBytes);
    if (isWanted || isReserve) {
      const spare = { ...file, file: spareName(folder, file.id) };
      await disk.rename(file.file, spare.file);
      // Entries first, when they wait for it.
      if (isReserve && !(this.#isFull && this.#next === undefined)) this.#reserve.push(spare);
      else this.#raw.push(spare);
    } else await disk.remove(file.file);
    await disk.syncDirectory(folder);
    if (this.#isFull) this.prepare();
  }

  /** Takes over files left by an earlier process. */
  async adopt(spares: readonly SegmentFile[]): Promise<void> {
    for (const spare of spares.toSorted((a, b) => b.sizeBytes - a.sizeBytes)) {
      const isUsable = spare.sizeBytes >= this.#options.config.firstSegmentBytes;
      if (isUsable && this.#reserve.length < reserveCount) this.#reserve.push(spare);
      else if (isUsable && this.#raw.length < rawMax) this.#raw.push(spare);
      else await this.#options.disk.remove(spare.file);
    }
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    await this.#making;
  }

  async #makeReserve(): Promise<SegmentFile> {
    const { disk, folder, config } = this.#options;
    const id = ++this.#idMax;
    const made = { id, file: spareName(folder, id), sizeBytes: config.firstSegmentBytes };
    await this.#allocate(made.file, made.sizeBytes);
    await disk.sync(made.file);
    await disk.syncDirectory(folder);
    return made;
  }

  async #allocate(file: string, sizeBytes: number): Promise<void> {
    const { disk } = this.#options;
    try {
      await disk.preallocate(file, sizeBytes);
    } catch (cause) {
      // What was allocated of it would only take the room that others need.
      await disk.remove(file).catch(() => {});
      throw cause;
    }
  }

  #fail(cause: unknown): void {
    const { clock, config, logger, folder, onError } = this.#options;
    if (this.#isClosed) return;
    if (!isFullError(cause)) return onError(cause);
    if (!this.#isFull) logger.log('warn', 'storage.full', { folder });
    this.#setFull(true);
    this.#cancelRetry = clock.wakeAt(clock.now() + config.fullRetryMs, () => this.prepare());
  }

  #setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.onFull();
  }
}

/** The disk has no room: nothing was lost, and it may have some later. */
export function isFullError(cause: unknown): boolean {
  return cause instanceof GrpError && cause.code === 'DISK_FULL';
}
