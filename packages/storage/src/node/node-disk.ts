import fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GrpError, invariant, InvariantError, type Disk } from '@grp/core';
import { codeOf, translated } from './errors.ts';
import { isLockFile, lockFolder } from './folder-lock.ts';
import { makeFolder, OpenFiles, syncFolder, type OpenFile } from './open-files.ts';

/** How a disk of Node flushes. */
export interface NodeDiskOptions {
  /**
   * `background` (default): the system's flush runs on another thread. `inline`: this thread waits for it, which answers
   * some 20 µs sooner, and stops the whole process while the disk does.
   */
  readonly sync?: 'background' | 'inline';
}

/** A `Disk` on a real folder. `close` gives its files free; the lock is given free by who took it. */
export interface NodeDisk extends Disk {
  readonly folder: string;
  close(): void;
}

/** Up to here a write is a copy into the system's memory, which is quicker than asking another thread to do it. */
const inlineBytesMax = 262_144;
const zerosBytes = 1_048_576;
/** Zeros are synced in portions, so that the syncs of others do not wait behind all of them. */
const zerosSyncBytes = 4_194_304;

/** The folder is made when something is first written. Files and folders are readable by their owner alone. */
export function nodeDisk(path: string, { sync = 'background' }: NodeDiskOptions = {}): NodeDisk {
  const folder = resolve(path);
  const files = new OpenFiles(folder);
  const durable = new OpenFiles(folder, fs.constants.O_DSYNC);
  // Elsewhere the flag promises less than a flush does: macOS leaves the bytes in the drive's own memory.
  const isOneRequest = sync === 'background' && process.platform === 'linux';
  const does = async <Result>(operation: string, file: string, action: () => Promise<Result>): Promise<Result> => {
    check(file);
    try {
      return await action();
    } catch (cause) {
      throw cause instanceof GrpError || cause instanceof InvariantError ? cause : translated(cause, operation, file);
    }
  };
  const using = <Result>(
    operation: string,
    file: string,
    action: (file: OpenFile) => Promise<Result>,
    create = false,
  ): Promise<Result> => does(operation, file, () => files.use(file, create, action));
  return {
    folder,
    close: () => [files, durable].forEach((opened) => opened.closeAll()),
    read: (file, offset, length) => using('read', file, (opened) => read(opened, offset, length)),
    write(file, offset, bytes) {
      const opened = bytes.length <= inlineBytesMax ? files.peek(file) : undefined;
      if (opened === undefined) return using('write', file, (found) => write(found, offset, bytes), true);
      return does('write', file, async () => writeInline(opened, offset, bytes));
    },
    // On the other thread as a whole: while a disk hangs this one goes on, and can say so.
    ...(isOneRequest && {
      writeDurably: (file: string, offset: number, bytes: Uint8Array) =>
        does('write', file, () => durable.use(file, true, (opened) => write(opened, offset, bytes))),
    }),
    append: (file, bytes) => using('append', file, (opened) => append(opened, bytes), true),
    preallocate: (file, size) => using('preallocate', file, (opened) => preallocate(opened, size), true),
    truncate: (file, size) =>
      using('truncate', file, ({ descriptor }) => called((done) => fs.ftruncate(descriptor, size, done))),
    sync: (file) =>
      using('sync', file, async ({ descriptor }) => {
        if (sync === 'inline') return fs.fdatasyncSync(descriptor);
        return called((done) => fs.fdatasync(descriptor, done));
      }),
    syncDirectory: (prefix) => does('syncDirectory', prefix, () => syncFolders(join(folder, prefix))),
    rename: (from, to) =>
      does('rename', from, async () => {
        check(to);
        const target = join(folder, to);
        await makeFolder(dirname(target));
        await fs.promises.rename(join(folder, from), target);
        for (const opened of [files, durable]) {
          opened.drop(from);
          opened.drop(to);
        }
      }),
    remove: (file) =>
      does('remove', file, async () => {
        await fs.promises.unlink(join(folder, file));
        files.drop(file);
        durable.drop(file);
      }),
    size: (file) => does('size', file, async () => (await fs.promises.stat(join(folder, file))).size),
    list: (prefix) => does('list', prefix, () => list(folder, prefix)),
    freeBytes: () =>
      does('freeBytes', '', async () => {
        await makeFolder(folder);
        const { bavail, bsize } = await fs.promises.statfs(folder);
        return bavail * bsize;
      }),
    lock: () => does('lock', '', () => lockFolder(folder)),
  };
}

