import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GrpError } from '@grp/core';
import { nodeError, problemOf } from './errors.ts';

/** A folder that belongs to this process until `release`. */
export interface DataDir {
  readonly folder: string;
  /** The path of a file in it. */
  file(name: string): string;
  /** Gives the folder free. Idempotent. */
  release(): Promise<void>;
}

/**
 * Creates the folder when needed (mode 0700) and claims it: see `lockFolder` for whose lock is respected.
 * @throws GrpError NODE_DATA_DIR_LOCKED, NODE_DATA_DIR_UNUSABLE
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const folder = resolve(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { lockFolder } = await import('@grp/storage/node');
    return { folder, file: (name) => join(folder, name), release: await lockFolder(folder, 'lock') };
  } catch (cause) {
    if (cause instanceof GrpError && cause.code === 'DISK_LOCKED') {
      throw nodeError('NODE_DATA_DIR_LOCKED', { context: cause.context, cause });
    }
    const problem = problemOf(cause instanceof GrpError ? (cause.cause ?? cause) : cause);
    throw nodeError('NODE_DATA_DIR_UNUSABLE', { context: { folder, problem }, cause });
  }
}
