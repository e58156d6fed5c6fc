// What the disk allows: three fsynced copies made by one process, without servers; and the disk by itself.
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { measure, mebibyte, round, type Side } from './dfs-measure.ts';

export function floorSide(folder: string): Side {
  const block = randomBytes(mebibyte);
  return {
    put({ size, bytes, count, atOnce }) {
      const part = block.subarray(0, Math.min(bytes, mebibyte));
      const parts = Array.from({ length: bytes / part.length }, () => part);
      const run = (index: number): Promise<void> => threeCopies(folder, `floor-${index}`, parts);
      return measure({ of: 'floor', what: `put ${size}`, bytes, count, atOnce, run });
    },
  };
}

/** Three copies, each written and fdatasynced, at the same time. */
async function threeCopies(folder: string, name: string, parts: readonly Uint8Array[]): Promise<void> {
  await Promise.all(
    [1, 2, 3].map(async (copy) => {
      const path = join(folder, `${name}-${copy}`);
      const file = await open(path, 'w');
      for (const part of parts) await file.write(part);
      await file.datasync();
      await file.close();
      await unlink(path);
    }),
  );
}

export interface DiskFigures {
  /** 4 KiB appended and fdatasynced, one after the other. */
  readonly appendsPerSecond: number;
  /** 1 GiB written to a new file, fdatasynced every 64 MiB. */
  readonly megabytesPerSecond: number;
}

export function measureDisk(folder: string): DiskFigures {
  const path = join(folder, 'disk');
  const timed = (work: (descriptor: number) => number): number => {
    const descriptor = openSync(path, 'w');
    const from = performance.now();
    const done = work(descriptor);
    const seconds = (performance.now() - from) / 1_000;
    closeSync(descriptor);
    unlinkSync(path);
    return round(done / seconds);
  };
  const block = randomBytes(mebibyte);
  const appendsPerSecond = timed((descriptor) => {
    const until = performance.now() + 1_000;
    let count = 0;
    for (; performance.now() < until; count++) {
      writeSync(descriptor, block, 0, 4_096);
      fdatasyncSync(descriptor);
    }
    return count;
  });
  const megabytesPerSecond = timed((descriptor) => {
    for (let count = 1; count <= 1_024; count++) {
      writeSync(descriptor, block);
      if (count % 64 === 0) fdatasyncSync(descriptor);
    }
    return (1_024 * mebibyte) / 1e6;
  });
  return { appendsPerSecond, megabytesPerSecond };
}
