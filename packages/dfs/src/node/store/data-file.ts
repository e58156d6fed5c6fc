import fs from 'node:fs';
import { codeOf } from './errors.ts';

const vectorsMax = 1_024;

/** A file of the store, for reading and writing at any place. Errors are the system's. */
export class DataFile {
  readonly path: string;
  readonly #descriptor: number;
  /** The same file, for writes past the system's cache. */
  #direct: number | undefined;
  #users = 1;

  private constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  static async open(path: string, how: 'create' | 'existing'): Promise<DataFile> {
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const flags = how === 'create' ? O_RDWR | O_CREAT | O_EXCL : O_RDWR;
    return new DataFile(path, await openFile(path, flags));
  }

  /** Prepares `writeDirect`, where the system and the disk know such writes. */
  async openDirect(): Promise<void> {
    const { O_WRONLY, O_DIRECT, O_DSYNC } = fs.constants;
    if (O_DIRECT === undefined || O_DSYNC === undefined) return;
    // Some file systems, such as those in memory, refuse: then everything goes through the cache.
    this.#direct = await openFile(this.path, O_WRONLY | O_DIRECT | O_DSYNC).catch(() => undefined);
  }

  /** One more user: the file stays open until each has called `release`. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users > 0) return;
    fs.close(this.#descriptor, () => {});
    this.closeDirect();
  }

  /** Writes all parts, one after another, from `offset` on. */
  async write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    await writeAll(this.#descriptor, parts, offset);
  }

  /**
   * As `write`, past the system's cache, and durable when it resolves. The places in the file and in memory and all lengths
   * are multiples of `blockBytes`. False: this cannot be done here, and has to be written and synced.
   */
  async writeDirect(parts: readonly Uint8Array[], offset: number): Promise<boolean> {
    if (this.#direct === undefined) return false;
    try {
      await writeAll(this.#direct, parts, offset);
      return true;
    } catch (cause) {
      if (codeOf(cause) !== 'EINVAL') throw cause;
      this.closeDirect(); // blocks of another size, or memory that does not begin where a page does
      return false;
    }
  }

  /** As `write`, before it returns: a copy into the system's memory, for small things. */
  writeNow(parts: readonly Uint8Array[], offset: number): void {
    let left: Uint8Array[] = [...parts];
    let at = offset;
    while (left.length > 0) {
      const written = fs.writevSync(this.#descriptor, left.slice(0, vectorsMax), at);
      at += written;
      left = after(left, written);
    }
  }

  /** Fills `buffer` from `offset` on; the answer is how much there was. */
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    while (done < buffer.length) {
      const count = await new Promise<number>((resolve, reject) => {
        fs.read(this.#descriptor, buffer, done, buffer.length - done, offset + done, (error, got) =>
          error === null ? resolve(got) : reject(error),
        );
      });
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /** Content and size survive a power cut. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#descriptor, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
    });
  }

  truncate(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#descriptor, bytes, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** No more `writeDirect`. */
  closeDirect(): void {
    if (this.#direct !== undefined) fs.close(this.#direct, () => {});
    this.#direct = undefined;
  }
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, opened) => (error === null ? resolve(opened) : reject(error)));
  });
}

async function writeAll(descriptor: number, parts: readonly Uint8Array[], offset: number): Promise<void> {
  let left: Uint8Array[] = [...parts];
  let at = offset;
  while (left.length > 0) {
    const written = await writeSome(descriptor, left.slice(0, vectorsMax), at);
    at += written;
    left = after(left, written);
  }
}

function writeSome(descriptor: number, parts: Uint8Array[], offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(descriptor, parts, offset, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

function after(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  for (const [index, part] of parts.entries()) {
    if (skip < part.length) return [part.subarray(skip), ...parts.slice(index + 1)];
    skip -= part.length;
  }
  return [];
}

/** Names created in and removed from a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.promises.open(folder, 'r');
  try {
    await handle.sync();
  } catch (cause) {
    // Windows cannot, and needs not: it keeps names in a journal.
    const { code } = cause as { readonly code?: string };
    if (!['EPERM', 'EISDIR', 'EINVAL'].includes(code ?? '')) throw cause;
  } finally {
    await handle.close();
  }
}
