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

  /** Timeouts and intervals are stretched by this factor, 1 when well. */
  get factor(): number {
    return this.#score + 1;
  }

  worsen(points = 1): void {
    this.#score = Math.min(this.#max, this.#score + points);
  }

  improve(): void {
    this.#score = Math.max(0, this.#score - 1);
  }
}
