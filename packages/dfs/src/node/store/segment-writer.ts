import { crc32 } from 'node:zlib';
import type { DataFile } from './data-file.ts';
import { frameBytes } from './config.ts';
import { blockBytes, type FrameBuffer } from './frame-buffers.ts';
import {
  align,
  encodeHeader,
  encodeSeal,
  encodeTrailer,
  recordBytes,
  type RecordHeader,
  type RecordLayout,
  type SealEntry,
} from './record.ts';

/** Up to here a write is a copy into the system's memory, which is quicker than asking another thread to do it. */
const inlineBytesMax = 262_144;
const zeros = new Uint8Array(inlineBytesMax);

interface Item {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly offset: number;
  /** In blocks, here and in the file. */
  readonly isAligned: boolean;
  readonly done: (error?: unknown) => void;
}

export interface SegmentOptions {
  readonly layout: RecordLayout;
  readonly aheadBytes: number;
  readonly batchBytesMax: number;
  /** Starts the CRC of each header. */
  readonly salt: number;
  /** A sync failed: nothing may be written any more. */
  readonly onSyncFailed: (cause: unknown) => void;
}

/**
 * Appends records to one file. What arrives in one turn of the event loop, and during the sync before, is written and
 * synced together (group commit: DeWitt et al. 1984 §2.3).
 */
export class SegmentWriter {
  readonly number: number;
  readonly file: DataFile;
  readonly entries: SealEntry[] = [];
  readonly #options: SegmentOptions;
  #tail = 0;
  #zeroedTo = 0;
  /** Zeros on their way to the disk, from this place on: records must not be written there before they have arrived. */
  #zeroing: { readonly from: number; readonly done: Promise<void> } | undefined;
  #pending: Item[] = [];
  #written: Item[] = [];
  #isScheduled = false;
  #isWriting = false;
  #isSyncing = false;
  #isZeroing = false;
  #whenIdle: (() => void)[] = [];

  constructor(number: number, file: DataFile, options: SegmentOptions) {
    this.number = number;
    this.file = file;
    this.#options = options;
  }

  /** Where the next record goes. */
  get tail(): number {
    return this.#tail;
  }

