/** Bytes in memory for all transfers of a node. What comes in anyway is counted; what asks first waits for room. */
export class Budget {
  readonly #bytesMax: number;
  #usedBytes = 0;
  #waiting: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isSpent(): boolean {
    return this.#usedBytes >= this.#bytesMax;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.isSpent) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when there is room, at once if there is. Takes nothing. */
  async room(): Promise<void> {
    while (this.isSpent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
