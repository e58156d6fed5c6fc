import type { Place } from './lane.ts';

/** Where a blob is, and what is asked of it often. */
export interface Located extends Place {
  readonly sequence: number;
  readonly epoch: number;
  readonly bytes: number;
  /** The number of its own file; undefined: it is in the segment. */
  readonly file: number | undefined;
  /** Bytes of its record in the segment. */
  readonly recordBytes: number;
}

/** Which blobs there are. */
export class BlobIndex {
  readonly #blobs = new Map<string, Located>();
  /** Segments that hold older records of a blob, besides the one that counts. Rare, and few. */
  readonly #shadows = new Map<string, Set<number>>();
  #bytes = 0;

  get count(): number {
    return this.#blobs.size;
  }

  /** Content of all blobs. */
  get bytes(): number {
    return this.#bytes;
  }

  get(blob: string): Located | undefined {
    return this.#blobs.get(blob);
  }

  /** The answer is what was there under this id. */
  set(blob: string, located: Located): Located | undefined {
    const before = this.delete(blob);
    this.#blobs.set(blob, located);
    this.#bytes += located.bytes;
    return before;
  }

  delete(blob: string): Located | undefined {
    const located = this.#blobs.get(blob);
    if (located === undefined) return undefined;
    this.#blobs.delete(blob);
    this.#bytes -= located.bytes;
    return located;
  }

  /** A record of this blob in that segment must not count again when the newer one is gone. */
  shadow(blob: string, segment: number): void {
    const known = this.#shadows.get(blob);
    if (known === undefined) this.#shadows.set(blob, new Set([segment]));
    else known.add(segment);
  }

  /** What `shadow` was told of this blob, which is then forgotten. */
  takeShadows(blob: string): readonly number[] {
    const known = this.#shadows.get(blob);
    this.#shadows.delete(blob);
    return known === undefined ? [] : [...known];
  }

  clear(): void {
    this.#shadows.clear();
    this.#blobs.clear();
    this.#bytes = 0;
  }

  entries(): IterableIterator<[string, Located]> {
    return this.#blobs.entries();
  }

  /** Ids after `after` in order, at most `limit`. */
  page(after: string, limit: number): readonly string[] {
    const found: string[] = [];
    for (const blob of this.#blobs.keys()) if (blob > after) found.push(blob);
    return found.toSorted().slice(0, limit);
  }
}
