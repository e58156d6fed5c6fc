import { randomInt } from 'node:crypto';
import { DataFile, syncFolder } from './data-file.ts';
import { isFull } from './errors.ts';
import type { FrameBuffer } from './frame-buffers.ts';
import { recordBytes, type RecordHeader, type RecordLayout } from './record.ts';
import { SegmentWriter } from './segment-writer.ts';

/** Where a record is. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly recordBytes: number;
}

export interface LaneOptions {
  readonly folder: string;
  readonly layout: RecordLayout;
  readonly segmentBytes: number;
  readonly aheadBytes: number;
  readonly batchBytesMax: number;
  /** The number of the next segment; each is greater than all before it. */
  readonly nextNumber: () => number;
  readonly nextSequence: () => number;
  readonly onOpened: (name: SegmentName, file: DataFile) => void;
  readonly onSealed: (number: number, bytes: number) => void;
  /** A sync failed, or the system gave an error that is not a want of room. */
  readonly onFailed: (cause: unknown) => void;
}

/** One log of records: the segment in use, and the next one when it is nearly full. */
export class Lane {
  readonly #options: LaneOptions;
  #current: SegmentWriter | undefined;
  #next: Promise<SegmentWriter> | undefined;
  #ready: SegmentWriter | undefined;
  readonly #sealing = new Set<Promise<void>>();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Makes the first segment. */
  async open(): Promise<void> {
    this.#current = await this.#create();
  }

  get currentNumber(): number | undefined {
    return this.#current?.number;
  }

  /** Resolves when the record is durable. `buffers`: the memory of all of the payload, a frame in each. @throws what the system said */
  async append(header: RecordHeader, payload: readonly Uint8Array[], buffers?: readonly FrameBuffer[]): Promise<Place> {
    const size = recordBytes(this.#options.layout, header.table.length, header.payloadBytes);
    const writer = this.#writerFor(size);
    const { offset, durable } = writer.append(header, payload, buffers);
    const { kind, blob, sequence, epoch, bytes, of } = header;
    const entry = { kind, blob, sequence, epoch, offset, bytes, of, recordBytes: size };
    await durable;
    writer.entries.push(entry);
    return { segment: writer.number, offset, recordBytes: size };
  }

  /** Everything appended is on the disk, and the segment in use is sealed. */
  async close(): Promise<void> {
    const next = await this.#next?.catch(() => undefined);
    if (this.#current !== undefined) await this.#seal(this.#current);
    if (next !== undefined && next !== this.#current) await this.#seal(next);
    await Promise.all(this.#sealing);
  }

  /** Rejects what waits. */
  fail(error: unknown): void {
    this.#current?.fail(error);
  }

  #writerFor(bytes: number): SegmentWriter {
    const { segmentBytes } = this.#options;
    let writer = this.#current as SegmentWriter;
    const end = writer.tail + bytes;
    if (end > segmentBytes * 0.75) this.#prepareNext();
    // Without a next one yet, this one grows beyond its size: nobody has to wait.
    if (end > segmentBytes && this.#ready !== undefined) {
      const full = writer;
      writer = this.#ready;
      this.#current = writer;
      this.#ready = undefined;
      this.#next = undefined;
      const sealing = this.#seal(full);
      this.#sealing.add(sealing);
      void sealing.finally(() => this.#sealing.delete(sealing));
    }
    return writer;
  }

  #prepareNext(): void {
    if (this.#next !== undefined) return;
    const next = this.#create();
    this.#next = next;
    next.then(
      (writer) => (this.#ready = writer),
      () => (this.#next = undefined), // no room: this one grows, as long as there is any
    );
  }

  async #create(): Promise<SegmentWriter> {
    const { folder, layout, aheadBytes, batchBytesMax, nextNumber, onOpened, onFailed } = this.#options;
    const number = nextNumber();
    const name = { number, salt: randomInt(0, 2 ** 32) };
    const file = await DataFile.open(`${folder}/${formatSegmentName(name)}`, 'create');
    if (layout === 'blocks') await file.openDirect();
    await syncFolder(folder);
    const writer = new SegmentWriter(number, file, {
      ...{ layout, aheadBytes, batchBytesMax, salt: name.salt },
      onSyncFailed: onFailed,
    });
    await writer.prepare();
    onOpened(name, file);
    return writer;
  }

  async #seal(writer: SegmentWriter): Promise<void> {
    try {
      await writer.seal(this.#options.nextSequence());
      this.#options.onSealed(writer.number, writer.tail);
    } catch (cause) {
      // For want of room it stays unsealed: the next start reads all of it, that is all.
      if (!isFull(cause)) this.#options.onFailed(cause);
    }
  }
}

/** The salt is in the name: rot in a file cannot touch it. */
export interface SegmentName {
  readonly number: number;
  readonly salt: number;
}

export function formatSegmentName({ number, salt }: SegmentName): string {
  return `${String(number).padStart(12, '0')}-${salt.toString(16).padStart(8, '0')}.log`;
}

export function parseSegmentName(name: string): SegmentName | undefined {
  const [, number, salt] = /^(\d{12})-([\da-f]{8})\.log$/.exec(name) ?? [];
  return number === undefined || salt === undefined ? undefined : { number: Number(number), salt: parseInt(salt, 16) };
}
