import { Events, invariant, type Cancel, type GrpError, type Logger } from '@grp/core';
import { hardStateBytesMax, type LogConfig } from './config.ts';
import { storageError } from './errors.ts';
import { frameBytes, frameTypes } from './frame.ts';
import type { LogImage } from './log-image.ts';
import type { LogReader } from './log-reader.ts';
import { numbers, type LogWriter } from './log-writer.ts';
import type { SegmentFile } from './segment.ts';
import type { SegmentPool } from './segment-pool.ts';
import type { Snapshots, SnapshotStore } from './snapshots.ts';
import type { TailCache } from './tail-cache.ts';
import type { Entry, LogEvent, LogPoint, Recovered, Ticket } from './types.ts';

/** What is in a log now, durable or not. */
export interface LogEntries {
  /** `lastIndex + 1` when there are none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Of an entry, or of the one that was compacted away last. Undefined: not in the log, or damaged and not known. */
  term(index: number): number | undefined;
  /**
   * The same as `read`, at once, when the first entry is in memory; undefined when it is not. Entries may be fewer than
   * asked for.
   */
  peek(from: number, to: number, bytesMax: number): readonly Entry[] | undefined;
  /**
   * Entries from `from` to `to`, both included, or fewer: at least one, and about `bytesMax` bytes at most beyond it.
   * @throws GrpError STORAGE_DAMAGED when the first one is damaged; entries before a damaged one are given
   */
  read(from: number, to: number, bytesMax: number): Promise<readonly Entry[]>;
}

/**
 * An append log with hard state and snapshots. Changes take effect at once in memory, in the order of the calls; each gives
 * a ticket, and a `durable` event with that ticket or a later one says when it survives a power cut. Nothing waits, so that
 * one machine can write, send and count at the same time.
 */
export interface Log {
  /** As it was found when it was opened. */
  readonly recovered: Recovered;
  readonly entries: LogEntries;
  readonly snapshots: Snapshots;
  /**
   * Adds entries, the first right behind the last one, and saves hard state before them, each optional. All or nothing is
   * taken. The log keeps the payloads; do not change them afterwards.
   * @throws GrpError STORAGE_FULL (hard state alone is still taken), STORAGE_BUSY, STORAGE_TOO_LONG, STORAGE_FAILED,
   * STORAGE_CLOSED
   */
  append(entries: readonly Entry[], hardState?: Uint8Array): Ticket;
  /** Entries from this index on go. Never below what is committed. @throws as `append` */
  truncate(from: number): Ticket;
  /** Entries up to this index go, and their files in time. A snapshot stands for them. @throws as `append` */
  compact(to: number): Ticket;
  /** All entries go; the log continues after this point, which a durable snapshot stands for. @throws as `append` */
  reset(point: LogPoint): Ticket;
  /** Puts entries that peers have sent in the place of damaged ones. @throws as `append` */
  repair(entries: readonly Entry[]): Ticket;
  /** Peers have settled what was uncertain, and no entry is damaged any more: damage is not reported again. */
  settle(): Ticket;
  /** Everything up to here is committed. Saved with the next batch, as a hint for the next start. */
  hintCommit(index: number): void;
  on(listener: (event: LogEvent) => void): Cancel;
  /** Waits until everything is durable, or the log has failed, and gives the folder free. Idempotent. */
  close(): Promise<void>;
}

export interface LogParts {
  readonly folder: string;
  readonly config: LogConfig;
  readonly logger: Logger;
  readonly image: LogImage;
  readonly cache: TailCache;
  readonly reader: LogReader;
  readonly writer: LogWriter;
  readonly pool: SegmentPool;
  readonly snapshots: SnapshotStore;
  readonly recovered: Recovered;
  readonly unlock: () => Promise<void>;
}

const noPayload = new Uint8Array(0);
/** A mark, and a frame or two of hard state. */
const sideBytes = 2 * frameBytes(8 + hardStateBytesMax);

