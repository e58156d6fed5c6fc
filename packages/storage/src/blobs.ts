import type { Disk } from '@grp/core';
import { ContainerReader, ContainerWriter } from './container.ts';
import { storageError } from './errors.ts';

/** Where blobs are kept. */
export interface OpenBlobsOptions {
  readonly disk: Disk;
  /** Below the disk's root (default `blobs`). */
  readonly folder?: string;
  /** Locks the disk (default true). False when the caller holds the lock, as an open log does. */
  readonly exclusive?: boolean;
}

/** A blob being written. Calls one after another. */
export interface BlobWriter {
  readonly sizeBytes: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when it is durable under its name, in the place of what had that name. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Reads one blob, piece by piece. */
export interface BlobReader {
  readonly sizeBytes: number;
  readonly metadata: Uint8Array;
  /** From `offset` on: at least one byte before the end, at most `bytesMax`. @throws GrpError STORAGE_DAMAGED */
  read(offset: number, bytesMax: number): Promise<Uint8Array>;
  /** Reads all of it. @throws GrpError STORAGE_DAMAGED */
  verify(): Promise<void>;
}

/** Named bytes of any size, each there as a whole or not at all, with checksums. */
export interface Blobs {
  /** @throws GrpError STORAGE_NAME_INVALID, STORAGE_TOO_LONG for more than 64 KiB of metadata */
  create(name: string, metadata?: Uint8Array): BlobWriter;
  /** @throws GrpError STORAGE_NOT_FOUND, STORAGE_DAMAGED, STORAGE_NAME_INVALID */
  open(name: string): Promise<BlobReader>;
  /** Resolves when it is gone for good. No error when there is none. @throws GrpError STORAGE_NAME_INVALID */
  remove(name: string): Promise<void>;
  /** Names, sorted by code unit. */
  list(prefix?: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const suffix = '.blob';

/** Opens a store of blobs, and removes what was not committed. @throws GrpError DISK_LOCKED, DISK_IO */
export async function openBlobs({ disk, folder = 'blobs', exclusive = true }: OpenBlobsOptions): Promise<Blobs> {
  const unlock = exclusive ? await disk.lock() : async (): Promise<void> => {};
  let draftCount = 0;
  const fileOf = (name: string): string => {
    if (!/^[\w-][\w.-]{0,199}$/.test(name)) throw storageError('STORAGE_NAME_INVALID', { context: { name } });
    return `${folder}/${name}${suffix}`;
  };
  for (const file of await disk.list(`${folder}/`)) if (file.endsWith('.tmp')) await disk.remove(file);
  return {
    create(name, metadata = new Uint8Array(0)) {
      const file = fileOf(name);
      const draft = `${file}.${++draftCount}.tmp`;
      const writer = new ContainerWriter(disk, { file, draft }, { index: 0, term: 0, metadata });
      return {
        get sizeBytes() {
          return writer.sizeBytes;
        },
        write: (bytes) => writer.write(bytes),
        commit: () => writer.commit(folder),
        abort: () => writer.abort(),
      };
    },
    async open(name) {
      const file = fileOf(name);
      if (!(await disk.list(file)).includes(file))
        throw storageError('STORAGE_NOT_FOUND', { context: { what: `blob ${name}` } });
      const reader = await ContainerReader.open(disk, file);
      const { metadata } = reader.label;
      return {
        sizeBytes: reader.sizeBytes,
        metadata,
        read: (offset, bytesMax) => reader.read(offset, bytesMax),
        verify: () => reader.verify(),
      };
    },
    async remove(name) {
      const file = fileOf(name);
      if (!(await disk.list(file)).includes(file)) return;
      await disk.remove(file);
      await disk.syncDirectory(folder);
    },
    async list(prefix = '') {
      const files = await disk.list(`${folder}/${prefix}`);
      return files.filter((file) => file.endsWith(suffix)).map((file) => file.slice(folder.length + 1, -suffix.length));
    },
    close: unlock,
  };
}
