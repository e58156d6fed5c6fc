import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ok, problem, warning, type Finding } from './finding.ts';

const writes = 20;
const writeBytes = 4_096;
const slowMs = 20;
const freeBytesWanted = 1_073_741_824;

/** How fast the disk below a folder makes writes durable, which every confirmed write of raft, chat and dfs waits for. */
export async function checkDisk(given: string): Promise<readonly Finding[]> {
  const folder = resolve(given);
  const file = join(folder, `.grp-doctor-${process.pid}-${randomUUID().slice(0, 8)}`);
  try {
    const tookMs = await timeWrites(file);
    const median = tookMs.toSorted((a, b) => a - b)[writes >> 1] as number;
    const text = `A write to ${folder} is durable after ${median.toFixed(1)} ms (the middle one of ${writes}).`;
    const speed =
      median <= slowMs
        ? ok('disk', text)
        : warning('disk', text, 'Confirmed writes take at least as long: keep --data-dir on an SSD of this machine.');
    return [speed, await freeSpace(folder)];
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return [
      problem(
        'disk',
        `${folder} cannot be written (${code ?? message}).`,
        'Name a folder that this user may write with --data-dir, on a disk that has space.',
      ),
    ];
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
}

async function timeWrites(file: string): Promise<readonly number[]> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const bytes = Buffer.alloc(writeBytes, 1);
    const tookMs: number[] = [];
    for (let count = 0; count < writes; count++) {
      const startedAt = performance.now();
      await handle.write(bytes, 0, writeBytes, count * writeBytes);
      await handle.datasync();
      tookMs.push(performance.now() - startedAt);
    }
    return tookMs;
  } finally {
    await handle.close();
  }
}

async function freeSpace(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const text = `${(free / 1e9).toFixed(1)} GB are free below ${folder}.`;
  if (free >= freeBytesWanted) return ok('disk-space', text);
  return warning('disk-space', text, 'Make room: a server whose disk is full takes no writes.');
}
