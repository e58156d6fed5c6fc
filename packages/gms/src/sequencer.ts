import { countMax, headerBytes, segmentHeaderBytes, tags, writeHeader, writeSegmentHeader } from './frames.ts';
import type { OrderedMessage } from './messages.ts';
import type { ViewTable } from './view-table.ts';

interface Waiting {
  readonly rank: number;
  readonly first: number;
  readonly count: number;
  readonly body: Uint8Array;
}

export type Acceptance = 'taken' | 'duplicate' | 'gap';

const slabBytes = 65_536;

/**
 * The leader's work in one view: takes batches of requests, each sender's in the order of their numbers and each once, and
 * puts them into the row as they are, as many into a frame as fit. Its own go through the same queue, because a leader
 * that prefers itself starves the others.
 */
export class Sequencer {
  readonly #table: ViewTable;
  readonly #frameBytes: number;
  /** By rank, the number of the next request to take. */
  readonly #expected: number[];
  #queue: Waiting[] = [];
  #head = 0;
  #slab = new Uint8Array(0);
  #used = 0;
  /** Bytes that wait to be put into the row. */
  waitingBytes = 0;

  constructor(table: ViewTable, frameBytes: number) {
    this.#table = table;
    this.#frameBytes = frameBytes;
    this.#expected = table.proposal.places.map(({ nextRequest }) => nextRequest);
  }

  expected(rank: number): number {
    return this.#expected[rank] ?? 0;
  }

  accept(rank: number, first: number, count: number, body: Uint8Array): Acceptance {
    const expected = this.expected(rank);
    if (first !== expected) return first < expected ? 'duplicate' : 'gap';
    this.#expected[rank] = expected + count;
    this.#queue.push({ rank, first, count, body });
    this.waitingBytes += body.length;
    return 'taken';
  }

  /** The next frame of the row, beginning with this sequence; undefined when nothing waits. */
  next(sequence: number, stable: number): OrderedMessage | undefined {
    if (this.#head === this.#queue.length) return undefined;
    const { last, size } = this.#fit();
    const frame = this.#room(size);
    let offset = headerBytes;
    let count = 0;
    for (; this.#head < last; this.#head++) {
      const { rank, first, count: inSegment, body } = this.#queue[this.#head] as Waiting;
      writeSegmentHeader(frame, offset, { rank, count: inSegment, bodyBytes: body.length, first });
      frame.set(body, offset + segmentHeaderBytes);
      offset += segmentHeaderBytes + body.length;
      count += inSegment;
      this.waitingBytes -= body.length;
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    const { stamp } = this.#table;
    writeHeader(frame, { tag: tags.ordered, count, ...stamp, a: stable, b: sequence });
    return { kind: 'ordered', ...stamp, stable, first: sequence, count, frame };
  }

  // As many segments as fit, one at least.
  #fit(): { readonly last: number; readonly size: number } {
    let size = headerBytes;
    let count = 0;
    let index = this.#head;
    for (; index < this.#queue.length; index++) {
      const waiting = this.#queue[index] as Waiting;
      const needed = segmentHeaderBytes + waiting.body.length;
      if (index > this.#head && (size + needed > this.#frameBytes || count + waiting.count > countMax)) break;
      size += needed;
      count += waiting.count;
    }
    return { last: index, size };
  }

  #room(size: number): Uint8Array {
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, size));
      this.#used = 0;
    }
    const frame = this.#slab.subarray(this.#used, this.#used + size);
    this.#used += size;
    return frame;
  }
}
