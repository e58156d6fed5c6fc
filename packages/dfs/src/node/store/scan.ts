// What a start finds in the segments.
import { crc32 } from 'node:zlib';
import type { DataFile } from './data-file.ts';
import { frameBytes } from './config.ts';
import { frameCrc, frameLength } from './frame-crc.ts';
import {
  decodeHeader,
  decodeSeal,
  decodeTrailer,
  payloadOffset,
  recordBytes,
  recordHeaderBytes,
  recordKinds,
  sealTrailerBytes,
  tableEntriesMax,
  type FoundHeader,
  type SealEntry,
} from './record.ts';

const headerBytesMax = recordHeaderBytes + 4 * tableEntriesMax;
const windowBytes = 4 * frameBytes;

export interface ScannedSegment {
  readonly entries: readonly SealEntry[];
  /** Where the last record ends. */
  readonly end: number;
  readonly isSealed: boolean;
  /** Places that hold neither a record nor zeros, before a record that came later. */
  readonly damagedCount: number;
}

/** Called for a segment of a format that came later; it throws. */
export type Newer = (version: number) => void;

/** What a segment holds: from its seal if it has one, else by reading all of it. */
export async function scanSegment(file: DataFile, salt: number, newer: Newer): Promise<ScannedSegment> {
  const size = await file.size();
  return (await fromSeal({ file, size, salt, newer })) ?? fromRecords({ file, size, salt, newer });
}

interface Scan {
  readonly file: DataFile;
  readonly size: number;
  readonly salt: number;
  readonly newer: Newer;
}

async function fromSeal({ file, size, salt, newer }: Scan): Promise<ScannedSegment | undefined> {
  if (size < sealTrailerBytes + recordHeaderBytes) return undefined;
  const trailer = Buffer.alloc(sealTrailerBytes);
  await file.read(trailer, size - sealTrailerBytes);
  const offset = decodeTrailer(trailer);
  if (offset === undefined || offset >= size) return undefined;
  const bytes = Buffer.alloc(size - offset);
  if ((await file.read(bytes, offset)) < bytes.length) return undefined;
  const header = decodeHeader(bytes.subarray(0, headerBytesMax), salt, newer);
  if (header?.kind !== recordKinds.seal || header.payloadBytes > bytes.length) return undefined;
  const from = payloadOffset(header.layout, header.table.length);
  const index = bytes.subarray(from, from + header.payloadBytes);
  if (crc32(index) !== header.table[0]) return undefined;
  return { entries: decodeSeal(index), end: offset, isSealed: true, damagedCount: 0 };
}

/**
 * Reads record after record. A blob whose content does not fit its CRCs is torn when nothing whole follows, and was never
 * acknowledged: it is left out. Otherwise it is rotten, and stays, so that whoever reads it is told.
 */
async function fromRecords({ file, size, salt, newer }: Scan): Promise<ScannedSegment> {
  const window = new Window(file, size);
  const entries: SealEntry[] = [];
  let doubtful: SealEntry[] = [];
  let damagedCount = 0;
  let gap = false;
  let end = 0;
  let at = 0;
  while (at + recordHeaderBytes <= size) {
    const header = decodeHeader(await window.bytes(at, headerBytesMax), salt, newer);
    const bytes = header === undefined ? 0 : recordBytes(header.layout, header.table.length, header.payloadBytes);
    if (header === undefined || at + bytes > size + 7) {
      const next = await window.nextCandidate(at + 8);
      if (next === undefined) break;
      gap = true;
      at = next;
      continue;
    }
    const entry = entryOf(header, at, bytes);
    const isWhole = await window.isWhole(header, at);
    if (isWhole) {
      damagedCount += doubtful.length + (gap ? 1 : 0);
      entries.push(...doubtful, entry);
      doubtful = [];
      gap = false;
      end = at + bytes;
    } else doubtful.push(entry);
    at += bytes;
  }
  return { entries: entries.filter(({ kind }) => kind !== recordKinds.seal), end, isSealed: false, damagedCount };
}

function entryOf(header: FoundHeader, offset: number, size: number): SealEntry {
  const { kind, blob, sequence, epoch, bytes, of } = header;
  return { kind, blob, sequence, epoch, offset, bytes, of, recordBytes: size };
}

/** A file read in large pieces, from the start to the end. */
class Window {
  readonly #file: DataFile;
  readonly #size: number;
  readonly #buffer: Buffer;
  #from = 0;
  #length = 0;

  constructor(file: DataFile, size: number) {
    this.#file = file;
    this.#size = size;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(windowBytes, Math.max(size, 1)));
  }

  /** Fewer than asked only at the end of the file. Valid until the next call. */
  async bytes(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#size - offset));
    if (offset < this.#from || offset + wanted > this.#from + this.#length) {
      this.#from = offset;
      this.#length = await this.#file.read(this.#buffer, offset);
    }
    const from = offset - this.#from;
    return this.#buffer.subarray(from, Math.min(from + wanted, this.#length));
  }

  async isWhole({ kind, layout, blob, payloadBytes, table }: FoundHeader, at: number): Promise<boolean> {
    if (kind === recordKinds.large || kind === recordKinds.removed) return true;
    let offset = at + payloadOffset(layout, table.length);
    if (kind === recordKinds.seal) {
      // Larger than the window, perhaps: it says nothing that the records do not.
      return offset + payloadBytes <= this.#size;
    }
    for (const [index, expected] of table.entries()) {
      const length = frameLength(payloadBytes, index);
      const bytes = await this.bytes(offset, length);
      if (bytes.length < length || frameCrc(blob, index, [bytes]) !== expected) return false;
      offset += length;
    }
    return true;
  }

  /** The next place, in steps of 8, that is not zero; the first four bytes decide whether it may be a record. */
  async nextCandidate(from: number): Promise<number | undefined> {
    for (let at = from; at + recordHeaderBytes <= this.#size;) {
      const bytes = await this.bytes(at, windowBytes);
      if (bytes.length < recordHeaderBytes) return undefined;
      const found = bytes.indexOf('GDR1', 0, 'latin1');
      if (found >= 0 && found % 8 === 0) return at + found;
      at += found < 0 ? Math.max(8, Math.floor((bytes.length - 8) / 8) * 8) : Math.ceil((found + 1) / 8) * 8;
    }
    return undefined;
  }
}
