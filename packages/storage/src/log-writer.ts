import { invariant, type Cancel, type Clock, type Disk } from '@grp/core';
import { Batch } from './batch.ts';
import type { LogConfig } from './config.ts';
import { frameBytes, frameHeaderBytes, frameTypes, setUint53, viewOf } from './frame.ts';
import type { FrameContent, LogImage } from './log-image.ts';
import { encodeStart, segmentHeaderBytes, startBytes, type SegmentFile } from './segment.ts';
import { isFullError, type SegmentPool } from './segment-pool.ts';
import type { StateFile } from './state-file.ts';
import type { Position } from './entry-index.ts';
import type { PreviousSegment } from './recovery.ts';
import type { ScanTail } from './scan.ts';
import type { Ticket } from './types.ts';

export interface LogWriterOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly config: LogConfig;
  readonly image: LogImage;
  readonly pool: SegmentPool;
  readonly state: StateFile;
  readonly onDurable: (ticket: Ticket, lastIndex: number) => void;
  /** `isStalled` has changed. */
  readonly onFull: () => void;
  /** The log goes on in this segment. */
  readonly onSegment: (segment: SegmentFile) => void;
  readonly onError: (cause: unknown) => void;
}

/** The largest start frame. */
const startFrameBytesMax = 1_280;
const noPayload = new Uint8Array(0);

