import { invariant } from '@grp/core';
import { eachPayload, segmentsOf, type Segment } from './frames.ts';
import { OrderHash, type HashState } from './hash.ts';
import type { OrderedMessage } from './messages.ts';
import { RequestCounts } from './request-counts.ts';
import type { ViewTable } from './view-table.ts';

/** A piece of the row: one ordered frame, and the view in which its messages are delivered. */
export interface Batch {
  readonly table: ViewTable;
  readonly first: number;
  readonly last: number;
  readonly message: OrderedMessage;
  readonly segments: readonly Segment[];
}

/**
 * The row of messages as this member has it: what it holds, what it has delivered, and what is known to be held by all.
 * One sequence across all views. stable ≤ received, delivered ≤ received; what is neither stable nor delivered is kept.
 */
export class Row {
  /** Everything up to here is held, or was. */
  received: number;
  delivered: number;
  stable: number;
  /** Which requests of whom have been delivered. */
  readonly counts: RequestCounts;
  #hash: OrderHash;
  /** Bytes of the batches that are kept. */
  bytes = 0;
  // A deque: from `#head` on, in order. Batches before it are free.
  #batches: Batch[] = [];
  #head = 0;
  /** Index of the first batch that was not delivered. */
  #next = 0;

  /** A row that begins after `start`. */
  constructor(start: number, counts: RequestCounts = new RequestCounts(), hash?: HashState) {
    this.received = start;
    this.delivered = start;
    this.stable = start;
    this.counts = counts;
    this.#hash = new OrderHash(hash);
  }

  get hash(): OrderHash {
    return this.#hash;
  }

  get orderHash(): string {
    return this.#hash.hex;
  }

  /** Holds a message that is next in the row. */
  append(table: ViewTable, message: OrderedMessage): Batch {
    invariant(message.first === this.received + 1, 'the row has no gaps');
    const last = message.first + message.count - 1;
    const batch = { table, first: message.first, last, message, segments: segmentsOf(message) };
    this.#batches.push(batch);
    this.received = last;
    this.bytes += message.frame.length;
    return batch;
  }

  /** The next batch to deliver if it ends at or before `limit`; from then on it counts as delivered. */
  deliverNext(limit: number): Batch | undefined {
    const batch = this.#batches[this.#next];
    if (batch === undefined || batch.last > limit) return undefined;
    this.#next++;
    this.delivered = batch.last;
    this.#takeIn(batch);
    return batch;
  }

  /** Frees what all hold and what was delivered here. */
  release(stable: number): void {
    this.stable = Math.max(this.stable, stable);
    const limit = Math.min(this.stable, this.delivered);
    for (;;) {
      const batch = this.#batches[this.#head];
      if (batch === undefined || batch.last > limit) break;
      this.bytes -= batch.message.frame.length;
      this.#batches[this.#head++] = undefined as unknown as Batch;
    }
    if (this.#head < 64 || this.#head * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  /** What is held after `sequence`, in order. */
  *after(sequence: number): Generator<Batch> {
    for (let index = this.#head; index < this.#batches.length; index++) {
      const batch = this.#batches[index] as Batch;
      if (batch.first > sequence) yield batch;
    }
  }

  /** Whether everything after `sequence` is still here. */
  holdsAfter(sequence: number): boolean {
    const first = this.#batches[this.#head]?.first ?? this.received + 1;
    return first <= sequence + 1;
  }

  /** Drops what lies behind the cut: it was never delivered, and will be sent again. */
  truncate(cut: number): void {
    invariant(this.delivered <= cut, 'nothing behind the cut was delivered');
    while (this.received > cut) {
      const batch = this.#batches.pop() as Batch;
      this.received = batch.first - 1;
      this.bytes -= batch.message.frame.length;
    }
    this.stable = Math.min(this.stable, this.received);
  }

  /** The counts as they will be when everything up to `cut` has been delivered. */
  countsAt(cut: number): RequestCounts {
    const counts = this.counts.copy();
    for (let index = this.#next; index < this.#batches.length; index++) {
      const batch = this.#batches[index] as Batch;
      if (batch.last <= cut) countIn(counts, batch);
    }
    return counts;
  }

  /** Takes over the state of another member at `sequence`: what came before is in it. */
  begin(sequence: number, hash: HashState, counts: RequestCounts): void {
    invariant(sequence <= this.received, 'a state is taken over when the row reaches as far');
    while ((this.#batches[this.#next]?.last ?? Infinity) <= sequence) this.#next++;
    this.delivered = sequence;
    this.#hash = new OrderHash(hash);
    this.counts.replace(counts);
    this.release(this.stable);
  }

  #takeIn(batch: Batch): void {
    const { message, segments, table } = batch;
    const { frame } = message;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const hash = this.#hash;
    let sequence = batch.first;
    for (const segment of segments) {
      const sender = table.hashes[segment.rank] ?? 0;
      eachPayload(frame, segment, (start, end) => hash.add(sequence++, sender, view, start, end));
    }
    countIn(this.counts, batch);
  }
}

function countIn(counts: RequestCounts, { table, segments }: Batch): void {
  for (const { rank, first, count } of segments) {
    const member = table.view.members[rank];
    if (member !== undefined) counts.set(member.id, first + count);
  }
}
