// Blobs whose content follows from their id, so that any read can be judged.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameBytes } from '../../src/node/store/config.ts';
import { FrameBuffers } from '../../src/node/store/frame-buffers.ts';
import { frameCrc } from '../../src/node/store/frame-crc.ts';
import type { BlobStore } from '../../src/node/store/blob-store.ts';
import type { Frame } from '../../src/node/store/blob-writer.ts';

/** A folder to be, in one that exists for copies of it. */
export function tempFolder(): { readonly path: string; readonly above: string; readonly remove: () => void } {
  const above = mkdtempSync(join(tmpdir(), 'grp-dfs-test-'));
  return { path: join(above, 'data'), above, remove: () => rmSync(above, { recursive: true, force: true }) };
}

export function newBlobId(): string {
  return randomBytes(16).toString('hex');
}

export function contentOf(blob: string, bytes: number): Buffer {
  const block = createHash('sha512').update(blob).digest();
  const content = Buffer.alloc(bytes, block);
  for (let at = 0; at + 4 <= bytes; at += frameBytes) content.writeUInt32LE(at, at);
  return content;
}

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export function framesOf(blob: string, content: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < content.length; at += frameBytes) {
    const part = content.subarray(at, at + frameBytes);
    const parts = part.length > 10 ? [part.subarray(0, 7), part.subarray(7)] : [part];
    frames.push({ crc: frameCrc(blob, frames.length, parts), parts, bytes: part.length });
  }
  return frames;
}

export const buffers = new FrameBuffers();

/** A frame as it comes from a connection: in a buffer, which can be written past the system's cache. */
export function buffered(frame: Frame): Frame {
  const buffer = buffers.take();
  Buffer.concat(frame.parts).copy(buffer.content);
  const parts = [buffer.content.subarray(0, frame.bytes)];
  return { ...frame, parts, buffer, onFree: () => buffers.giveBack(buffer) };
}

export async function store(
  target: BlobStore,
  bytes: number,
  {
    blob = newBlobId(),
    epoch = 1,
    isBuffered = true,
  }: Partial<{ blob: string; epoch: number; isBuffered: boolean }> = {},
): Promise<string> {
  const content = contentOf(blob, bytes);
  const writer = target.create(blob, epoch, bytes);
  for (const frame of framesOf(blob, content)) await writer.write(isBuffered ? buffered(frame) : frame);
  await writer.finish(sha256Of(content));
  return blob;
}

export async function load(target: BlobStore, blob: string): Promise<Buffer> {
  const reader = await target.open(blob);
  try {
    const frames: Buffer[] = [];
    for (let index = 0; index < reader.frameCount; index++) frames.push((await reader.verified(index)).bytes);
    return Buffer.concat(frames);
  } finally {
    reader.close();
  }
}

/** Vitest compares long buffers byte by byte, slowly. */
export async function isIntact(target: BlobStore, blob: string, bytes: number): Promise<boolean> {
  return contentOf(blob, bytes).equals(await load(target, blob));
}
