import { GrpError, invariant, type Disk, type Logger } from '@grp/core';
import { ContainerReader, ContainerWriter } from './container.ts';
import { storageError } from './errors.ts';
import type { SnapshotInfo } from './types.ts';

/** A snapshot being written. Calls one after another; bytes may come in any portions. */
export interface SnapshotWriter {
  /** Of the content so far: where an interrupted transfer goes on. */
  readonly sizeBytes: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when it is durable and the latest, or when a later one is already there. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** A snapshot being read. It stays readable until `close`, also when a later one has come. */
export interface SnapshotReader {
  readonly info: SnapshotInfo;
  /** Content from `offset` on: at least one byte before the end, at most `bytesMax`. @throws GrpError STORAGE_DAMAGED */
  read(offset: number, bytesMax: number): Promise<Uint8Array>;
  close(): void;
}

/** The snapshots of a log: the latest counts, and the one before stays until the latest is durable. */
export interface Snapshots {
  readonly latest: SnapshotInfo | undefined;
  /** @throws GrpError STORAGE_TOO_LONG for more than 64 KiB of metadata */
  create(label: { readonly index: number; readonly term: number; readonly metadata?: Uint8Array }): SnapshotWriter;
  /** The latest one. @throws GrpError STORAGE_NOT_FOUND, STORAGE_DAMAGED */
  open(): Promise<SnapshotReader>;
}

interface Held {
  readonly file: string;
  readonly info: SnapshotInfo;
  readerCount: number;
}

/** Keeps one log's snapshots in its folder. */
export class SnapshotStore implements Snapshots {
  readonly #disk: Disk;
  readonly #folder: string;
  #held: Held | undefined;
  /** The newest one that cannot be read; 0: none. */
  #lostIndex = 0;
  #damaged: string[] = [];
  #draftCount = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get latest(): SnapshotInfo | undefined {
    return this.#held?.info;
  }

  /** The index of a snapshot newer than the latest that is damaged. */
  get lostIndex(): number | undefined {
    return this.#lostIndex > (this.latest?.index ?? 0) ? this.#lostIndex : undefined;
  }

  /** Finds the newest snapshot that is whole, reading all of it. Changes nothing. */
  async load(files: readonly string[], logger: Logger): Promise<void> {
    const named = files
      .map((file) => ({ file, point: pointOf(this.#folder, file) }))
      .filter((candidate) => candidate.point !== undefined)
      .toSorted((a, b) => (a.file < b.file ? 1 : -1));
    for (const { file, point } of named) {
      const { index } = point as { index: number };
      try {
        const reader = await ContainerReader.open(this.#disk, file);
        if (reader.label.index !== index)
          throw storageError('STORAGE_DAMAGED', { context: { what: 'The label', file } });
        await reader.verify();
        this.#held ??= { file, info: { ...reader.label, sizeBytes: reader.sizeBytes }, readerCount: 0 };
        return;
      } catch (cause) {
        if (!(cause instanceof GrpError) || cause.code !== 'STORAGE_DAMAGED') throw cause;
        logger.log('error', 'storage.snapshot-damaged', { file });
        this.#damaged.push(file);
        this.#lostIndex = Math.max(this.#lostIndex, index);
      }
    }
  }

  /** Removes what an earlier process left: drafts, and snapshots before the latest. */
  async tidy(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const isOld = pointOf(this.#folder, file) !== undefined && file < (this.#held?.file ?? '');
      if (isDraft(this.#folder, file) || isOld) await this.#disk.remove(file);
    }
    this.#damaged = this.#damaged.filter((file) => file > (this.#held?.file ?? ''));
  }

  /** Damaged snapshots are not waited for any more. */
  async forgetDamaged(): Promise<void> {
    this.#lostIndex = 0;
    for (const file of this.#damaged.splice(0)) await this.#disk.remove(file);
  }

  create(label: { readonly index: number; readonly term: number; readonly metadata?: Uint8Array }): SnapshotWriter {
    const { index, term, metadata = new Uint8Array(0) } = label;
    invariant(index > 0, 'a snapshot stands for at least one entry');
    const file = nameOf(this.#folder, index, term);
    const draft = `${file}.${++this.#draftCount}.tmp`;
    const writer = new ContainerWriter(this.#disk, { file, draft }, { index, term, metadata });
    return {
      get sizeBytes() {
        return writer.sizeBytes;
      },
      write: (bytes) => writer.write(bytes),
      abort: () => writer.abort(),
      commit: async () => {
        if (index <= (this.latest?.index ?? 0)) return writer.abort();
        await writer.commit(this.#folder);
        await this.#replace({ file, info: { index, term, metadata, sizeBytes: writer.sizeBytes }, readerCount: 0 });
      },
    };
  }

  async open(): Promise<SnapshotReader> {
    const held = this.#held;
    if (held === undefined) throw storageError('STORAGE_NOT_FOUND', { context: { what: 'snapshot' } });
    held.readerCount++;
    const close = (): void => {
      held.readerCount--;
      if (held.readerCount === 0 && held !== this.#held) this.#disk.remove(held.file).catch(() => {});
    };
    try {
      const reader = await ContainerReader.open(this.#disk, held.file);
      let isOpen = true;
      return {
        info: held.info,
        read: (offset, bytesMax) => reader.read(offset, bytesMax),
        close() {
          if (isOpen) close();
          isOpen = false;
        },
      };
    } catch (cause) {
      close();
      throw cause;
    }
  }

  async #replace(next: Held): Promise<void> {
    const before = this.#held;
    // Two were written at once, and the later one was faster.
    if (before !== undefined && before.info.index >= next.info.index) return this.#disk.remove(next.file);
    this.#held = next;
    if (before !== undefined && before.readerCount === 0) await this.#disk.remove(before.file);
    const passed = this.#damaged.filter((file) => file < next.file);
    this.#damaged = this.#damaged.filter((file) => file > next.file);
    for (const file of passed) await this.#disk.remove(file);
  }
}

function nameOf(folder: string, index: number, term: number): string {
  return `${folder}/${String(index).padStart(16, '0')}-${term}.snapshot`;
}

function pointOf(folder: string, file: string): { readonly index: number } | undefined {
  const match = /^(\d{16})-\d+\.snapshot$/.exec(file.slice(folder.length + 1));
  return match === null ? undefined : { index: Number(match[1]) };
}

function isDraft(folder: string, file: string): boolean {
  return /^\d{16}-\d+\.snapshot\.\d+\.tmp$/.test(file.slice(folder.length + 1));
}
