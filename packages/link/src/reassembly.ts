/** Room for unfinished messages, shared by all peers. */
export interface ReassemblyBudget {
  /** Bytes of messages that have begun and not ended. */
  reserved: number;
  readonly maxBytes: number;
}

// A message's memory grows as its fragments come, so that announcing a long one costs the announcer as much as us.
const firstBytesMax = 262_144;

/** The one message of a peer that is coming in fragments; there is never more than one, because packets are in order. */
export class Reassembly {
  readonly #budget: ReassemblyBudget;
  #buffer: Uint8Array | undefined;
  #totalBytes = 0;
  #filledBytes = 0;

  constructor(budget: ReassemblyBudget) {
    this.#budget = budget;
  }

  get isOpen(): boolean {
    return this.#buffer !== undefined;
  }

  /** Whether a message of this size may begin, once the open one has ended. */
  hasRoom(totalBytes: number): boolean {
    const others = this.#budget.reserved - (this.isOpen ? this.#totalBytes : 0);
    return others + totalBytes <= this.#budget.maxBytes;
  }

  begin(totalBytes: number): void {
    this.#budget.reserved += totalBytes;
    this.#totalBytes = totalBytes;
    this.#filledBytes = 0;
    this.#buffer = new Uint8Array(Math.min(totalBytes, firstBytesMax));
  }

  /** False: longer than announced. */
  append(fragment: Uint8Array): boolean {
    const needed = this.#filledBytes + fragment.length;
    if (this.#buffer === undefined || needed > this.#totalBytes) return false;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#totalBytes, Math.max(needed, 2 * this.#buffer.length)));
      larger.set(this.#buffer.subarray(0, this.#filledBytes));
      this.#buffer = larger;
    }
    this.#buffer.set(fragment, this.#filledBytes);
    this.#filledBytes = needed;
    return true;
  }

  /** The whole message; undefined when it is shorter than announced. */
  finish(): Uint8Array | undefined {
    const whole = this.#filledBytes === this.#totalBytes ? this.#buffer : undefined;
    this.clear();
    return whole;
  }

  clear(): void {
    if (this.#buffer === undefined) return;
    this.#budget.reserved -= this.#totalBytes;
    this.#buffer = undefined;
  }
}
