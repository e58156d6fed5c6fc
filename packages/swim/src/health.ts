/**
 * How well this very node is, 0 (well) to `max`: Lifeguard's local health multiplier minus one (§IV-A). A node that
 * misses nacks, has to refute, or stands still trusts its own judgement less: it probes more slowly and waits longer.
 */
export class LocalHealth {
  readonly #max: number;
  #score = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get score(): number {
    return this.#score;
  }

  /** Timeouts of single probes are stretched by this factor, 1 when well. */
  get factor(): number {
    return this.#score + 1;
  }

  /**
   * Intervals and suspicions are stretched by this factor, at most 2. Lifeguard stretches them as far as timeouts, for
   * members that are slow; here a slow member knows by its late timers, and what is left is loss, which does not get
   * better by looking less often.
   */
  get patience(): number {
    return Math.min(2, this.factor);
  }

  worsen(points = 1): void {
    this.#score = Math.min(this.#max, this.#score + points);
  }

  improve(): void {
    this.#score = Math.max(0, this.#score - 1);
  }
}
