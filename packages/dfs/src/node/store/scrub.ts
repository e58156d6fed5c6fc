import { createHash } from 'node:crypto';
import { GrpError } from '@grp/core';
import type { BlobReader } from './blob-reader.ts';
import type { BlobStore } from './blob-store.ts';
import { frameBytes } from './config.ts';
import { storeError } from './errors.ts';

/** Reads all of a blob, compares each frame with its CRC, and gives the SHA-256. @throws GrpError DFS_BLOB_DAMAGED */
export async function deepDigest(
  reader: BlobReader,
  pace: (bytes: number) => Promise<void> = async () => {},
): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(Math.min(frameBytes, Math.max(1, reader.bytes)));
  for (let index = 0; index < reader.frameCount; index++) {
    const { bytes } = await reader.verified(index, buffer);
    hash.update(bytes);
    await pace(bytes.length);
  }
  return hash.digest('hex');
}

/** How fast the blobs of a store are read again, and who hears of damage. */
export interface ScrubOptions {
  /** Read per second; scrubbing must not be felt by clients (default 20 MiB). */
  readonly bytesPerSecond?: number;
  /** The blob is not what was stored. */
  readonly onDamaged: (blob: string) => void;
  readonly signal?: AbortSignal;
}

/** What one pass over a store has read and found. */
export interface ScrubReport {
  readonly blobs: number;
  readonly bytes: number;
  readonly damaged: number;
}

const bytesPerSecondDefault = 20_971_520;
const pageBlobs = 1_000;

/** Reads every blob of a store once, slowly, and compares it with its CRCs and its SHA-256. Resolves early when aborted. */
export async function scrub(store: BlobStore, options: ScrubOptions): Promise<ScrubReport> {
  const { bytesPerSecond = bytesPerSecondDefault, onDamaged, signal } = options;
  const report = { blobs: 0, bytes: 0, damaged: 0 };
  const startedAt = performance.now();
  const pace = async (bytes: number): Promise<void> => {
    report.bytes += bytes;
    const dueMs = startedAt + (report.bytes / bytesPerSecond) * 1_000 - performance.now();
    if (dueMs > 1 && signal?.aborted !== true) await pause(dueMs, signal);
  };
  for (let after = ''; ;) {
    const page = store.list(pageBlobs, after);
    for (const { blob } of page) {
      if (signal?.aborted === true) return report;
      const isGood = await isIntact(store, blob, pace);
      if (isGood === undefined) continue; // removed meanwhile
      report.blobs++;
      if (isGood) continue;
      report.damaged++;
      onDamaged(blob);
    }
    const last = page.at(-1);
    if (last === undefined) return report;
    after = last.blob;
  }
}

async function isIntact(
  store: BlobStore,
  blob: string,
  pace: (bytes: number) => Promise<void>,
): Promise<boolean | undefined> {
  let reader: BlobReader | undefined;
  try {
    reader = await store.open(blob);
    if ((await deepDigest(reader, pace)) !== reader.sha256)
      throw storeError('DFS_BLOB_DAMAGED', { context: { blob, frame: 'any' } });
    return true;
  } catch (cause) {
    if (!(cause instanceof GrpError)) throw cause;
    if (cause.code === 'DFS_BLOB_DAMAGED') return false;
    if (cause.code === 'DFS_BLOB_NOT_FOUND') return undefined;
    throw cause;
  } finally {
    reader?.close();
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(milliseconds, 60_000));
    timer.unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}
