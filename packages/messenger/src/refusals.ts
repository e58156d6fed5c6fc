const reasonsMax = 64;

/** What was refused, by reason: counted, and forgotten. */
export class Refusals {
  readonly #counts = new Map<string, number>();

  count(reason: string, times = 1): void {
    if (!this.#counts.has(reason) && this.#counts.size >= reasonsMax) return;
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + times);
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}
