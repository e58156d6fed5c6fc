// A file that is there as a whole or not at all: chunks with checksums, written under another name, synced, renamed.
import type { Disk } from '@grp/core';
import { crc32 } from './crc32.ts';
import { storageError } from './errors.ts';
import { getUint53, setUint53, viewOf } from './frame.ts';
import { formatVersion } from './segment.ts';

export const containerMetadataBytesMax = 65_536;
/** Read, checked and sent at once. */
const chunkBytes = 262_144;
/** Synced now and then, so that the last sync is short and the log's own syncs do not wait behind it. */
const syncBytes = 8_388_608;
const magic = 0x4e4f_4347; // "GCON"
const footerMagic = 0x444e_4547; // "GEND"
const headerBytes = 48;
const footerBytes = 24;

export interface ContainerLabel {
  readonly index: number;
  readonly term: number;
  readonly metadata: Uint8Array;
}

/** Writes one file. Calls one after another. After an error, `abort`. */
export class ContainerWriter {
  readonly #disk: Disk;
  readonly #file: string;
  readonly #draft: string;
  readonly #label: ContainerLabel;
  readonly #chunk = new Uint8Array(chunkBytes + 4);
  #filled = 0;
  #chunkCount = 0;
  #sizeBytes = 0;
  #checksum = 0;
  #unsyncedBytes = 0;
  #isBegun = false;
  #isDone = false;

  /** @throws GrpError STORAGE_TOO_LONG for more than 64 KiB of metadata */
  constructor(disk: Disk, { file, draft }: { readonly file: string; readonly draft: string }, label: ContainerLabel) {
    const { length } = label.metadata;
    if (length > containerMetadataBytesMax)
      throw storageError('STORAGE_TOO_LONG', {
        context: { what: 'Metadata', bytes: length, bytesMax: containerMetadataBytesMax },
      });
    this.#disk = disk;
    this.#file = file;
    this.#draft = draft;
    this.#label = label;
  }