function check(file: string): void {
  const isInside = !file.startsWith('/') && !file.split('/').includes('..') && !file.includes('\0');
  invariant(isInside && !isLockFile(file), 'a file lies below the folder');
}

function called(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolvePromise, reject) => {
    start((error) => (error === null ? resolvePromise() : reject(error)));
  });
}

async function read({ descriptor }: OpenFile, offset: number, lengthBytes: number): Promise<Uint8Array> {
  const { size } = await new Promise<fs.Stats>((resolvePromise, reject) => {
    fs.fstat(descriptor, (error, stats) => (error === null ? resolvePromise(stats) : reject(error)));
  });
  const bytes = new Uint8Array(Math.max(0, Math.min(lengthBytes, size - offset)));
  let done = 0;
  while (done < bytes.length) {
    const count = await new Promise<number>((resolvePromise, reject) => {
      fs.read(descriptor, bytes, done, bytes.length - done, offset + done, (error, got) =>
        error === null ? resolvePromise(got) : reject(error),
      );
    });
    if (count === 0) break; // it has become shorter meanwhile
    done += count;
  }
  return bytes.subarray(0, done);
}

function writeInline({ descriptor }: OpenFile, offset: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += someOf(fs.writeSync(descriptor, bytes, done, bytes.length - done, offset + done));
}

/** A system that takes nothing and names no reason is broken: to ask it again would never end. */
function someOf(count: number): number {
  if (count > 0) return count;
  throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
}

async function write({ descriptor }: OpenFile, offset: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += await new Promise<number>((resolvePromise, reject) => {
      fs.write(descriptor, bytes, done, bytes.length - done, offset + done, (error, count) =>
        error === null ? resolvePromise(count) : reject(error),
      );
    }).then(someOf);
  }
}

function append(opened: OpenFile, bytes: Uint8Array): Promise<void> {
  const next = opened.appending.then(async () => write(opened, await sizeOf(opened), bytes));
  opened.appending = next.catch(() => {});
  return next;
}

// Written zeros, not a reservation alone: the first write into reserved blocks would have the file system change its own
// records, and cost a sync twice the time.
async function preallocate(opened: OpenFile, sizeBytes: number): Promise<void> {
  const before = await sizeOf(opened);
  const zeros = new Uint8Array(Math.min(zerosBytes, Math.max(0, sizeBytes - before)));
  const { descriptor } = opened;
  try {
    let unsyncedBytes = 0;
    for (let at = before; at < sizeBytes; at += zeros.length) {
      await write(opened, at, zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)));
      unsyncedBytes += zeros.length;
      if (unsyncedBytes < zerosSyncBytes) continue;
      unsyncedBytes = 0;
      await called((done) => fs.fdatasync(descriptor, done));
    }
  } catch (cause) {
    await called((done) => fs.ftruncate(descriptor, before, done)).catch(() => {});
    throw cause;
  }
}

async function sizeOf({ descriptor }: OpenFile): Promise<number> {
  return new Promise((resolvePromise, reject) => {
    fs.fstat(descriptor, (error, stats) => (error === null ? resolvePromise(stats.size) : reject(error)));
  });
}

async function syncFolders(folder: string): Promise<void> {
  let entries;
  try {
    entries = await fs.promises.readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return; // nothing has been created there
    throw cause;
  }
  for (const entry of entries) if (entry.isDirectory()) await syncFolders(join(folder, entry.name));
  await syncFolder(folder);
}

async function list(root: string, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (below: string): Promise<void> => {
    const entries = await fs.promises.readdir(join(root, below), { withFileTypes: true }).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return [];
      throw cause;
    });
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      // Folders that no name with this prefix can be in are not read.
      if (entry.isDirectory()) {
        if (`${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`)) await visit(name);
      } else if (name.startsWith(prefix) && !isLockFile(name)) found.push(name);
    }
  };
  await visit('');
  return found.toSorted();
}
