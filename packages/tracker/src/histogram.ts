/** Buckets per factor of two: neighbours are 9 % apart. */
const perOctave = 8;
/** The first bucket ends at one microsecond, the last one begins at about 17 minutes. */
const smallestMs = 0.001;
const bucketCount = 30 * perOctave;

/** What `LatencyHistogram.toJSON` gives: bucket and count, ascending, without the empty ones. */
export type LatencyBuckets = readonly (readonly [bucket: number, count: number])[];

/**
 * Latencies by their logarithm, so that those of many members can be added up and a percentile be read from the sum (the
 * mean of percentiles is none). A percentile is off by less than 5 %. 240 buckets at most.
 */
export class LatencyHistogram {
  readonly #counts = new Map<number, number>();
  #count = 0;

  /** Those of `toJSON`; impossible buckets are left out. */
  static from(buckets: LatencyBuckets): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.merge(buckets);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  /** @param ms what is not a number from 0 up is left out */
  record(ms: number): void {
    if (!(ms >= 0)) return;
    const bucket = Math.ceil(Math.log2(Math.max(ms, smallestMs) / smallestMs) * perOctave);
    this.#add(Math.min(bucket, bucketCount - 1), 1);
  }

  merge(buckets: LatencyBuckets): void {
    for (const [bucket, count] of buckets) {
      if (isBucket(bucket) && Number.isSafeInteger(count) && count > 0) this.#add(bucket, count);
    }
  }

  /**
   * The latency, in ms, that the fraction `quantile` (0 … 1) of all stays below; undefined without any.
   * @example
   * histogram.quantile(0.99)
   */
  quantile(quantile: number): number | undefined {
    const wanted = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.toJSON()) {
      seen += count;
      if (seen >= wanted) return smallestMs * 2 ** ((bucket - 0.5) / perOctave);
    }
    return undefined;
  }

  toJSON(): LatencyBuckets {
    return [...this.#counts].toSorted(([a], [b]) => a - b);
  }

  #add(bucket: number, count: number): void {
    // Beyond that sums would no longer be exact; nobody measures so much.
    this.#counts.set(bucket, Math.min((this.#counts.get(bucket) ?? 0) + count, Number.MAX_SAFE_INTEGER));
    this.#count = Math.min(this.#count + count, Number.MAX_SAFE_INTEGER);
  }
}

/** Is it the number of a bucket? */
export function isBucket(bucket: number): boolean {
  return Number.isInteger(bucket) && bucket >= 0 && bucket < bucketCount;
}
