import fs from 'node:fs';

const vectorsMax = 1_024;

/** A file of the store, for reading and writing at any place. Errors are the system's. */
export class DataFile {
  readonly path: string;
  readonly #descriptor: number;
  #users = 1;

  private constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  static async open(path: string, how: 'create' | 'existing'): Promise<DataFile> {
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const flags = how === 'create' ? O_RDWR | O_CREAT | O_EXCL : O_RDWR;
    const descriptor = await new Promise<number>((resolve, reject) => {
      fs.open(path, flags, 0o600, (error, opened) => (error === null ? resolve(opened) : reject(error)));
    });
    return new DataFile(path, descriptor);
  }

  /** One more user: the file stays open until each has called `release`. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) fs.close(this.#descriptor, () => {});
  }

  /** Writes all parts, one after another, from `offset` on. */
  async write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    let left: Uint8Array[] = [...parts];
    let at = offset;
    while (left.length > 0) {
      const written = await this.#writeSome(left.slice(0, vectorsMax), at);
      at += written;
      left = after(left, written);
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

  #writeSome(parts: Uint8Array[], offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#descriptor, parts, offset, (error, written) =>
        error === null ? resolve(written) : reject(error),
      );
    });
  }
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
