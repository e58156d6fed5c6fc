import { frameBytes, frameHeaderBytes, viewOf, writeFrame, type FrameFields } from './frame.ts';
import type { SegmentFile } from './segment.ts';
import type { Ticket } from './types.ts';

/** Frames of one segment that are written and synced together. */
export class Batch {
  readonly segment: SegmentFile;
  /** Its place in the segment. */
  readonly start: number;
  #bytes: Uint8Array;
  #view: DataView;
  #used = 0;
  /** The newest change in it. */
  ticket: Ticket = 0;
  /** Entries up to here are on their way once it is written. */
  lastIndex = 0;
  /** The state file has to be written too. */
  hasHardState = false;

  constructor(segment: SegmentFile, start: number, buffer: Uint8Array) {
    this.segment = segment;
    this.start = start;
    this.#bytes = buffer;
    this.#view = viewOf(buffer);
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** For the next batch, when this one is done. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** Adds a frame; gives its checksum. */
  add(fields: Omit<FrameFields, 'batchStart'>): number {
    const bytes = frameBytes(fields.payload.length);
    // A terminator follows the last frame.
    if (this.#used + bytes + frameHeaderBytes > this.#bytes.length) this.#grow(this.#used + bytes + frameHeaderBytes);
    const at = this.#used;
    this.#used += bytes;
    return writeFrame(this.#view, this.#bytes, at, this.segment.id, { ...fields, batchStart: this.start });
  }

  /** The frames, and zeros behind them that say that there are no more. */
  finish(): Uint8Array {
    const end = this.#used + frameHeaderBytes;
    this.#bytes.fill(0, this.#used, end);
    return this.#bytes.subarray(0, end);
  }

  #grow(wanted: number): void {
    const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}
