import { unlink } from 'node:fs/promises';
import { DataFile } from './data-file.ts';
import { formatSegmentName, type SegmentName } from './lane.ts';

/** Files kept open; those used longest ago are closed when there are more. */
const openMax = 256;

/** What is known of one segment. */
export interface Segment {
  readonly name: SegmentName;
  isSealed: boolean;
  /** All of its records. */
  totalBytes: number;
  /** Records of blobs that are there. */
  liveBytes: number;
  /** Records that end blobs of other segments. */
  removalBytes: number;
}

/** The segments of a store, and their files while they are open. */
export class Segments {
  readonly #folder: string;
  readonly #known = new Map<number, Segment>();
  readonly #open = new Map<number, Promise<DataFile>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(number: number): Segment | undefined {
    return this.#known.get(number);
  }

  all(): readonly Segment[] {
    return [...this.#known.values()];
  }

  add(name: SegmentName, file?: DataFile): Segment {
    const segment = { name, isSealed: false, totalBytes: 0, liveBytes: 0, removalBytes: 0 };
    this.#known.set(name.number, segment);
    if (file !== undefined) this.#open.set(name.number, Promise.resolve(file));
    return segment;
  }

  /** Reads from a segment, which stays readable meanwhile even if it is removed. @throws what the system says */
  async use<Result>(number: number, action: (file: DataFile) => Promise<Result>): Promise<Result> {
    const file = await this.retain(number);
    try {
      return await action(file);
    } finally {
      file.release();
    }
  }

  /** The file of a segment, which stays open until it is released. */
  retain(number: number): Promise<DataFile> {
    // In the same turn as the look-up: whatever closes the file later comes later.
    return this.#file(number).then((file) => {
      file.retain();
      return file;
    });
  }

  /** The file and everything known of it go. */
  async remove(number: number): Promise<void> {
    const segment = this.#known.get(number);
    if (segment === undefined) return;
    this.#known.delete(number);
    this.#forget(number);
    await unlink(this.#path(segment.name));
  }

  closeAll(): void {
    for (const number of this.#open.keys()) this.#forget(number);
  }

  #path(name: SegmentName): string {
    return `${this.#folder}/${formatSegmentName(name)}`;
  }

  #file(number: number): Promise<DataFile> {
    let opening = this.#open.get(number);
    if (opening === undefined) {
      const segment = this.#known.get(number);
      if (segment === undefined) return Promise.reject(Object.assign(new Error('segment gone'), { code: 'ENOENT' }));
      opening = DataFile.open(this.#path(segment.name), 'existing');
      opening.catch(() => this.#open.delete(number));
    } else this.#open.delete(number);
    this.#open.set(number, opening); // the last of the map is the one used last
    if (this.#open.size > openMax) this.#trim();
    return opening;
  }

  #trim(): void {
    for (const number of this.#open.keys()) {
      if (this.#open.size <= openMax) return;
      if (this.#known.get(number)?.isSealed !== false) this.#forget(number);
    }
  }

  #forget(number: number): void {
    const opening = this.#open.get(number);
    this.#open.delete(number);
    void opening?.then((file) => file.release()).catch(() => {});
  }
}