  /** Of the content so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#begin();
    this.#sizeBytes += bytes.length;
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + chunkBytes - this.#filled);
      this.#chunk.set(bytes.subarray(from, to), this.#filled);
      this.#filled += to - from;
      from = to;
      if (this.#filled === chunkBytes) await this.#flush();
    }
  }

  /** Resolves when the file is durable under its name. */
  async commit(folder: string): Promise<void> {
    await this.#begin();
    if (this.#filled > 0) await this.#flush();
    const footer = new Uint8Array(footerBytes);
    const view = viewOf(footer);
    view.setUint32(0, footerMagic, true);
    view.setUint32(4, this.#chunkCount, true);
    setUint53(view, 8, this.#sizeBytes);
    view.setUint32(16, this.#checksum, true);
    view.setUint32(20, crc32(footer, 0, 20), true);
    await this.#disk.append(this.#draft, footer);
    await this.#disk.sync(this.#draft);
    await this.#disk.rename(this.#draft, this.#file);
    this.#isDone = true;
    await this.#disk.syncDirectory(folder);
  }

  /** Forgets what was written. Idempotent; does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#isBegun) await this.#disk.remove(this.#draft).catch(() => {});
  }

  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { index, term, metadata } = this.#label;
    const bytes = new Uint8Array(headerBytes + metadata.length);
    const view = viewOf(bytes);
    view.setUint32(0, magic, true);
    view.setUint32(4, formatVersion, true);
    view.setUint32(8, chunkBytes, true);
    view.setUint32(12, metadata.length, true);
    setUint53(view, 16, index);
    setUint53(view, 24, term);
    view.setUint32(32, crc32(metadata, 0, metadata.length), true);
    view.setUint32(44, crc32(bytes, 0, 44), true);
    bytes.set(metadata, headerBytes);
    await this.#disk.append(this.#draft, bytes);
  }

  async #flush(): Promise<void> {
    const end = this.#filled;
    const crc = crc32(this.#chunk, 0, end, this.#chunkCount);
    viewOf(this.#chunk).setUint32(end, crc, true);
    this.#checksum = chain(this.#checksum, crc);
    this.#chunkCount++;
    this.#filled = 0;
    await this.#disk.append(this.#draft, this.#chunk.subarray(0, end + 4));
    this.#unsyncedBytes += end;
    if (this.#unsyncedBytes < syncBytes) return;
    this.#unsyncedBytes = 0;
    await this.#disk.sync(this.#draft);
  }
}

/** Reads one file, at any place, and checks each chunk that it touches. */
export class ContainerReader {
  readonly label: ContainerLabel;
  readonly sizeBytes: number;
  readonly #disk: Disk;
  readonly #file: string;
  readonly #from: number;
  readonly #chunkBytes: number;
  readonly #checksum: number;

  private constructor(disk: Disk, file: string, layout: Layout) {
    this.label = layout.label;
    this.sizeBytes = layout.sizeBytes;
    this.#disk = disk;
    this.#file = file;
    this.#from = layout.from;
    this.#chunkBytes = layout.chunkBytes;
    this.#checksum = layout.checksum;
  }

  /** @throws GrpError STORAGE_DAMAGED, STORAGE_NEWER, DISK_NOT_FOUND */
  static async open(disk: Disk, file: string): Promise<ContainerReader> {
    const size = await disk.size(file);
    const header = await disk.read(file, 0, headerBytes + containerMetadataBytesMax);
    const footer = await disk.read(file, Math.max(0, size - footerBytes), footerBytes);
    const layout = decodeLayout(file, { size, header, footer });
    if (layout === undefined) throw damaged('The frame of it', file);
    return new ContainerReader(disk, file, layout);
  }

  /** Content from `offset` on: up to `bytesMax` bytes, fewer at the end or of a chunk. @throws GrpError STORAGE_DAMAGED */
  async read(offset: number, bytesMax: number): Promise<Uint8Array> {
    if (offset >= this.sizeBytes || bytesMax <= 0) return new Uint8Array(0);
    const number = Math.floor(offset / this.#chunkBytes);
    const { bytes } = await this.#chunk(number);
    const from = offset - number * this.#chunkBytes;
    return bytes.subarray(from, Math.min(bytes.length, from + bytesMax));
  }

  /** Reads all of it. @throws GrpError STORAGE_DAMAGED */
  async verify(): Promise<void> {
    let checksum = 0;
    for (let number = 0; number * this.#chunkBytes < this.sizeBytes; number++)
      checksum = chain(checksum, (await this.#chunk(number)).crc);
    if (checksum !== this.#checksum) throw damaged('The order of its chunks', this.#file);
  }

  async #chunk(number: number): Promise<{ readonly bytes: Uint8Array; readonly crc: number }> {
    const length = Math.min(this.#chunkBytes, this.sizeBytes - number * this.#chunkBytes);
    const stored = await this.#disk.read(this.#file, this.#from + number * (this.#chunkBytes + 4), length + 4);
    const crc = stored.length === length + 4 ? crc32(stored, 0, length, number) : undefined;
    if (crc === undefined || crc !== viewOf(stored).getUint32(length, true))
      throw damaged(`Chunk ${number}`, this.#file);
    return { bytes: stored.subarray(0, length), crc };
  }
}

interface Layout {
  readonly label: ContainerLabel;
  readonly from: number;
  readonly chunkBytes: number;
  readonly sizeBytes: number;
  readonly checksum: number;
}

interface Ends {
  readonly size: number;
  readonly header: Uint8Array;
  readonly footer: Uint8Array;
}

function decodeLayout(file: string, { size, header, footer }: Ends): Layout | undefined {
  if (size < headerBytes + footerBytes) return undefined;
  const head = viewOf(header);
  if (head.getUint32(0, true) !== magic || head.getUint32(44, true) !== crc32(header, 0, 44)) return undefined;
  const version = head.getUint32(4, true);
  if (version > formatVersion)
    throw storageError('STORAGE_NEWER', { context: { file, version, known: formatVersion } });
  const from = headerBytes + head.getUint32(12, true);
  if (from > header.length) return undefined;
  const metadata = header.slice(headerBytes, from);
  if (head.getUint32(32, true) !== crc32(metadata, 0, metadata.length)) return undefined;
  const foot = viewOf(footer);
  if (foot.getUint32(0, true) !== footerMagic || foot.getUint32(20, true) !== crc32(footer, 0, 20)) return undefined;
  const chunkCount = foot.getUint32(4, true);
  const sizeBytes = getUint53(foot, 8);
  if (size !== from + sizeBytes + 4 * chunkCount + footerBytes) return undefined;
  return {
    label: { index: getUint53(head, 16), term: getUint53(head, 24), metadata },
    from,
    chunkBytes: head.getUint32(8, true),
    sizeBytes,
    checksum: foot.getUint32(16, true),
  };
}

function chain(checksum: number, crc: number): number {
  return (Math.imul(checksum, 31) + crc) >>> 0;
}

function damaged(what: string, file: string): Error {
  return storageError('STORAGE_DAMAGED', { context: { what, file } });
}
