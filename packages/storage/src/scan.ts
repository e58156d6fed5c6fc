import type { Disk } from '@grp/core';
import { frameHeaderBytes, frameTypes, isPayloadWhole, isTerminator, readHeader, viewOf } from './frame.ts';
import type { FrameHeader } from './frame.ts';
import type { LogImage } from './log-image.ts';
import { segmentHeaderBytes } from './segment.ts';
import type { LogPoint } from './types.ts';

const windowBytes = 1_048_576;
/** More truncations than the epoch counts fit into a longer gap. */
const epochGapBytes = 255 * frameHeaderBytes;

/** One segment to be read. */
export interface ScanSource {
  readonly id: number;
  readonly file: string;
  /** What the file has, which may be less than it had. */
  readonly sizeBytes: number;
  /** What its header says that it has; undefined: the header is damaged. */
  readonly declaredBytes: number | undefined;
  /** Where a later segment says that this one ended; undefined: nobody knows. */
  readonly end: number | undefined;
  readonly isLast: boolean;
}

/** A place without a whole frame, and what is known of it. */
interface Gap {
  readonly from: number;
  bytes: number;
  /** Frames whose header is whole. */
  readonly lost: FrameHeader[];
  /** Some of it is not even known by its headers. */
  isUnknown: boolean;
  readonly segment: number;
}

/** Where a log ends. */
export interface ScanTail {
  /** 0: there is none. */
  readonly segment: number;
  readonly end: number;
  /** The last frame's checksum. */
  readonly chain: number;
  /** Where the batch of the last frame begins. */
  readonly batchStart: number;
  readonly epoch: number;
}

/** Reads the frames of one segment after another into an image of the log. */
export class Scan {
  readonly #disk: Disk;
  readonly #image: LogImage;
  #gap: Gap | undefined;
  /** The checksum that the next frame has to name; undefined behind bytes that nobody knows. */
  #chain: number | undefined;
  #lastCrc = 0;
  #epoch: number | undefined;
  #segment = 0;
  #end = segmentHeaderBytes;
  #batchStart = segmentHeaderBytes;
  #isSealed = false;
  #isUncertain = false;
  #damageCount = 0;

  constructor(disk: Disk, image: LogImage) {
    this.#disk = disk;
    this.#image = image;
  }

  /** Where the last whole frame ended, and the batch it was in: after all segments have been read. */
  get tail(): ScanTail {
    return {
      segment: this.#segment,
      end: this.#end,
      chain: this.#lastCrc,
      batchStart: this.#batchStart,
      epoch: this.#epoch ?? 0,
    };
  }

  /** The last segment that was read says that another one follows. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** The end is not whole: something may have been behind it. */
  get isUncertain(): boolean {
    return this.#isUncertain || this.#gap !== undefined;
  }

  /** Places where something durable is damaged. */
  get damageCount(): number {
    return this.#damageCount;
  }

  /** A segment that ought to be here is not. */
  missing(id: number): void {
    this.#gap ??= { from: segmentHeaderBytes, bytes: epochGapBytes + 1, lost: [], isUnknown: true, segment: id };
    this.#gap.isUnknown = true;
  }

  async read(source: ScanSource): Promise<void> {
    this.#isSealed = false;
    this.#isUncertain = false;
    const limit = Math.min(source.end ?? source.sizeBytes, source.sizeBytes);
    const window = new Window(this.#disk, source);
    let at = segmentHeaderBytes;
    while (at < limit && !this.#isSealed && !this.#isUncertain) {
      await window.cover(at, frameHeaderBytes);
      const header = window.header(at);
      if (header !== undefined) {
        const bytes = frameHeaderBytes + header.paddedBytes;
        await window.cover(at, bytes);
        if (!window.isWhole(at, header)) this.#lose(source, at, header);
        else if (!this.#isTorn(source, header)) this.#accept(source, at, header, window.payload(at, header));
        at += bytes;
        continue;
      }
      const isEnd = this.#gap === undefined && window.isTerminator(at) && source.end === undefined;
      const next = await window.find(at + 8, limit);
      if (next === undefined) {
        if (!isEnd) this.#loseUnknown(source, at, limit);
        break;
      }
      this.#loseUnknown(source, at, next);
      at = next;
    }
    this.#finish(source, at);
  }

  // A whole frame behind a gap of its own batch proves nothing: the batch was never durable, or has rotted.
  #isTorn(source: ScanSource, header: FrameHeader): boolean {
    const gap = this.#gap;
    if (gap === undefined || source.end !== undefined || gap.segment !== source.id) return false;
    if (header.batchStart > gap.from) return false;
    this.#isUncertain = true;
    return true;
  }

  #accept(source: ScanSource, at: number, header: FrameHeader, payload: Uint8Array): void {
    if (this.#chain !== undefined && header.previous !== this.#chain) this.#loseUnknown(source, at, at);
    this.#cross(header.epoch);
    const bytes = frameHeaderBytes + header.paddedBytes;
    this.#image.apply({ ...header, payload }, { segment: source.id, offset: at, bytes });
    this.#chain = header.crc;
    this.#lastCrc = header.crc;
    this.#epoch = header.epoch;
    this.#segment = source.id;
    this.#end = at + bytes;
    this.#batchStart = header.batchStart;
    if (header.type === frameTypes.seal) this.#isSealed = true;
  }

  #lose(source: ScanSource, at: number, header: FrameHeader): void {
    this.#loseUnknown(source, at, at + frameHeaderBytes + header.paddedBytes, header);
  }

