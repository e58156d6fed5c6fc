import type { Located } from './blob-index.ts';
import { storeError } from './errors.ts';
import { LargeFileWriter } from './large-file.ts';
import type { Lane, Place } from './lane.ts';
import type { FrameBuffer } from './frame-buffers.ts';
import { recordKinds, type RecordHeader } from './record.ts';
import type { StoreParts } from './store-parts.ts';

/** Part of a blob: `frameBytes` of content, fewer only in the last one. */
export interface Frame {
  /** As `frameCrc` gives it. */
  readonly crc: number;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** The memory that holds all of `parts`: it can then be written past the system's cache. */
  readonly buffer?: FrameBuffer | undefined;
  /** Called once, when the store has no more use for the memory. */
  readonly onFree?: (() => void) | undefined;
}

/** A blob being stored. Up to `logBlobBytesMax` it stays in memory until it is finished; a larger one goes to its file. */
export class BlobWriter {
  readonly blob: string;
  readonly epoch: number;
  readonly #parts: StoreParts;
  readonly #generation: number;
  readonly #onDone: (writer: BlobWriter) => void;
  readonly #frames: Frame[] = [];
  #large: LargeFileWriter | undefined;
  #bytes = 0;
  #state: 'open' | 'finishing' | 'done' = 'open';

  constructor(parts: StoreParts, blob: string, epoch: number, onDone: (writer: BlobWriter) => void) {
    this.blob = blob;
    this.epoch = epoch;
    this.#parts = parts;
    this.#generation = parts.generation;
    this.#onDone = onDone;
  }

  /** Content so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It was too long for the log: what was written lies in a file. */
  get isInFile(): boolean {
    return this.#large !== undefined;
  }

  /** Resolves when the next frame may come. @throws GrpError DFS_DISK_FULL, DFS_STORE_FAILED, DFS_BLOB_ABORTED */
  async write(frame: Frame): Promise<void> {
    try {
      this.#check('open');
    } catch (cause) {
      frame.onFree?.();
      throw cause;
    }
    this.#frames.push(frame);
    this.#bytes += frame.bytes;
    if (this.#large !== undefined || this.#bytes > this.#parts.config.logBlobBytesMax) await this.spill();
  }

  /** Moves what is in memory to a file, however short the blob is. Resolves when it has left memory. @throws as `write` */
  async spill(): Promise<void> {
    if (this.#state !== 'open') return;
    const { folder, config } = this.#parts;
    this.#large ??= new LargeFileWriter(folder, this.#parts.nextNumber(), config.syncBytes);
    const large = this.#large;
    const frames = this.#frames.splice(0);
    try {
      await Promise.all(frames.map((frame) => large.write(frame).finally(frame.onFree)));
    } catch (cause) {
      throw this.#parts.told(cause);
    }
  }

  /**
   * Resolves when the blob is durable, and there for readers. `sha256` is what the sender says of all bytes.
   * @throws GrpError as `write`
   */
  async finish(sha256: string): Promise<void> {
    this.#check('open');
    this.#state = 'finishing';
    try {
      if (this.#large === undefined) await this.#finishInLog(sha256);
      else await this.#finishFile(this.#large, sha256);
    } catch (cause) {
      // Of a disk that has failed nobody knows whether the record is there: then its file has to be, too.
      if (this.#parts.failure === undefined) await this.#large?.abort();
      throw cause;
    } finally {
      this.#state = 'done';
      this.#freeFrames();
      this.#onDone(this);
    }
  }

  /** Forgets what was written. Nothing happens after `finish`. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'done';
    this.#freeFrames();
    this.#onDone(this);
    await this.#large?.abort();
  }

  #freeFrames(): void {
    for (const { onFree } of this.#frames.splice(0)) onFree?.();
  }

  async #finishInLog(sha256: string): Promise<void> {
    const { small, bulk } = this.#parts.openLanes();
    const lane = this.#bytes <= this.#parts.config.smallBlobBytesMax ? small : bulk;
    const header = this.#header({ kind: recordKinds.blob, sha256, table: this.#frames.map(({ crc }) => crc) });
    const buffers = this.#frames.flatMap(({ buffer }) => buffer ?? []);
    const payload = this.#frames.flatMap(({ parts }) => parts);
    await this.#record(lane, header, payload, buffers.length === this.#frames.length ? buffers : undefined);
  }

  async #finishFile(large: LargeFileWriter, sha256: string): Promise<void> {
    let tableCrc: number;
    try {
      tableCrc = await large.finish();
    } catch (cause) {
      throw this.#parts.told(cause);
    }
    const header = this.#header({ kind: recordKinds.large, sha256, table: [tableCrc], of: large.number });
    await this.#record(this.#parts.openLanes().small, header, []);
  }

  #header(given: Pick<RecordHeader, 'kind' | 'sha256' | 'table'> & { readonly of?: number }): RecordHeader {
    const { kind } = given;
    const payloadBytes = kind === recordKinds.blob ? this.#bytes : 0;
    const sequence = this.#parts.nextSequence();
    // A late put of an earlier order must not make the blob look older, or a late removal could take a good copy.
    const epoch = Math.max(this.epoch, this.#parts.index.get(this.blob)?.epoch ?? 0);
    return { of: 0, ...given, sequence, epoch, blob: this.blob, bytes: this.#bytes, payloadBytes };
  }

  async #record(
    lane: Lane,
    header: RecordHeader,
    payload: readonly Uint8Array[],
    buffers?: readonly FrameBuffer[],
  ): Promise<void> {
    let place: Place;
    try {
      place = await lane.append(header, payload, buffers);
    } catch (cause) {
      throw this.#parts.told(cause);
    }
    this.#check('finishing'); // wiped meanwhile: then the record is gone, too
    noteStored(this.#parts, header, place);
  }

  #check(state: 'open' | 'finishing'): void {
    const { failure, generation } = this.#parts;
    if (failure !== undefined) throw failure;
    const reason = generation === this.#generation ? 'it is finished' : 'the store was wiped';
    if (this.#state !== state || generation !== this.#generation)
      throw storeError('DFS_BLOB_ABORTED', { context: { blob: this.blob, reason } });
  }
}

/** A record of a blob is durable: the index knows it, and what it replaces is garbage. */
export function noteStored(parts: StoreParts, header: RecordHeader, place: Place): Located | undefined {
  const { kind, blob, sequence, epoch, bytes, of } = header;
  const size = place.recordBytes;
  const file = kind === recordKinds.large ? of : undefined;
  parts.account(place.segment, { total: size, live: size });
  const newest = Math.max(epoch, parts.index.get(blob)?.epoch ?? 0); // two may have been under way at once
  const before = parts.index.set(blob, { ...place, sequence, epoch: newest, bytes, file });
  if (before !== undefined) {
    parts.account(before.segment, { live: -before.recordBytes });
    if (before.segment !== place.segment) parts.index.shadow(blob, before.segment);
  }
  return before;
}