/** The log as its users see it; `openLog` makes it. */
export class OpenLog implements Log {
  readonly recovered: Recovered;
  readonly entries: LogEntries;
  readonly #parts: LogParts;
  /** Segments in use, oldest first, the active one last. */
  readonly #segments: SegmentFile[];
  readonly #events: Events<LogEvent>;
  #state: 'open' | 'failed' | 'closed' = 'open';
  #failure: GrpError | undefined;
  #commitHint: number;
  /** Something was refused, and its owner waits for room. */
  #isRefused = false;
  #isToldFull = false;
  #settledBy: Ticket | undefined;
  #repairedBy = 0;
  /** Segments up to an id are not needed any more, once a ticket is durable. Ascending. */
  readonly #superfluous: { readonly ticket: Ticket; readonly id: number }[] = [];
  #dropping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: LogParts, segments: readonly SegmentFile[]) {
    this.#parts = parts;
    this.#segments = [...segments];
    this.#planDrop(0); // what a snapshot has overtaken
    this.recovered = parts.recovered;
    this.#commitHint = parts.image.commitHint;
    this.#events = new Events((cause) =>
      parts.logger.log('error', 'storage.listener-threw', { problem: String(cause) }),
    );
    this.entries = entriesOf(parts, () => this.#check());
  }

  get snapshots(): Snapshots {
    return this.#parts.snapshots;
  }

  on(listener: (event: LogEvent) => void): Cancel {
    return this.#events.on(listener);
  }

  append(entries: readonly Entry[], hardState?: Uint8Array): Ticket {
    this.#check();
    const { image, cache, config, writer } = this.#parts;
    const { bytes, largest } = this.#measure(entries, config.entryBytesMax);
    let { last } = image.index;
    for (const { index } of entries) invariant(index === ++last, 'entries follow the last one');
    if (hardState !== undefined && hardState.length > hardStateBytesMax)
      throw tooLong('Hard state', hardState.length, hardStateBytesMax);
    if (entries.length > 0 || hardState === undefined) this.#admit(bytes + sideBytes, largest, 'entries');
    this.#mark();
    if (hardState !== undefined) this.#saveHardState(hardState);
    for (const entry of entries) {
      writer.add({ type: frameTypes.entry, ...entry });
      cache.push(entry);
      writer.split();
    }
    return writer.commit();
  }

  truncate(from: number): Ticket {
    const { image, cache } = this.#parts;
    invariant(from > image.compacted.index, 'what was compacted away stays');
    const term = image.term(from - 1) ?? 0;
    const ticket = this.#control({ type: frameTypes.truncate, index: from, term, payload: noPayload });
    cache.truncate(from);
    return ticket;
  }

  compact(to: number): Ticket {
    const { image, snapshots } = this.#parts;
    invariant(to <= (snapshots.latest?.index ?? 0), 'a snapshot stands for what is compacted');
    invariant(to <= image.index.last, 'what is compacted is in the log');
    const term = image.term(to);
    if (to <= image.compacted.index || term === undefined) return this.#parts.writer.commit();
    const ticket = this.#control({ type: frameTypes.compact, ...image.last, payload: numbers(to, term) });
    this.#planDrop(ticket);
    return ticket;
  }

  reset(point: LogPoint): Ticket {
    invariant(point.index <= (this.snapshots.latest?.index ?? 0), 'a snapshot stands for what is left out');
    const ticket = this.#control({ type: frameTypes.reset, ...point, payload: noPayload });
    this.#parts.cache.clear();
    this.#planDrop(ticket);
    return ticket;
  }

  repair(entries: readonly Entry[]): Ticket {
    this.#check();
    const { image, cache, config, writer } = this.#parts;
    const { bytes, largest } = this.#measure(entries, config.entryBytesMax);
    for (const { index } of entries) invariant(image.index.has(index), 'only an entry of the log can be repaired');
    this.#admit(bytes + sideBytes, largest, 'entries');
    for (const entry of entries) {
      writer.add({ type: frameTypes.repair, ...entry });
      cache.pin(entry);
      writer.split();
    }
    this.#repairedBy = writer.commit();
    return this.#repairedBy;
  }

  settle(): Ticket {
    const { image } = this.#parts;
    invariant(image.index.holeCount === 0, 'every damaged entry is repaired or gone');
    this.#settledBy = this.#control({ type: frameTypes.settle, ...image.last, payload: noPayload });
    return this.#settledBy;
  }

  hintCommit(index: number): void {
    this.#commitHint = Math.max(this.#commitHint, index);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The disk has failed: nothing more is written. */
  fail(cause: unknown): void {
    if (this.#state !== 'open') return;
    const { folder, logger, writer } = this.#parts;
    const problem = cause instanceof Error ? cause.message : String(cause);
    this.#state = 'failed';
    this.#failure = storageError('STORAGE_FAILED', { context: { folder, problem }, cause });
    writer.stop();
    logger.log('error', 'storage.failed', { folder, problem });
    this.#events.emit({ type: 'failed', error: this.#failure });
  }

  onDurable(ticket: Ticket, lastIndex: number): void {
    const { cache, snapshots, writer, config } = this.#parts;
    cache.trim(lastIndex);
    if (ticket >= this.#repairedBy) cache.unpin();
    const [superfluous] = this.#superfluous;
    if (this.#dropping === undefined && superfluous !== undefined && superfluous.ticket <= ticket)
      this.#dropping = this.#drop(ticket).finally(() => (this.#dropping = undefined));
    if (this.#settledBy !== undefined && ticket >= this.#settledBy) {
      this.#settledBy = undefined;
      snapshots.forgetDamaged().catch((cause: unknown) => this.fail(cause));
    }
    this.#events.emit({ type: 'durable', ticket });
    const isAgain = this.#isRefused && !this.#isFull() && writer.queuedBytes * 2 <= config.queueBytesMax;
    if (isAgain && this.#state === 'open') this.#tellRoom();
  }

  /** The pool or the writer has met a full disk, or meets it no longer. */
  onFull(): void {
    const isFull = this.#isFull();
    if (this.#state !== 'open' || isFull === this.#isToldFull) return;
    this.#isToldFull = isFull;
    if (isFull) this.#events.emit({ type: 'full' });
    else this.#tellRoom();
  }

  onReady(): void {
    if (this.#isRefused && this.#state === 'open') this.#tellRoom();
  }

  /** The writer goes on in this segment. */
  onSegment(segment: SegmentFile): void {
    this.#segments.push(segment);
  }

  #isFull(): boolean {
    return this.#parts.pool.isFull || this.#parts.writer.isStalled;
  }

  #tellRoom(): void {
    this.#isRefused = false;
    this.#events.emit({ type: 'room' });
  }

  #check(): void {
    if (this.#state === 'closed') throw storageError('STORAGE_CLOSED', { context: { folder: this.#parts.folder } });
    if (this.#failure !== undefined) throw this.#failure;
  }

  #measure(entries: readonly Entry[], bytesMax: number): { readonly bytes: number; readonly largest: number } {
    let bytes = 0;
    let largest = 0;
    for (const { payload } of entries) {
      if (payload.length > bytesMax) throw tooLong('An entry', payload.length, bytesMax);
      const frame = frameBytes(payload.length);
      bytes += frame;
      largest = Math.max(largest, frame);
    }
    return { bytes, largest };
  }

  #admit(bytes: number, largest: number, purpose: 'entries' | 'control'): void {
    const { writer, pool, folder, config } = this.#parts;
    const { queuedBytes } = writer;
    const isQueueFull = purpose === 'entries' && queuedBytes > 0 && queuedBytes + bytes > config.queueBytesMax;
    if (!isQueueFull && writer.hasRoom(bytes, largest, purpose)) return;
    this.#isRefused = true;
    const isFull = writer.isStalled || (pool.isFull && !isQueueFull);
    const code = isFull ? 'STORAGE_FULL' : 'STORAGE_BUSY';
    throw storageError(code, { context: { folder, queuedBytes } });
  }

  #control(content: { type: number; index: number; term: number; payload: Uint8Array }): Ticket {
    this.#check();
    const { writer } = this.#parts;
    const bytes = frameBytes(content.payload.length);
    this.#admit(bytes, bytes, 'control');
    writer.add(content);
    return writer.commit();
  }

  #saveHardState(bytes: Uint8Array): void {
    const { writer, image } = this.#parts;
    const sequence = (image.hardState?.sequence ?? 0) + 1;
    const payload = new Uint8Array(8 + bytes.length);
    payload.set(numbers(sequence));
    payload.set(bytes, 8);
    const frame = frameBytes(payload.length);
    if (writer.hasRoom(frame, frame, 'control')) writer.add({ type: frameTypes.hardState, ...image.last, payload });
    else writer.addToState(sequence, bytes.slice());
  }

  #mark(): void {
    const { writer, image } = this.#parts;
    const hint = Math.min(this.#commitHint, image.index.last);
    const bytes = frameBytes(8);
    if (hint <= image.commitHint || !writer.hasRoom(bytes, bytes, 'entries')) return;
    writer.add({ type: frameTypes.mark, ...image.last, payload: numbers(hint) });
  }

  // Files of which no entry is in the log any more, oldest first: a younger one may not go before an older one, whose
  // truncations it holds. What makes them superfluous is durable with the ticket.
  #planDrop(ticket: Ticket): void {
    const { index } = this.#parts.image;
    const kept = this.#segments.findIndex(({ id }, at) => index.liveCount(id) > 0 || at === this.#segments.length - 1);
    const last = this.#segments[kept - 1];
    if (last !== undefined) this.#superfluous.push({ ticket, id: last.id });
  }

  async #drop(durable: Ticket): Promise<void> {
    const { pool, reader } = this.#parts;
    let id = 0;
    while ((this.#superfluous[0]?.ticket ?? Infinity) <= durable) id = this.#superfluous.shift()?.id ?? id;
    try {
      for (let [oldest] = this.#segments; oldest !== undefined && oldest.id <= id; [oldest] = this.#segments) {
        this.#segments.shift();
        await reader.whenFree(oldest.id);
        if (this.#state !== 'open') return;
        await pool.recycle(oldest);
      }
    } catch (cause) {
      this.fail(cause);
    }
  }

  async #close(): Promise<void> {
    const { writer, pool, unlock } = this.#parts;
    if (this.#state === 'open') {
      this.#mark();
      writer.commit();
      // A full disk may stay so; what it has not taken was never acknowledged.
      if (!writer.isStalled) await writer.idle();
    }
    if (this.#state === 'open') this.#state = 'closed';
    writer.stop();
    await pool.close();
    await this.#dropping;
    await unlock();
  }
}

function entriesOf({ image, cache, reader }: LogParts, check: () => void): LogEntries {
  const peek = (from: number, to: number, bytesMax: number): readonly Entry[] | undefined => {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= Math.min(to, image.index.last); index++) {
      const entry = cache.get(index);
      if (entry === undefined) break;
      if (found.length > 0) bytes += frameBytes(entry.payload.length);
      if (bytes > bytesMax) break;
      found.push(entry);
    }
    return found.length === 0 ? undefined : found;
  };
  return {
    get firstIndex() {
      return image.index.first;
    },
    get lastIndex() {
      return image.index.last;
    },
    term(index) {
      const term = image.term(index);
      return term === 0 && index > 0 ? undefined : term;
    },
    peek,
    async read(from, to, bytesMax) {
      check();
      invariant(image.index.has(from) && to >= from, 'the first entry is in the log');
      return peek(from, to, bytesMax) ?? (await reader.read(from, Math.min(to, image.index.last), bytesMax));
    },
  };
}

function tooLong(what: string, bytes: number, bytesMax: number): GrpError {
  return storageError('STORAGE_TOO_LONG', { context: { what, bytes, bytesMax } });
}
