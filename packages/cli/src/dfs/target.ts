import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileError, problemOf } from './errors.ts';

/** Where the bytes of a get go. */
export interface Target {
  /** The file it becomes. */
  readonly path: string;
  write(bytes: Buffer): Promise<void>;
  /** Everything is there and right: now it appears under its name. @throws GrpError DFS_TARGET_UNWRITABLE */
  finish(): Promise<void>;
  /** Leaves nothing behind. Idempotent. */
  discard(): Promise<void>;
  /** The same at once, for a process that ends now. */
  discardNow(): void;
}

/**
 * A file beside the target, which takes its place when it is complete. A folder gets a file of the last part of `name`;
 * what is no file (a device, a pipe) is written to as it is. @throws GrpError DFS_TARGET_UNWRITABLE, DFS_TARGET_NAME
 */
export async function openTarget(given: string, name: string): Promise<Target> {
  const path = await placeOf(given, name);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) throw unwritable(path, Object.assign(new Error(), { code: 'EISDIR' }));
  if (there !== undefined && !there.isFile()) return deviceTarget(path);
  const draft = join(dirname(path), `.grp-${process.pid}-${randomBytes(4).toString('hex')}.part`);
  try {
    return new FileTarget(path, draft, await open(draft, 'wx', 0o666));
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function placeOf(given: string, name: string): Promise<string> {
  const isFolder = given.endsWith('/') || (await stat(given).catch(() => undefined))?.isDirectory() === true;
  if (!isFolder) return resolve(given);
  // Names are checked: no part of them leads upwards. Only the last one counts here.
  const last = name.split(/[/\\]/).at(-1) ?? '';
  if (last === '' || last === '.' || last === '..')
    throw fileError('DFS_TARGET_NAME', { context: { folder: given, name } });
  return resolve(given, last);
}

class FileTarget implements Target {
  readonly path: string;
  readonly #draft: string;
  readonly #handle: FileHandle;
  #isOver = false;

  constructor(path: string, draft: string, handle: FileHandle) {
    this.path = path;
    this.#draft = draft;
    this.#handle = handle;
  }

  async write(bytes: Buffer): Promise<void> {
    await writeAll(this.#handle, bytes, this.path);
  }

  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#draft, this.path);
      this.#isOver = true;
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#handle.close().catch(() => {});
    await rm(this.#draft, { force: true });
  }

  discardNow(): void {
    rmSync(this.#draft, { force: true }); // once it has its final name there is none of this one
  }
}

async function deviceTarget(path: string): Promise<Target> {
  try {
    const handle = await open(path, 'w');
    const close = () => handle.close().catch(() => {});
    return { path, write: (bytes) => writeAll(handle, bytes, path), finish: close, discard: close, discardNow() {} };
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, path: string): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(file: string, cause: unknown): Error {
  return fileError('DFS_TARGET_UNWRITABLE', { context: { file, problem: problemOf(cause) }, cause });
}