/**
 * Places frames one after another and makes them durable in batches: one write and one sync each, one at a time. What
 * arrives meanwhile is encoded into the next batch, so that it leaves at once when its turn comes.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #active: SegmentFile | undefined;
  #offset = segmentHeaderBytes;
  #chain: number;
  #epoch: number;
  #ticket: Ticket = 0;
  /** The batch that is being filled. */
  #open: Batch | undefined;
  readonly #full: Batch[] = [];
  #inFlight: Batch | undefined;
  #queuedBytes = 0;
  readonly #buffers: Uint8Array[] = [];
  #durableId = 0;
  #cancelRetry: Cancel = () => {};
  #isStopped = false;
  #isStalled = false;
  #onIdle: (() => void) | undefined;

  constructor(options: LogWriterOptions, tail: ScanTail) {
    this.#options = options;
    this.#chain = tail.chain;
    this.#epoch = tail.epoch;
  }

  /** Accepted and not durable yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The disk has refused a batch for want of room, and is asked again now and then. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** The segment of the last durable batch. */
  get durableId(): number {
    return this.#durableId;
  }

  /** Whether frames of so many bytes in all have room that is sure to be there. */
  hasRoom(bytes: number, largestBytes: number, purpose: 'entries' | 'control'): boolean {
    const { pool } = this.#options;
    const room = this.#room();
    if (pool.next !== undefined) {
      if (bytes <= room) return true;
      const following = pool.next.sizeBytes - segmentHeaderBytes - startFrameBytesMax - 2 * frameHeaderBytes;
      // What is left at the end of the active one may be just too little for one frame.
      return bytes <= Math.max(0, room - largestBytes) + following - this.#reserve(pool.next);
    }
    const reserve = purpose === 'control' || this.#active === undefined ? 0 : this.#reserve(this.#active);
    return bytes <= room - reserve;
  }

  /** Begins the first segment of this process with what must be in it at once. Resolves when it is durable. */
  async begin(segment: SegmentFile, previous: PreviousSegment, copies: readonly FrameContent[]): Promise<void> {
    const { disk, image } = this.#options;
    const base = copies.find(({ type }) => type === frameTypes.entry);
    const last = base === undefined ? image.last : { index: base.index - 1, term: image.term(base.index - 1) ?? 0 };
    const copiedBytes = copies.reduce((sum, { payload }) => sum + frameBytes(payload.length), 0);
    const payload = startOf(image, { ...previous, copiedBytes });
    this.#active = segment;
    this.#offset = segmentHeaderBytes;
    const batch = this.#batch();
    this.#put({ type: frameTypes.start, ...last, payload });
    for (const copy of copies) {
      const position = this.#put(copy);
      if (copy.type === frameTypes.entry || copy.type === frameTypes.repair)
        image.index.replace(copy.index, copy.term, position);
    }
    this.#open = undefined;
    await disk.write(segment.file, batch.start, batch.finish());
    await disk.sync(segment.file);
    this.#durableId = segment.id;
    this.#queuedBytes = 0;
    await this.saveState();
  }

  /** Writes the second copy of what matters. One call at a time. */
  async saveState(): Promise<void> {
    const { image, state } = this.#options;
    const { compacted, hardState } = image;
    await state.write({ activeId: this.#durableId, compacted, hardState });
  }

  /** Adds a frame to the log, which must have room. It is on its way after `commit`. */
  add(content: FrameContent): void {
    const { image } = this.#options;
    const { type, index } = content;
    if (type === frameTypes.truncate) this.#cutBack(index - 1);
    if (type === frameTypes.reset) this.#cutBack(0);
    // What changes the past is counted, so that a gap tells whether it has swallowed such a change.
    const isRewriting = type === frameTypes.truncate || type === frameTypes.reset || type === frameTypes.repair;
    if (isRewriting) this.#epoch = (this.#epoch + 1) & 255;
    this.#makeRoom(frameBytes(content.payload.length));
    const position = this.#put(content);
    image.apply(content, position);
    if (content.type === frameTypes.hardState) this.#batch().hasHardState = true;
  }

  /** Ends a batch that is large enough, in the middle of a change. */
  split(): void {
    if ((this.#open?.usedBytes ?? 0) >= this.#options.config.batchBytesMax) this.#closeBatch();
  }

  /** Hard state that the log has no room for goes into the state file alone. */
  addToState(sequence: number, bytes: Uint8Array): void {
    this.#options.image.hardState = { sequence, bytes };
    this.#batch().hasHardState = true;
  }

  /** What was added since the last commit gets a ticket, and is written as soon as the disk is free. */
  commit(): Ticket {
    const batch = this.#batch();
    batch.ticket = ++this.#ticket;
    batch.lastIndex = this.#options.image.index.last;
    this.split();
    // Not at once: what is said to others in this turn goes first, because handing work to the disk takes its time.
    if (this.#inFlight === undefined) queueMicrotask(() => this.#kick());
    return this.#ticket;
  }

  /** Resolves when nothing is under way or waiting. */
  async idle(): Promise<void> {
    if (this.#isStopped || (this.#inFlight === undefined && this.#open === undefined)) return;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Nothing more is written. What is under way may or may not get there. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry();
    this.#onIdle?.();
  }

  // The log is written anew above this index: what is on its way holds no entry there that is still valid.
  #cutBack(last: number): void {
    for (const batch of [this.#inFlight, ...this.#full, this.#open])
      if (batch !== undefined) batch.lastIndex = Math.min(batch.lastIndex, last);
  }

  // Room for the terminator and a seal is always left.
  #room(): number {
    return (this.#active?.sizeBytes ?? 0) - this.#offset - 2 * frameHeaderBytes;
  }

  // For hard state, truncations and compactions when there is no other segment to go on in.
  #reserve({ sizeBytes }: SegmentFile): number {
    return Math.min(65_536, sizeBytes >> 3);
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#room()) return;
    const { image, pool } = this.#options;
    const full = this.#active as SegmentFile;
    this.#put({ type: frameTypes.seal, ...image.last, payload: noPayload });
    this.#closeBatch();
    const end = this.#offset;
    const next = pool.take();
    invariant(next !== undefined, 'what was accepted has room');
    this.#active = next;
    this.#options.onSegment(next);
    this.#offset = segmentHeaderBytes;
    const payload = startOf(image, { id: full.id, end, copiedBytes: 0 });
    this.#put({ type: frameTypes.start, ...image.last, payload });
  }

  #put({ type, index, term, payload }: FrameContent): Position {
    const batch = this.#batch();
    const segment = this.#active as SegmentFile;
    const bytes = frameBytes(payload.length);
    this.#chain = batch.add({ type, epoch: this.#epoch, index, term, previous: this.#chain, payload });
    const position = { segment: segment.id, offset: this.#offset, bytes };
    this.#offset += bytes;
    this.#queuedBytes += bytes;
    return position;
  }

  #batch(): Batch {
    const buffer = this.#open === undefined ? (this.#buffers.pop() ?? new Uint8Array(65_536)) : undefined;
    if (buffer !== undefined) this.#open = new Batch(this.#active as SegmentFile, this.#offset, buffer);
    return this.#open as Batch;
  }

  // Before its commit, the last frames belong to the ticket of the next batch.
  #closeBatch(): void {
    const batch = this.#open as Batch;
    batch.lastIndex = this.#options.image.index.last;
    this.#full.push(batch);
    this.#open = undefined;
  }

  #kick(): void {
    if (this.#inFlight !== undefined || this.#isStopped) return;
    const batch = this.#full.shift() ?? this.#open;
    if (batch === undefined) {
      this.#onIdle?.();
      return;
    }
    if (batch === this.#open) this.#open = undefined;
    this.#inFlight = batch;
    void this.#flush(batch);
  }

  async #flush(batch: Batch): Promise<void> {
    const saving = batch.hasHardState ? outcomeOf(this.saveState()) : undefined;
    let problem = await outcomeOf(this.#write(batch));
    // Both are heard before anything is tried again: what is still under way must not be met by the next attempt, and a
    // loss of bytes on one side is not mended by waiting for room on the other.
    if (saving !== undefined && (problem === undefined || isFullError(problem.cause)))
      problem = graver(problem, await saving);
    if (this.#isStopped) return;
    if (problem === undefined) this.#finish(batch);
    else if (isFullError(problem.cause)) this.#retry(batch);
    else this.#options.onError(problem.cause);
  }

  async #write(batch: Batch): Promise<void> {
    const { disk } = this.#options;
    const { file } = batch.segment;
    if (batch.usedBytes === 0) return;
    if (disk.writeDurably !== undefined) return disk.writeDurably(file, batch.start, batch.finish());
    await disk.write(file, batch.start, batch.finish());
    if (!this.#isStopped) await disk.sync(file);
  }

  // A file system that copies on write may lack room for bytes that were allocated. Nothing that was acknowledged was lost by
  // that: bytes of this batch alone were under way, and all of them are written again, the same ones at the same place, so
  // that whatever a first attempt has left there is either replaced by what it is already or completed.
  #retry(batch: Batch): void {
    const { clock, config } = this.#options;
    this.#cancelRetry = clock.wakeAt(clock.now() + config.fullRetryMs, () => void this.#flush(batch));
    this.#setStalled(true);
  }

  #setStalled(isStalled: boolean): void {
    if (isStalled === this.#isStalled) return;
    this.#isStalled = isStalled;
    this.#options.onFull();
  }

  #finish(batch: Batch): void {
    const { onDurable } = this.#options;
    this.#inFlight = undefined;
    this.#durableId = batch.segment.id;
    this.#queuedBytes -= batch.usedBytes;
    const { ticket, lastIndex, buffer } = batch;
    // The disk is not kept waiting by what listeners do.
    this.#kick();
    if (ticket > 0) onDurable(ticket, lastIndex);
    this.#setStalled(false);
    if (this.#buffers.length < 2) this.#buffers.push(buffer);
  }
}

/** The size of a segment that can be begun with these frames, and has room for as much again. */
export function openingBytesOf(copies: readonly FrameContent[]): number {
  const bytes = copies.reduce((sum, { payload }) => sum + frameBytes(payload.length), 0);
  return 2 * (segmentHeaderBytes + startFrameBytesMax + bytes);
}

function startOf(
  { compacted, commitHint, hardState, unsettled }: LogImage,
  { id, end, copiedBytes }: { readonly id: number; readonly end: number; readonly copiedBytes: number },
): Uint8Array {
  const record = { previousId: id, previousEnd: end, compacted, commitHint, hardState, unsettled };
  const bytes = frameBytes(startBytes + (hardState?.bytes.length ?? 0));
  return encodeStart({ ...record, openingEnd: segmentHeaderBytes + bytes + copiedBytes });
}

interface Problem {
  readonly cause: unknown;
}

/** Undefined: it went well. */
async function outcomeOf(work: Promise<void>): Promise<Problem | undefined> {
  try {
    await work;
    return undefined;
  } catch (cause) {
    return { cause };
  }
}

/** A loss before a lack of room, and that before nothing. */
function graver(one: Problem | undefined, other: Problem | undefined): Problem | undefined {
  return other !== undefined && !isFullError(other.cause) ? other : (one ?? other);
}

/** The payload of a frame that says one or two numbers. */
export function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = viewOf(bytes);
  for (const [position, value] of values.entries()) setUint53(view, position * 8, value);
  return bytes;
}
