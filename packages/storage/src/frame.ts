import { crc32 } from './crc32.ts';

/** What a frame says. Numbers are forever. */
export const frameTypes = {
  /** Opens a segment and repeats what must not get lost with older ones. */
  start: 1,
  entry: 2,
  hardState: 3,
  /** The log ends before the frame's index. */
  truncate: 4,
  /** The log is empty and goes on after the frame's index. */
  reset: 5,
  /** A commit index, as a hint. */
  mark: 6,
  /** Entries up to a point are not needed any more. */
  compact: 7,
  /** An entry in the place of one that is damaged. */
  repair: 8,
  /** The segment ends here; another one follows. */
  seal: 9,
  /** Damage that was found before is settled. */
  settle: 10,
} as const;

export const frameHeaderBytes = 40;
const magic = 0x4c67;

/** One frame's header; PROTOCOL.md has the layout. */
export interface FrameHeader {
  readonly type: number;
  /** Truncations, resets and repairs so far, modulo 256: tells whether one was lost in a damaged place. */
  readonly epoch: number;
  /** Of the payload, with padding. */
  readonly paddedBytes: number;
  readonly lengthBytes: number;
  /** The entry's index, or the last index after this frame; of a truncation, the first index that goes. */
  readonly index: number;
  readonly term: number;
  /** The header checksum of the frame before. */
  readonly previous: number;
  /** Where the batch begins that this frame was written with: all before it was durable then. */
  readonly batchStart: number;
  readonly payloadCrc: number;
  readonly crc: number;
}

export interface FrameFields {
  readonly type: number;
  readonly epoch: number;
  readonly index: number;
  readonly term: number;
  readonly previous: number;
  readonly batchStart: number;
  readonly payload: Uint8Array;
}

/** Frames start at multiples of 8. */
export function padded(lengthBytes: number): number {
  return (lengthBytes + 7) & ~7;
}

/** Bytes of a frame on the disk. */
export function frameBytes(payloadBytes: number): number {
  return frameHeaderBytes + padded(payloadBytes);
}

/** Writes a frame at `at`, and gives its header checksum. `seed` is the segment's id, so that no recycled frame fits. */
export function writeFrame(view: DataView, bytes: Uint8Array, at: number, seed: number, fields: FrameFields): number {
  const { payload } = fields;
  const body = at + frameHeaderBytes;
  const end = body + padded(payload.length);
  bytes.set(payload, body);
  for (let pad = body + payload.length; pad < end; pad++) bytes[pad] = 0;
  view.setUint32(at, payload.length, true);
  view.setUint8(at + 4, fields.type);
  view.setUint8(at + 5, fields.epoch);
  view.setUint16(at + 6, magic, true);
  setUint53(view, at + 8, fields.index);
  setUint53(view, at + 16, fields.term);
  view.setUint32(at + 24, fields.previous, true);
  view.setUint32(at + 28, fields.batchStart, true);
  view.setUint32(at + 32, crc32(bytes, body, end), true);
  const crc = crc32(bytes, at, at + 36, seed);
  view.setUint32(at + 36, crc, true);
  return crc;
}

/** The header at `at`, or undefined when there is none that is whole and of this segment. */
export function readHeader(view: DataView, bytes: Uint8Array, at: number, seed: number): FrameHeader | undefined {
  if (at + frameHeaderBytes > bytes.length || view.getUint16(at + 6, true) !== magic) return undefined;
  const crc = view.getUint32(at + 36, true);
  if (crc !== crc32(bytes, at, at + 36, seed)) return undefined;
  const lengthBytes = view.getUint32(at, true);
  return {
    type: view.getUint8(at + 4),
    epoch: view.getUint8(at + 5),
    lengthBytes,
    paddedBytes: padded(lengthBytes),
    index: getUint53(view, at + 8),
    term: getUint53(view, at + 16),
    previous: view.getUint32(at + 24, true),
    batchStart: view.getUint32(at + 28, true),
    payloadCrc: view.getUint32(at + 32, true),
    crc,
  };
}

/** Whether the payload behind a header is as it was written. All of it must lie within `bytes`. */
export function isPayloadWhole(bytes: Uint8Array, at: number, header: FrameHeader): boolean {
  const body = at + frameHeaderBytes;
  return crc32(bytes, body, body + header.paddedBytes) === header.payloadCrc;
}

/** Whether a header's worth of zeros is at `at`: what follows the last frame. */
export function isTerminator(bytes: Uint8Array, at: number): boolean {
  if (at + frameHeaderBytes > bytes.length) return false;
  for (let index = at; index < at + frameHeaderBytes; index++) if (bytes[index] !== 0) return false;
  return true;
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

export function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + (view.getUint32(at + 4, true) & 0x1f_ffff) * 0x1_0000_0000;
}
