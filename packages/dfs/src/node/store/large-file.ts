import { unlink } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Frame } from './blob-writer.ts';
import { frameBytes } from './config.ts';
import { DataFile, syncFolder } from './data-file.ts';

/** Where large blobs are, each in a file: its content, then the CRCs of its frames. */
export const largeFolder = 'large';

export function largePath(folder: string, number: number): string {
  return `${folder}/${largeFolder}/${String(number).padStart(12, '0')}.blob`;
}

export function largeNumber(name: string): number | undefined {
  const digits = /^(\d{12})\.blob$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A large blob on its way to the disk. It is nothing until a record names it. */
export class LargeFileWriter {
  readonly number: number;
  readonly #folder: string;
  readonly #syncBytes: number;
  readonly #opening: Promise<DataFile>;
  #chain: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #isGone = false;
  #bytes = 0;
  #unsyncedBytes = 0;
  readonly #crcs: number[] = [];

  constructor(folder: string, number: number, syncBytes: number) {
    this.number = number;
    this.#folder = folder;
    this.#syncBytes = syncBytes;
    this.#opening = this.#create();
    this.#opening.catch(() => {});
  }

  /** Resolves when the frame has left memory. @throws what the system says; then `abort` */
  write({ crc, parts, bytes, buffer }: Frame): Promise<void> {
    const offset = this.#bytes;
    this.#bytes += bytes;
    this.#crcs.push(crc);
    this.#chain = this.#chain.then(async () => {
      const file = await this.#opening;
      if (buffer !== undefined && bytes === frameBytes && (await file.writeDirect([buffer.content], offset))) return;
      await file.write(parts, offset);
      this.#unsyncedBytes += bytes;
      if (this.#unsyncedBytes >= this.#syncBytes && this.#syncing === undefined) this.#syncInBackground(file);
    });
    this.#chain.catch(() => {});
    return this.#chain;
  }

  /** Resolves with the CRC of the table when all of it is durable. */
  async finish(): Promise<number> {
    await this.#chain;
    await this.#syncing;
    const file = await this.#opening;
    const table = encodeTable(this.#crcs);
    await file.write([table], this.#bytes);
    await file.sync();
    file.release();
    return crc32(table);
  }

  async abort(): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    await this.#chain.catch(() => {});
    await this.#syncing?.catch(() => {});
    const file = await this.#opening.catch(() => undefined);
    file?.release();
    await unlink(largePath(this.#folder, this.number)).catch(() => {});
  }

  async #create(): Promise<DataFile> {
    const file = await DataFile.open(largePath(this.#folder, this.number), 'create');
    await file.openDirect();
    await syncFolder(`${this.#folder}/${largeFolder}`);
    return file;
  }

  #syncInBackground(file: DataFile): void {
    this.#unsyncedBytes = 0;
    const syncing = file.sync();
    syncing.catch(() => {}); // `finish` waits for it and tells
    this.#syncing = syncing.then(() => {
      this.#syncing = undefined;
    });
    this.#syncing.catch(() => {});
  }
}

/** The CRCs behind the content; undefined when they are not those that the record tells of. */
export async function readTable(file: DataFile, bytes: number, expectedCrc: number): Promise<Uint32Array | undefined> {
  const count = Math.ceil(bytes / frameBytes);
  const table = Buffer.alloc(4 * count);
  const got = await file.read(table, bytes);
  if (got < table.length || crc32(table) !== expectedCrc) return undefined;
  return Uint32Array.from({ length: count }, (_, index) => table.readUInt32LE(4 * index));
}

function encodeTable(crcs: readonly number[]): Buffer {
  const table = Buffer.allocUnsafe(4 * crcs.length);
  for (const [index, crc] of crcs.entries()) table.writeUInt32LE(crc, 4 * index);
  return table;
}
