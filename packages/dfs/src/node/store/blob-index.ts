import { invariant } from '@grp/core';
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

const bucketCount = 256;

/** Which blobs there are; by the first byte of their ids, so that a page of them in order needs no look at all. */
export class BlobIndex {
  readonly #buckets = Array.from({ length: bucketCount }, () => new Map<string, Located>());
  #count = 0;
  /** Segments that hold older records of a blob, besides the one that counts. Rare, and few. */
  readonly #shadows = new Map<string, Set<number>>();
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Content of all blobs. */
  get bytes(): number {
    return this.#bytes;
  }

  get(blob: string): Located | undefined {
    return this.#bucket(blob).get(blob);
  }

  /** The answer is what was there under this id. */
  set(blob: string, located: Located): Located | undefined {
    const before = this.delete(blob);
    this.#bucket(blob).set(blob, located);
    this.#count++;
    this.#bytes += located.bytes;
    return before;
  }

  delete(blob: string): Located | undefined {
    const bucket = this.#bucket(blob);
    const located = bucket.get(blob);
    if (located === undefined) return undefined;
    bucket.delete(blob);
    this.#count--;
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
    for (const bucket of this.#buckets) bucket.clear();
    this.#count = 0;
    this.#bytes = 0;
  }

  *entries(): Generator<[string, Located]> {
    for (const bucket of this.#buckets) yield* bucket.entries();
  }

  /** Ids after `after` in order, at most `limit`. */
  page(after: string, limit: number): readonly string[] {
    const found: string[] = [];
    const first = after === '' ? 0 : numberOf(after);
    for (let number = first; number < bucketCount && found.length < limit; number++) {
      const bucket = this.#buckets[number] ?? new Map<string, Located>();
      const ids = [...bucket.keys()].filter((blob) => blob > after);
      found.push(...ids.toSorted().slice(0, limit - found.length));
    }
    return found;
  }

  #bucket(blob: string): Map<string, Located> {
    const bucket = this.#buckets[numberOf(blob)];
    invariant(bucket !== undefined, 'a blob id is hex');
    return bucket;
  }
}

function numberOf(blob: string): number {
  return Number.parseInt(blob.slice(0, 2), 16);
}