  /** Writes the first zeros ahead. */
  async prepare(): Promise<void> {
    if (this.#options.aheadBytes > 0) await this.#zero(this.#options.aheadBytes);
  }

  /** Takes a record; its place at once, and the promise when it is durable. */
  append(
    record: RecordHeader,
    payload: readonly Uint8Array[],
    buffers?: readonly FrameBuffer[],
  ): { readonly offset: number; readonly durable: Promise<void> } {
    const { layout, salt } = this.#options;
    const header = encodeHeader(record, layout, salt);
    const bytes = recordBytes(layout, record.table.length, record.payloadBytes);
    const isAligned = layout === 'blocks' && buffers !== undefined;
    const parts = isAligned ? inBlocks(header, buffers, record.payloadBytes) : padded(header, payload, layout, bytes);
    const offset = this.#tail;
    this.#tail += bytes;
    const durable = new Promise<void>((resolve, reject) => {
      const done = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      this.#pending.push({ parts, bytes, offset, isAligned, done });
    });
    this.#schedule();
    return { offset, durable };
  }

  /** Writes what the segment holds as its last record, when everything before is durable. */
  async seal(sequence: number): Promise<void> {
    await this.idle();
    this.file.closeDirect();
    const index = encodeSeal(this.entries);
    const header = sealHeader(sequence, index, this.#options.salt);
    const offset = this.#tail;
    const exact = header.length + index.length;
    const end = align(exact, 8);
    await this.file.write([header, index, zeros.subarray(0, end - exact), encodeTrailer(offset)], offset);
    await this.file.truncate(offset + end + 16);
    await this.file.sync();
  }

  /** Resolves when nothing waits to be written or synced. */
  async idle(): Promise<void> {
    while (this.#pending.length + this.#written.length > 0 || this.#isWriting || this.#isSyncing || this.#isZeroing)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Rejects what waits; nothing is written any more. */
  fail(error: unknown): void {
    const items = [...this.#pending, ...this.#written];
    this.#pending = [];
    this.#written = [];
    for (const { done } of items) done(error);
    this.#settle();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    if (this.#isWriting || this.#pending.length === 0) return;
    const batch = this.#takeBatch();
    const first = batch[0] as Item;
    const bytes = batch.reduce((sum, item) => sum + item.bytes, 0);
    const parts = batch.flatMap((item) => item.parts);
    this.#isWriting = true;
    try {
      while (this.#zeroing !== undefined && first.offset + bytes > this.#zeroing.from) await this.#zeroing.done;
      if (batch.every(({ isAligned }) => isAligned) && (await this.file.writeDirect(parts, first.offset))) {
        for (const { done } of batch) done();
      } else {
        if (bytes <= inlineBytesMax) this.file.writeNow(parts, first.offset);
        else await this.file.write(parts, first.offset);
        this.#written.push(...batch);
      }
    } catch (cause) {
      // The places after it are free again: what follows would leave a gap that looks like the end.
      const lost = [...batch, ...this.#pending];
      this.#pending = [];
      this.#tail = first.offset;
      for (const { done } of lost) done(cause);
    }
    this.#isWriting = false;
    if (this.#pending.length > 0) this.#schedule();
    void this.#sync();
    this.#writeAhead();
    this.#settle();
  }

  #takeBatch(): Item[] {
    let bytes = 0;
    let count = 0;
    for (const item of this.#pending) {
      if (count > 0 && bytes + item.bytes > this.#options.batchBytesMax) break;
      bytes += item.bytes;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  async #sync(): Promise<void> {
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    while (this.#written.length > 0) {
      const batch = this.#written;
      this.#written = [];
      try {
        await this.file.sync();
      } catch (cause) {
        for (const { done } of batch) done(cause);
        this.#options.onSyncFailed(cause);
        break;
      }
      for (const { done } of batch) done();
    }
    this.#isSyncing = false;
    this.#settle();
  }

  /** Keeps written zeros ahead of the tail: blocks that are there already make a sync cheaper. */
  #writeAhead(): void {
    const { aheadBytes } = this.#options;
    if (aheadBytes === 0 || this.#isZeroing || this.#tail + aheadBytes / 2 < this.#zeroedTo) return;
    this.#isZeroing = true;
    void this.#zero(this.#tail + aheadBytes).finally(() => {
      this.#isZeroing = false;
      this.#settle();
    });
  }

  async #zero(to: number): Promise<void> {
    try {
      let at = Math.max(this.#zeroedTo, this.#tail);
      while (at < to) {
        // The tail may have overtaken: nothing that was written may be zeroed.
        at = Math.max(at, this.#tail);
        const count = Math.min(zeros.length, to - at);
        if (count <= 0) break;
        const done = this.file.write([zeros.subarray(0, count)], at);
        this.#zeroing = { from: at, done: done.catch(() => {}) };
        await done;
        at += count;
      }
      this.#zeroedTo = Math.max(this.#zeroedTo, at);
    } catch {
      // No room to write ahead: the records themselves will say so.
    }
    this.#zeroing = undefined;
    try {
      await this.file.sync();
    } catch (cause) {
      // The system tells a failed sync once: records that were under way may be what was lost.
      this.#options.onSyncFailed(cause);
    }
  }

  #settle(): void {
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}

function sealHeader(sequence: number, index: Buffer, salt: number): Buffer {
  const header: RecordHeader = {
    kind: 4,
    sequence,
    epoch: 0,
    blob: '0'.repeat(32),
    bytes: 0,
    of: 0,
    sha256: '0'.repeat(64),
    payloadBytes: index.length,
    table: [crc32(index)],
  };
  return encodeHeader(header, 'packed', salt);
}

/** A record with the zeros that its layout has behind the header and at the end. */
function padded(header: Buffer, payload: readonly Uint8Array[], layout: RecordLayout, bytes: number): Uint8Array[] {
  const gap = layout === 'packed' ? 0 : align(header.length, blockBytes) - header.length;
  const rest = bytes - gap - header.length - payload.reduce((sum, part) => sum + part.length, 0);
  const parts = [header, zeros.subarray(0, gap), ...payload, zeros.subarray(0, rest)];
  return parts.filter(({ length }) => length > 0);
}

/** A record whose content lies in buffers, a frame in each: what is missing to whole blocks is filled up there. */
function inBlocks(header: Buffer, buffers: readonly FrameBuffer[], payloadBytes: number): readonly Uint8Array[] {
  return buffers.map(({ head, content, all }, index) => {
    const bytes = Math.min(frameBytes, payloadBytes - index * frameBytes);
    const end = align(bytes, blockBytes);
    content.fill(0, bytes, end);
    if (index > 0) return content.subarray(0, end);
    header.copy(head);
    head.fill(0, header.length);
    return all.subarray(0, blockBytes + end);
  });
}
