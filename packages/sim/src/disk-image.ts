import { below, chance, type Random } from '@grp/core';
import { diskError } from './errors.ts';

/** What a disk writes as a whole or not at all. */
export const sectorBytes = 512;

/** One file: what processes see, what the platter holds, and which sectors differ. */
class FileImage {
  bytes = new Uint8Array(0);
  size = 0;
  durable = new Uint8Array(0);
  durableSize = 0;
  /** Sectors that the platter does not have yet, in the order in which they were first changed. */
  readonly dirty = new Set<number>();
  isSizeDirty = false;

  write(offset: number, bytes: Uint8Array): void {
    this.setSize(Math.max(this.size, offset + bytes.length));
    this.bytes.set(bytes, offset);
    this.#touch(offset, offset + bytes.length);
  }

  setSize(size: number): void {
    if (size === this.size) return;
    if (size > this.bytes.length) this.bytes = grown(this.bytes, Math.max(size, this.bytes.length * 2, 4_096));
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.#touch(Math.min(size, this.size), Math.max(size, this.size));
    this.size = size;
    this.isSizeDirty = true;
  }

  /** The platter takes these sectors, and perhaps the size. */
  flush(sectors: Iterable<number>, withSize: boolean): void {
    if (withSize) this.durableSize = this.size;
    if (this.durable.length < this.bytes.length) this.durable = grown(this.durable, this.bytes.length);
    for (const sector of sectors) {
      const from = sector * sectorBytes;
      this.durable.set(this.bytes.subarray(from, from + sectorBytes), from);
    }
  }

  /** Nothing is left to be flushed, whether the platter has it or not. */
  clean(): void {
    this.dirty.clear();
    this.isSizeDirty = false;
  }

  /** After a power cut: what is not on the platter is gone. */
  reload(): void {
    this.clean();
    this.size = this.durableSize;
    this.bytes = grown(this.durable.slice(0, this.size), this.size);
    this.durable = this.bytes.slice();
  }

  flipBit(offset: number, bit: number): void {
    for (const bytes of [this.bytes, this.durable])
      if (offset < bytes.length) bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
  }

  #touch(from: number, to: number): void {
    for (let sector = Math.floor(from / sectorBytes); sector * sectorBytes < to; sector++) this.dirty.add(sector);
  }
}

type EntryChange =
  | { readonly type: 'link'; readonly name: string; readonly file: FileImage }
  | { readonly type: 'unlink'; readonly name: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string };

/** What a power cut took. */
export interface Loss {
  readonly sectorCount: number;
  readonly entryCount: number;
}

/** The contents of one disk, twice: as processes see them, and as they are after a power cut. */
export class DiskImage {
  readonly #files = new Map<string, FileImage>();
  readonly #durable = new Map<string, FileImage>();
  /** Changes of names that the platter does not have yet, oldest first. */
  #pending: EntryChange[] = [];
  #usedBytes = 0;

