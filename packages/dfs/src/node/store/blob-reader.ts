import { GrpError } from '@grp/core';
import { dfsError } from '../../errors.ts';
import type { Located } from './blob-index.ts';
import { frameBytes } from './config.ts';
import { DataFile } from './data-file.ts';
import { isTransient, storeError } from './errors.ts';
import { frameCount, frameCrc, frameLength } from './frame-crc.ts';
import { largePath, readTable } from './large-file.ts';
import { decodeHeader, payloadOffset, recordHeaderBytes, tableEntriesMax, type FoundHeader } from './record.ts';
import type { StoreParts } from './store-parts.ts';

/** A frame as it is on the disk: whoever reads it last compares content and CRC. */
export interface StoredFrame {
  readonly crc: number;
  readonly bytes: Buffer;
}

/** Read along with the header: blobs that are not longer need one read. */
const firstReadBytesMax = 65_536;

/** One blob for reading. It stays readable until `close`, also when it is removed meanwhile. */
export class BlobReader {
  readonly blob: string;
  readonly bytes: number;
  readonly epoch: number;
  readonly sha256: string;
  readonly #crcs: ArrayLike<number>;
  readonly #file: DataFile;
  readonly #from: number;
  readonly #first: Buffer | undefined;
  #isClosed = false;

  constructor(header: FoundHeader, content: Content) {
    this.blob = header.blob;
    this.bytes = header.bytes;
    this.epoch = header.epoch;
    this.sha256 = header.sha256;
    this.#crcs = content.crcs;
    this.#file = content.file;
    this.#from = content.from;
    this.#first = content.first;
  }

  /** @throws GrpError DFS_BLOB_NOT_FOUND, DFS_BLOB_DAMAGED when its header or its CRCs are unreadable */
  static async open(parts: StoreParts, blob: string, located: Located): Promise<BlobReader> {
    const damaged = (cause?: unknown): GrpError =>
      storeError('DFS_BLOB_DAMAGED', { context: { blob, frame: -1 }, cause });
    let segment: DataFile | undefined;
    try {
      segment = await parts.segments.retain(located.segment);
      const head = await readHead(parts, segment, located);
      if (head?.header.blob !== blob || head.header.sequence !== located.sequence) throw damaged();
      const { header, first } = head;
      if (located.file === undefined) {
        const from = located.offset + payloadOffset(header.layout, header.table.length);
        return new BlobReader(header, { crcs: header.table, file: segment, from, first });
      }
      segment.release();
      segment = undefined;
      return await openLarge(parts, header, located.file);
    } catch (cause) {
      segment?.release();
      if (isTransient(cause)) throw dfsError('DFS_BUSY', { cause });
      throw cause instanceof GrpError ? cause : damaged(cause);
    }
  }

  get frameCount(): number {
    return frameCount(this.bytes);
  }

  /**
   * A frame and the CRC that it should have; nothing is compared here. `into` is filled if it is long enough.
   * @throws GrpError DFS_BLOB_DAMAGED when the disk does not give it
   */
  async stored(index: number, into?: Buffer): Promise<StoredFrame> {
    const length = frameLength(this.bytes, index);
    const crc = this.#crcs[index];
    if (crc === undefined) throw this.#damaged(index);
    if (this.#first !== undefined) return { crc, bytes: this.#first };
    const bytes = (into !== undefined && into.length >= length ? into : Buffer.allocUnsafe(length)).subarray(0, length);
    let got = 0;
    try {
      got = await this.#file.read(bytes, this.#from + index * frameBytes);
    } catch (cause) {
      if (isTransient(cause)) throw dfsError('DFS_BUSY', { cause });
      throw this.#damaged(index, cause);
    }
    if (got < length) throw this.#damaged(index);
    return { crc, bytes };
  }

  /** A frame whose CRC fits. @throws GrpError DFS_BLOB_DAMAGED */
  async verified(index: number, into?: Buffer): Promise<StoredFrame> {
    const frame = await this.stored(index, into);
    if (frameCrc(this.blob, index, [frame.bytes]) !== frame.crc) throw this.#damaged(index);
    return frame;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#file.release();
  }

  #damaged(frame: number, cause?: unknown): GrpError {
    return storeError('DFS_BLOB_DAMAGED', { context: { blob: this.blob, frame }, cause });
  }
}

interface Content {
  readonly crcs: ArrayLike<number>;
  readonly file: DataFile;
  readonly from: number;
  /** All of a short blob. */
  readonly first: Buffer | undefined;
}

interface Head {
  readonly header: FoundHeader;
  readonly first: Buffer | undefined;
}

/** The header of a blob's record, and the content with it if that is short. */
export async function readHead(parts: StoreParts, segment: DataFile, located: Located): Promise<Head | undefined> {
  const salt = parts.segments.get(located.segment)?.name.salt;
  if (salt === undefined) return undefined;
  const isShort = located.file === undefined && located.bytes <= firstReadBytesMax;
  const wanted = isShort ? located.recordBytes : recordHeaderBytes + 4 * tableEntriesMax;
  const bytes = Buffer.allocUnsafe(wanted);
  const got = await segment.read(bytes, located.offset);
  const header = decodeHeader(bytes.subarray(0, got), salt);
  if (header === undefined) return undefined;
  const from = payloadOffset(header.layout, header.table.length);
  const isAll = isShort && got >= from + header.payloadBytes && header.payloadBytes > 0;
  return { header, first: isAll ? bytes.subarray(from, from + header.payloadBytes) : undefined };
}

async function openLarge(parts: StoreParts, header: FoundHeader, number: number): Promise<BlobReader> {
  const file = await DataFile.open(largePath(parts.folder, number), 'existing');
  try {
    const crcs = await readTable(file, header.bytes, header.table[0] ?? 0);
    if (crcs === undefined)
      throw storeError('DFS_BLOB_DAMAGED', { context: { blob: header.blob, frame: frameCount(header.bytes) } });
    return new BlobReader(header, { crcs, file, from: 0, first: undefined });
  } catch (cause) {
    file.release();
    throw cause;
  }
}
