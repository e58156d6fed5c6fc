export interface Figures {
  readonly name: string;
  readonly p50Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
}

/** What a message took, in µs. */
export function figures(name: string, tookUs: readonly number[]): Figures {
  const sorted = tookUs.toSorted((one, other) => one - other);
  const at = (quantile: number): number => Math.round(sorted[Math.floor(sorted.length * quantile)] ?? Number.NaN);
  return { name, p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) };
}