  /** Bytes of all files together, as processes see them. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** How many bytes more the disk would hold if the file had this size. */
  growth(name: string, size: number): number {
    return Math.max(0, size - (this.#files.get(name)?.size ?? 0));
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  size(name: string): number {
    return this.#file(name).size;
  }

  read(name: string, offset: number, lengthBytes: number): Uint8Array {
    const file = this.#file(name);
    return file.bytes.slice(Math.min(offset, file.size), Math.min(offset + lengthBytes, file.size));
  }

  write(name: string, offset: number, bytes: Uint8Array): void {
    const file = this.#create(name);
    this.#resize(file, () => file.write(offset, bytes));
  }

  append(name: string, bytes: Uint8Array): void {
    const file = this.#create(name);
    this.#resize(file, () => file.write(file.size, bytes));
  }

  preallocate(name: string, size: number): void {
    const file = this.#create(name);
    this.#resize(file, () => file.setSize(Math.max(file.size, size)));
  }

  truncate(name: string, size: number): void {
    const file = this.#file(name);
    this.#resize(file, () => file.setSize(size));
  }

  sync(name: string): void {
    const file = this.#file(name);
    file.flush(file.dirty, true);
    file.clean();
  }

  /** A failed flush: the kernel forgets which pages it had to write. */
  forget(name: string): void {
    this.#file(name).clean();
  }

  syncDirectory(prefix: string): void {
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    const isBelow = (change: EntryChange): boolean =>
      change.type === 'rename'
        ? change.from.startsWith(folder) || change.to.startsWith(folder)
        : change.name.startsWith(folder);
    for (const change of this.#pending) if (isBelow(change)) apply(this.#durable, change);
    this.#pending = this.#pending.filter((change) => !isBelow(change));
  }

  rename(from: string, to: string): void {
    this.#file(from);
    if (from === to) return;
    this.#usedBytes -= this.#files.get(to)?.size ?? 0;
    this.#change({ type: 'rename', from, to });
  }

  remove(name: string): void {
    this.#usedBytes -= this.#file(name).size;
    this.#change({ type: 'unlink', name });
  }

  names(): readonly string[] {
    return [...this.#files.keys()].toSorted();
  }

  flipBit(name: string, offset: number, bit: number): void {
    this.#file(name).flipBit(offset, bit);
  }

  clear(): void {
    this.#files.clear();
    this.#durable.clear();
    this.#pending = [];
    this.#usedBytes = 0;
  }

  /**
   * Takes the power away. Of the unsaved sectors of a file a random part is there all the same, the first few or any, and
   * of the unsaved changes of names the first few: file systems keep those in order, but not these.
   */
  losePower(random: Random): Loss {
    const kept = this.#pending.length === 0 ? 0 : below(random, this.#pending.length + 1);
    const entryCount = this.#pending.length - kept;
    for (const change of this.#pending.slice(0, kept)) apply(this.#durable, change);
    this.#pending = [];
    let sectorCount = 0;
    this.#files.clear();
    this.#usedBytes = 0;
    for (const [name, file] of this.#durable) {
      sectorCount += tear(file, random);
      this.#usedBytes += file.size;
      this.#files.set(name, file);
    }
    return { sectorCount, entryCount };
  }

  #file(name: string): FileImage {
    const file = this.#files.get(name);
    if (file === undefined) throw diskError('DISK_NOT_FOUND', { context: { file: name } });
    return file;
  }

  #resize(file: FileImage, change: () => void): void {
    const before = file.size;
    change();
    this.#usedBytes += file.size - before;
  }

  #create(name: string): FileImage {
    const found = this.#files.get(name);
    if (found !== undefined) return found;
    const file = new FileImage();
    this.#change({ type: 'link', name, file });
    return file;
  }

  #change(change: EntryChange): void {
    apply(this.#files, change);
    this.#pending.push(change);
  }
}

function apply(entries: Map<string, FileImage>, change: EntryChange): void {
  if (change.type === 'link') entries.set(change.name, change.file);
  else if (change.type === 'unlink') entries.delete(change.name);
  else {
    const file = entries.get(change.from);
    // The creation may be unsaved in another folder: then there is nothing to rename yet.
    if (file !== undefined) entries.set(change.to, file);
    entries.delete(change.from);
  }
}

// How many sectors the cut took.
function tear(file: FileImage, random: Random): number {
  if (file.dirty.size > 0 || file.isSizeDirty) {
    const sectors = [...file.dirty];
    const survivors = chance(random, 0.5)
      ? sectors.slice(0, below(random, sectors.length + 1))
      : sectors.filter(() => chance(random, 0.5));
    file.flush(survivors, chance(random, 0.5));
    const lost = sectors.length - survivors.length;
    file.reload();
    return lost;
  }
  // Flushes that failed or lied leave no trace in `dirty`: the platter decides here too.
  file.reload();
  return 0;
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