  #loseUnknown({ id }: ScanSource, from: number, to: number, header?: FrameHeader): void {
    this.#gap ??= { from, bytes: 0, lost: [], isUnknown: false, segment: id };
    this.#gap.bytes += to - from;
    if (header === undefined) this.#gap.isUnknown = true;
    else this.#gap.lost.push(header);
    this.#chain = header?.crc;
  }

  // Something whole follows a gap: what was in it had been durable, and is damaged.
  #cross(epoch: number): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    this.#gap = undefined;
    this.#damageCount++;
    for (const header of gap.lost) {
      if (header.type === frameTypes.entry) this.#image.applyLost(pointOf(header));
      else if (header.type === frameTypes.truncate || header.type === frameTypes.reset)
        this.#image.apply({ ...header, payload: new Uint8Array(0) }, { segment: 0, offset: 0, bytes: 0 });
    }
    const isTruncationLost = gap.isUnknown && (gap.bytes > epochGapBytes || (this.#epoch ?? epoch) !== epoch);
    if (isTruncationLost) this.#image.distrustUncommitted();
    if (gap.isUnknown || gap.lost.some(({ type }) => type === frameTypes.hardState)) this.#image.distrustHardState();
  }

  #finish(source: ScanSource, at: number): void {
    const { end, sizeBytes, declaredBytes = sizeBytes, isLast, id } = source;
    // A segment that ended somewhere has all its bytes up to there, and one that did not is followed by nothing.
    if (end !== undefined && at < end) this.#loseUnknown(source, at, end);
    if (end === undefined && !isLast && !this.#isSealed) this.#loseUnknown(source, at, at);
    if (isLast && this.#gap?.segment === id) this.#isUncertain = true;
    if (isLast && !this.#isSealed && (at >= sizeBytes || sizeBytes < declaredBytes)) this.#isUncertain = true;
  }
}

function pointOf({ index, term }: FrameHeader): LogPoint {
  return { index, term };
}

/** A part of a segment file in memory, moved along. */
class Window {
  readonly #disk: Disk;
  readonly #source: ScanSource;
  #from = 0;
  #bytes = new Uint8Array(0);
  #view = viewOf(this.#bytes);

  constructor(disk: Disk, source: ScanSource) {
    this.#disk = disk;
    this.#source = source;
  }

  /** Brings these bytes into memory, as far as the file has them. */
  async cover(at: number, lengthBytes: number): Promise<void> {
    if (at >= this.#from && at + lengthBytes <= this.#from + this.#bytes.length) return;
    const { file, sizeBytes } = this.#source;
    if (at >= this.#from && this.#from + this.#bytes.length >= sizeBytes && this.#bytes.length > 0) return;
    const wanted = Math.max(windowBytes, lengthBytes);
    this.#bytes = new Uint8Array(await this.#disk.read(file, at, Math.min(wanted, sizeBytes - at)));
    this.#from = at;
    this.#view = viewOf(this.#bytes);
  }

  header(at: number): FrameHeader | undefined {
    return readHeader(this.#view, this.#bytes, at - this.#from, this.#source.id);
  }

  isWhole(at: number, header: FrameHeader): boolean {
    const start = at - this.#from;
    if (start + frameHeaderBytes + header.paddedBytes > this.#bytes.length) return false;
    return isPayloadWhole(this.#bytes, start, header);
  }

  payload(at: number, header: FrameHeader): Uint8Array {
    const start = at - this.#from + frameHeaderBytes;
    return this.#bytes.subarray(start, start + header.lengthBytes);
  }

  isTerminator(at: number): boolean {
    return isTerminator(this.#bytes, at - this.#from);
  }

  /** Where the next whole header is. */
  async find(from: number, limit: number): Promise<number | undefined> {
    let at = from;
    while (at + frameHeaderBytes <= limit) {
      await this.cover(at, frameHeaderBytes);
      const last = Math.min(limit, this.#from + this.#bytes.length) - frameHeaderBytes;
      if (last < at) return undefined; // the file is shorter than it said
      for (; at <= last; at += 8) if (this.header(at) !== undefined) return at;
    }
    return undefined;
  }
}
