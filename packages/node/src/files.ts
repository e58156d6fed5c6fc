import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, nodeError, problemOf } from './errors.ts';

/**
 * Replaces a file by its next content so that a reader sees the old or the new text, never half of one, even after a
 * power cut.
 * @param options.mode permission bits of the new file (default 0o600)
 */
export async function writeAtomically(file: string, text: string, options: { mode?: number } = {}): Promise<void> {
  const draft = `${file}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
  try {
    const handle = await open(draft, 'wx', options.mode ?? 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
  await syncDirectory(dirname(file));
}

/** The whole text of a file of at most `bytesMax` bytes; undefined when there is none. A longer one is an error. */
export async function readText(file: string, bytesMax: number): Promise<string | undefined> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
  try {
    // One byte more than allowed, so that growth while reading cannot get past the limit.
    const buffer = Buffer.alloc(bytesMax + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > bytesMax) throw new Error(`it is longer than ${bytesMax} bytes`);
    return buffer.toString('utf8', 0, length);
  } finally {
    await handle.close();
  }
}

/**
 * As `readText`, for a file that only its owner may read or write.
 * @throws GrpError NODE_FILE_UNREADABLE, NODE_FILE_PERMISSIONS
 */
export async function readSecret(file: string, bytesMax = 65_536): Promise<string> {
  await checkOwnerOnly(file);
  let text;
  try {
    text = await readText(file, bytesMax);
  } catch (cause) {
    throw nodeError('NODE_FILE_UNREADABLE', { context: { file, problem: problemOf(cause) }, cause });
  }
  if (text === undefined) {
    throw nodeError('NODE_FILE_UNREADABLE', { context: { file, problem: 'there is no such file' } });
  }
  return text;
}

async function checkOwnerOnly(file: string): Promise<void> {
  if (process.platform === 'win32') return; // permission bits mean nothing there
  let mode;
  try {
    const handle = await open(file, 'r');
    try {
      mode = (await handle.stat()).mode & 0o777;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw nodeError('NODE_FILE_UNREADABLE', { context: { file, problem: problemOf(cause) }, cause });
  }
  if ((mode & 0o077) !== 0) {
    throw nodeError('NODE_FILE_PERMISSIONS', { context: { file, mode: mode.toString(8).padStart(4, '0') } });
  }
}

async function syncDirectory(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    // Some systems cannot sync a folder; the rename itself has happened.
    if (!['EISDIR', 'EPERM', 'EINVAL', 'EACCES'].includes(errorCode(cause) ?? '')) throw cause;
  }
}
