/** Memory that many outgoing datagrams lie in, one behind the other. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** Where the next datagram starts. */
  used: number;
  /** Datagrams in it that are not acknowledged yet. */
  live: number;
}

const keptMax = 32;

/**
 * Lends memory to the send windows of all peers. What comes back first goes out first, so that a quiet system stays
 * within a few pages of cache.
 */
export class ChunkPool {
  readonly chunkBytes: number;
  readonly #kept: Chunk[] = [];

  /** @param datagramBytes the longest datagram */
  constructor(datagramBytes: number) {
    this.chunkBytes = Math.max(65_536, 4 * datagramBytes);
  }

  take(): Chunk {
    return this.#kept.pop() ?? { bytes: new Uint8Array(this.chunkBytes), used: 0, live: 0 };
  }

  giveBack(chunk: Chunk): void {
    chunk.used = 0;
    chunk.live = 0;
    if (this.#kept.length < keptMax) this.#kept.push(chunk);
  }
}
