import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from './errors.ts';

/** Descriptors kept open; those opened longest ago are closed when there are more and nobody uses them. */
const openMax = 64;

/** A file that is open, for as long as somebody uses it. */
export interface OpenFile {
  readonly descriptor: number;
  users: number;
  isDropped: boolean;
  /** Appends of one file follow each other. */
  appending: Promise<unknown>;
}

/** Opens each file once and keeps it open. */
export class OpenFiles {
  readonly #root: string;
  readonly #flags: number;
  readonly #open = new Map<string, OpenFile>();
  readonly #opening = new Map<string, Promise<OpenFile>>();

  /** `flags`: besides reading and writing, for example `O_DSYNC`. */
  constructor(root: string, flags = 0) {
    this.#root = root;
    this.#flags = flags;
  }

  /** If it is open already. */
  peek(file: string): OpenFile | undefined {
    return this.#open.get(file);
  }

  /** Does something with a file, which is not closed meanwhile. */
  async use<Result>(file: string, create: boolean, action: (file: OpenFile) => Promise<Result>): Promise<Result> {
    let opened = this.#open.get(file);
    // It may be closed again before this goes on.
    while (opened === undefined || opened.isDropped) opened = await this.#get(file, create);
    opened.users++;
    try {
      return await action(opened);
    } finally {
      opened.users--;
      if (opened.isDropped && opened.users === 0) close(opened);
      if (this.#open.size > openMax) this.#trim();
    }
  }

  /** The name means another file now, or none. */
  drop(file: string): void {
    const opened = this.#open.get(file);
    if (opened === undefined) return;
    this.#open.delete(file);
    opened.isDropped = true;
    if (opened.users === 0) close(opened);
  }

  closeAll(): void {
    for (const file of this.#open.keys()) this.drop(file);
  }

  #trim(): void {
    for (const [name, { users }] of this.#open) {
      if (this.#open.size <= openMax) break;
      if (users === 0) this.drop(name);
    }
  }

  async #get(file: string, create: boolean): Promise<OpenFile> {
    const known = this.#opening.get(file);
    const opened = await known?.catch(() => undefined);
    if (opened !== undefined && !opened.isDropped) return opened;
    const opening = this.#openNow(file, create).finally(() => this.#opening.delete(file));
    this.#opening.set(file, opening);
    return opening;
  }

  async #openNow(file: string, create: boolean): Promise<OpenFile> {
    const descriptor = await this.#descriptor(file, create);
    const already = this.#open.get(file);
    if (already !== undefined) {
      fs.close(descriptor, () => {});
      return already;
    }
    const opened = { descriptor, users: 0, isDropped: false, appending: Promise.resolve() };
    this.#open.set(file, opened);
    return opened;
  }

  async #descriptor(file: string, create: boolean): Promise<number> {
    const path = join(this.#root, file);
    const { O_RDWR, O_CREAT } = fs.constants;
    try {
      return await open(path, O_RDWR | this.#flags);
    } catch (cause) {
      if (!create || codeOf(cause) !== 'ENOENT') throw cause;
    }
    await makeFolder(dirname(path));
    return open(path, O_RDWR | O_CREAT | this.#flags);
  }
}

/** Makes a folder and those above it, and makes their names durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.promises.open(folder, 'r');
  try {
    await handle.sync();
  } catch (cause) {
    // Windows cannot, and needs not: it keeps names in a journal.
    if (!['EPERM', 'EISDIR', 'EINVAL'].includes(codeOf(cause) ?? '')) throw cause;
  } finally {
    await handle.close();
  }
}

function open(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, descriptor) => (error === null ? resolve(descriptor) : reject(error)));
  });
}

// Nothing depends on it: what has to be durable was synced before.
function close({ descriptor }: OpenFile): void {
  fs.close(descriptor, () => {});
}
