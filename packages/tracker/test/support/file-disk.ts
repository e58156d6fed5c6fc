// The Disk port over one real folder, as far as the tracker uses it.
import { mkdir, open, readdir, rename, rm, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk } from '@grp/core';

export class FileDisk implements Disk {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(file: string, offset: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#with(file, 'r', async (handle) => {
      const bytes = new Uint8Array(lengthBytes);
      const { bytesRead } = await handle.read(bytes, 0, lengthBytes, offset);
      return bytes.subarray(0, bytesRead);
    });
  }

  async write(file: string, offset: number, bytes: Uint8Array): Promise<void> {
    await this.#with(file, 'a', async () => {});
    await this.#with(file, 'r+', (handle) => handle.write(bytes, 0, bytes.length, offset));
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    await this.#with(file, 'a', (handle) => handle.write(bytes));
  }

  async preallocate(file: string, sizeBytes: number): Promise<void> {
    await truncate(this.#path(file), sizeBytes);
  }

  async truncate(file: string, sizeBytes: number): Promise<void> {
    await truncate(this.#path(file), sizeBytes);
  }

  async sync(file: string): Promise<void> {
    await this.#with(file, 'r+', (handle) => handle.datasync());
  }

  async syncDirectory(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.#path(from), this.#path(to));
  }

  async remove(file: string): Promise<void> {
    await rm(this.#path(file));
  }

  async size(file: string): Promise<number> {
    return this.#with(file, 'r', async (handle) => (await handle.stat()).size);
  }

  async list(prefix: string): Promise<readonly string[]> {
    return (await readdir(this.#folder)).filter((name) => name.startsWith(prefix)).toSorted();
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  async lock(): Promise<() => Promise<void>> {
    return async () => {};
  }

  #path(file: string): string {
    return join(this.#folder, file);
  }

  async #with<Result>(
    file: string,
    mode: string,
    use: (handle: Awaited<ReturnType<typeof open>>) => Promise<Result>,
  ): Promise<Result> {
    const handle = await open(this.#path(file), mode);
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  }
}
