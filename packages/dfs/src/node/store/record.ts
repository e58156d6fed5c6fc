// What a segment holds: records of a header, CRCs of frames, content and padding; all numbers little-endian.
import { crc32 } from 'node:zlib';
import { blockBytes } from './frame-buffers.ts';

export const formatVersion = 1;
export const recordHeaderBytes = 112;
/** A blob in a segment has at most 8 frames. */
export const tableEntriesMax = 8;
const magic = 0x3152_4447; // "GDR1"

/** What a record says: `blob` holds content, `large` names a file of its own, `removed` ends either, `seal` ends a segment. */
export const recordKinds = { blob: 1, large: 2, removed: 3, seal: 4 } as const;
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds];

/**
 * How a record lies in its segment. `packed`: content right behind the table, the next record at a multiple of 8.
 * `blocks`: content and next record each at the start of a block, so that it can be written past the system's cache.
 */
export type RecordLayout = 'packed' | 'blocks';
const layouts: readonly RecordLayout[] = ['packed', 'blocks'];

export interface RecordHeader {
  readonly kind: RecordKind;
  /** Greater for whatever was said later, in all segments together. */
  readonly sequence: number;
  /** The epoch of the order by which the blob was stored; of the removal for `removed`. */
  readonly epoch: number;
  readonly blob: string;
  /** Of the blob. */
  readonly bytes: number;
  /** `large`: the number of its file. `removed`: the segment in which the blob was. */
  readonly of: number;
  readonly sha256: string;
  /** Content that follows the table in this segment. */
  readonly payloadBytes: number;
  /** CRCs of the frames in this segment; of the file's own table for `large`, of the index for `seal`. */
  readonly table: readonly number[];
}

/** Bytes of a record in its segment. */
export function recordBytes(layout: RecordLayout, tableEntries: number, payloadBytes: number): number {
  return align(payloadOffset(layout, tableEntries) + payloadBytes, layout === 'packed' ? 8 : blockBytes);
}

/** Where the content of a record begins, from its start on. */
export function payloadOffset(layout: RecordLayout, tableEntries: number): number {
  return align(recordHeaderBytes + 4 * tableEntries, layout === 'packed' ? 1 : blockBytes);
}

export function align(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}

/**
 * Header and table; the content follows. `salt` is the segment's own and known to nobody outside, so that no content can
 * be made that looks like a record where one was lost.
 */
export function encodeHeader(header: RecordHeader, layout: RecordLayout, salt: number): Buffer {
  const { table } = header;
  const bytes = Buffer.allocUnsafe(recordHeaderBytes + 4 * table.length).fill(0, 0, recordHeaderBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes[8] = formatVersion;
  bytes[9] = header.kind;
  bytes.writeUInt16LE(table.length, 10);
  bytes[12] = layouts.indexOf(layout);
  bytes.writeBigUInt64LE(BigInt(header.sequence), 16);
  bytes.writeBigUInt64LE(BigInt(header.epoch), 24);
  bytes.write(header.blob, 32, 16, 'hex');
  bytes.writeBigUInt64LE(BigInt(header.bytes), 48);
  bytes.writeBigUInt64LE(BigInt(header.of), 56);
  bytes.write(header.sha256, 64, 32, 'hex');
  bytes.writeBigUInt64LE(BigInt(header.payloadBytes), 96);
  for (const [index, crc] of table.entries()) bytes.writeUInt32LE(crc, recordHeaderBytes + 4 * index);
  bytes.writeUInt32LE(crc32(bytes.subarray(8), salt), 4);
  return bytes;
}

/** A header as it was read. */
export interface FoundHeader extends RecordHeader {
  readonly layout: RecordLayout;
}

/** The header at the start of `bytes`; undefined for anything else. `newer` is told of a format that came later. */
export function decodeHeader(
  bytes: Buffer,
  salt: number,
  newer: (version: number) => void = () => {},
): FoundHeader | undefined {
  if (bytes.length < recordHeaderBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  const entries = bytes.readUInt16LE(10);
  const end = recordHeaderBytes + 4 * entries;
  if (entries > tableEntriesMax || bytes.length < end) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8, end), salt)) return undefined;
  const version = bytes[8] as number;
  if (version > formatVersion) {
    newer(version);
    return undefined;
  }
  const kind = bytes[9] as RecordKind;
  const layout = layouts[bytes[12] as number];
  if (kind < 1 || kind > 4 || layout === undefined) return undefined;
  const table: number[] = [];
  for (let at = recordHeaderBytes; at < end; at += 4) table.push(bytes.readUInt32LE(at));
  return {
    kind,
    layout,
    sequence: Number(bytes.readBigUInt64LE(16)),
    epoch: Number(bytes.readBigUInt64LE(24)),
    blob: bytes.toString('hex', 32, 48),
    bytes: Number(bytes.readBigUInt64LE(48)),
    of: Number(bytes.readBigUInt64LE(56)),
    sha256: bytes.toString('hex', 64, 96),
    payloadBytes: Number(bytes.readBigUInt64LE(96)),
    table,
  };
}

/** One line of a seal: what a segment holds, so that a start need not read all of it. */
export interface SealEntry {
  readonly kind: RecordKind;
  readonly blob: string;
  readonly sequence: number;
  readonly epoch: number;
  readonly offset: number;
  readonly bytes: number;
  readonly of: number;
  /** Of the record in this segment. */
  readonly recordBytes: number;
}

const sealEntryBytes = 64;
export const sealTrailerBytes = 16;
const trailerMagic = 0x4c53_4447; // "GDSL"

export function encodeSeal(entries: readonly SealEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * sealEntryBytes);
  for (const [index, entry] of entries.entries()) {
    const at = index * sealEntryBytes;
    bytes.writeUInt32LE(entry.kind, at);
    bytes.write(entry.blob, at + 4, 16, 'hex');
    for (const [field, value] of [entry.sequence, entry.epoch, entry.offset, entry.bytes, entry.of].entries())
      bytes.writeBigUInt64LE(BigInt(value), at + 20 + 8 * field);
    bytes.writeUInt32LE(entry.recordBytes, at + 60);
  }
  return bytes;
}

export function decodeSeal(bytes: Buffer): readonly SealEntry[] {
  const entries: SealEntry[] = [];
  for (let at = 0; at + sealEntryBytes <= bytes.length; at += sealEntryBytes) {
    const number = (field: number): number => Number(bytes.readBigUInt64LE(at + 20 + 8 * field));
    const kind = bytes.readUInt32LE(at) as RecordKind;
    entries.push({
      kind,
      blob: bytes.toString('hex', at + 4, at + 20),
      sequence: number(0),
      epoch: number(1),
      offset: number(2),
      bytes: number(3),
      of: number(4),
      recordBytes: bytes.readUInt32LE(at + 60),
    });
  }
  return entries;
}

/** The last bytes of a sealed segment: where its seal is. */
export function encodeTrailer(sealOffset: number): Buffer {
  const bytes = Buffer.alloc(sealTrailerBytes);
  bytes.writeUInt32LE(trailerMagic, 0);
  bytes.writeBigUInt64LE(BigInt(sealOffset), 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

export function decodeTrailer(bytes: Buffer): number | undefined {
  if (bytes.length !== sealTrailerBytes || bytes.readUInt32LE(0) !== trailerMagic) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) return undefined;
  return Number(bytes.readBigUInt64LE(8));
}
