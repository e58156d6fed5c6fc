/**
 * How far the leader may run ahead: so many bytes that not a majority holds. The majority, and not the slowest, so that one
 * member that stands still for a moment holds nobody up.
 */
export class Pace {
  readonly #bytesMax: number;
  #frames: { readonly last: number; readonly size: number }[] = [];
  #head = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isOpen(): boolean {
    return this.#bytes < this.#bytesMax;
  }

  /** A frame that ends with message `last` was sent. */
  sent(last: number, size: number): void {
    this.#frames.push({ last, size });
    this.#bytes += size;
  }

  /** How much each member holds, the leader included. */
  acked(acks: readonly number[]): void {
    if (this.#bytes === 0) return;
    const held = acks.toSorted((a, b) => b - a)[Math.floor(acks.length / 2)] ?? 0;
    for (; this.#head < this.#frames.length; this.#head++) {
      const frame = this.#frames[this.#head] as { readonly last: number; readonly size: number };
      if (frame.last > held) break;
      this.#bytes -= frame.size;
    }
    if (this.#head < 64 && this.#head < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#head = 0;
  }
}
