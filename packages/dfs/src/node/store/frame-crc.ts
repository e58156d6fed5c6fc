import { crc32 } from 'node:zlib';
import { frameBytes } from './config.ts';

const seedInput = Buffer.alloc(20);

/**
 * What the CRC of a frame starts from: the blob and the frame's number in it, so that a frame in the place of another is
 * found as surely as a flipped bit.
 */
export function frameSeed(blob: string, index: number): number {
  seedInput.write(blob, 0, 16, 'hex');
  seedInput.writeUInt32LE(index, 16);
  return crc32(seedInput);
}

/** The CRC-32 of one frame of a blob (IEEE 802.3, as `zlib.crc32`), over its parts in order. */
export function frameCrc(blob: string, index: number, parts: readonly Uint8Array[]): number {
  let crc = frameSeed(blob, index);
  for (const part of parts) crc = crc32(part, crc);
  return crc;
}

/** How many frames a blob of so many bytes has: none when it is empty. */
export function frameCount(bytes: number): number {
  return Math.ceil(bytes / frameBytes);
}

/** The bytes of one frame of a blob. */
export function frameLength(bytes: number, index: number): number {
  return Math.max(0, Math.min(frameBytes, bytes - index * frameBytes));
}
