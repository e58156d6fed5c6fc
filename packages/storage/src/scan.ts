import type { Disk } from '@grp/core';
import { frameHeaderBytes, frameTypes, isPayloadWhole, isTerminator, readHeader, viewOf } from './frame.ts';
import type { FrameHeader } from './frame.ts';
import type { LogImage } from './log-image.ts';
import { segmentHeaderBytes } from './segment.ts';
import type { LogPoint } from './types.ts';

const windowBytes = 1_048_576;
/** More changes of the past than the epoch counts fit into a longer gap. */
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
  readonly segment: number;
  bytes: number;
  /** Frames whose header is whole. */
  readonly lost: FrameHeader[];
  /** Some of it is not even known by its headers. */
  isUnknown: boolean;
  /** The checksum that the next frame has to name, if the last one in the gap is known. */
  chain: number | undefined;
}

interface WholeFrame {
  readonly header: FrameHeader;
  readonly segment: number;
  readonly at: number;
  readonly payload: Uint8Array;
}

/** Where a log ends. */
export interface ScanTail {
  /** 0: there is none. */
  readonly segment: number;
  readonly end: number;
  /** Where the batch of the last frame begins, which may never have become durable. */
  readonly batchStart: number;
  /** The checksum of the last frame before that batch. */
  readonly chain: number;
  readonly epoch: number;
}

/** Reads the frames of one segment after another into an image of the log. */
export class Scan {
  readonly #disk: Disk;
  readonly #image: LogImage;
  /** Gaps, and whole frames behind them, that nothing proves to have been durable. Begins with a gap. */
  #open: (Gap | WholeFrame)[] = [];
  /** The checksum that the next frame has to name; undefined behind bytes that nobody knows. */
  #chain: number | undefined;
  #tail: ScanTail = { segment: 0, end: segmentHeaderBytes, batchStart: segmentHeaderBytes, chain: 0, epoch: 0 };
  #isSealed = false;
  #isCut = false;
  #damageCount = 0;

  constructor(disk: Disk, image: LogImage) {
    this.#disk = disk;
    this.#image = image;
  }

  /** Where the last whole frame ended: after all segments have been read. */
  get tail(): ScanTail {
    return this.#tail;
  }

  /** The last segment that was read says that another one follows. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** The end is not whole: something may have been behind it. */
  get isUncertain(): boolean {
    return this.#isCut || this.#open.length > 0;
  }

  /** Places where something durable is damaged. */
  get damageCount(): number {
    return this.#damageCount;
  }

  /** A segment that ought to be here is not. */
  missing(id: number): void {
    this.#lose({ segment: id, from: segmentHeaderBytes, to: segmentHeaderBytes + epochGapBytes + 1 });
  }

  async read(source: ScanSource): Promise<void> {
    this.#isSealed = false;
    const { id, end } = source;
    const limit = Math.min(end ?? source.sizeBytes, source.sizeBytes);
    const window = new Window(this.#disk, source);
    let at = segmentHeaderBytes;
    while (at < limit && !this.#isSealed) {
      await window.cover(at, frameHeaderBytes);
      const header = window.header(at);
      if (header === undefined) {
        const isEnd = end === undefined && window.isTerminator(at);
        const next = await window.find(at + 8, limit);
        if (next !== undefined || !isEnd) this.#lose({ segment: id, from: at, to: next ?? limit });
        if (next === undefined) break;
        at = next;
        continue;
      }
      const bytes = frameHeaderBytes + header.paddedBytes;
      await window.cover(at, bytes);
      if (window.isWhole(at, header))
        this.#take(source, { header, segment: id, at, payload: window.payload(at, header) });
      else this.#lose({ segment: id, from: at, to: at + bytes }, header);
      at += bytes;
    }
    this.#finish(source, at);
  }

  // A frame that was written after a later sync than a gap proves that the gap had been durable: it is damaged. A frame of
  // the gap's own batch proves nothing, the batch may just be torn.
  #take(source: ScanSource, frame: WholeFrame): void {
    const [gap] = this.#open as [Gap | undefined];
    const isProof =
      gap === undefined ||
      source.end !== undefined ||
      gap.segment !== frame.segment ||
      frame.header.batchStart > gap.from;
    if (!isProof) {
      this.#open.push({
        ...frame,
        payload: frame.header.type === frameTypes.entry ? noPayload : frame.payload.slice(),
      });
      return;
    }
    for (const [position, item] of this.#open.entries()) {
      const next = this.#open[position + 1] ?? frame;
      if ('header' in item) this.#accept(item);
      else this.#cross(item, 'header' in next ? next.header.epoch : frame.header.epoch);
    }
    this.#open = [];
    this.#accept(frame);
  }

  #accept({ header, segment, at, payload }: WholeFrame): void {
    const { type, epoch, crc, batchStart } = header;
    if (this.#chain !== undefined && header.previous !== this.#chain)
      this.#cross({ from: at, segment, bytes: 0, lost: [], isUnknown: true, chain: undefined }, epoch);
    const bytes = frameHeaderBytes + header.paddedBytes;
    this.#image.apply({ ...header, payload }, { segment, offset: at, bytes });
    this.#chain = crc;
    const isSameBatch = this.#tail.segment === segment && this.#tail.batchStart === batchStart;
    const chain = isSameBatch ? this.#tail.chain : header.previous;
    this.#tail = { segment, end: at + bytes, batchStart, chain, epoch };
    if (type === frameTypes.seal) this.#isSealed = true;
  }

  #lose(place: { readonly segment: number; readonly from: number; readonly to: number }, header?: FrameHeader): void {
    const { segment, from, to } = place;
    let gap = this.#open.at(-1);
    if (gap === undefined || 'header' in gap) {
      gap = { from, segment, bytes: 0, lost: [], isUnknown: false, chain: undefined };
      this.#open.push(gap);
    }
    gap.bytes += to - from;
    if (header === undefined) gap.isUnknown = true;
    else gap.lost.push(header);
    gap.chain = header?.crc;
  }

  // What was in a gap had been durable.
  #cross({ lost, isUnknown, bytes, chain }: Gap, epochAfter: number): void {
    this.#damageCount++;
    for (const header of lost) {
      if (header.type === frameTypes.entry) this.#image.applyLost(pointOf(header));
      else if (header.type === frameTypes.repair) this.#image.applyLostRepair(pointOf(header));
      else if (header.type === frameTypes.truncate || header.type === frameTypes.reset)
        this.#image.apply({ ...header, payload: noPayload }, { segment: 0, offset: 0, bytes: 0 });
    }
    const isBegun = this.#tail.segment > 0;
    const isRewriteLost = isUnknown && (bytes > epochGapBytes || (isBegun && this.#tail.epoch !== epochAfter));
    if (isRewriteLost) this.#image.distrustUncommitted();
    if (isUnknown || lost.some(({ type }) => type === frameTypes.hardState)) this.#image.distrustHardState();
    this.#chain = chain;
  }

  #finish({ id, end, sizeBytes, declaredBytes = sizeBytes, isLast }: ScanSource, at: number): void {
    // A segment that ended somewhere has all its bytes up to there, and one without an end is followed by nothing.
    if (end !== undefined && at < end) this.#lose({ segment: id, from: at, to: end });
    if (end === undefined && !isLast && !this.#isSealed) this.#lose({ segment: id, from: at, to: at });
    this.#isCut = isLast && !this.#isSealed && (at >= sizeBytes || sizeBytes < declaredBytes);
  }
}

const noPayload = new Uint8Array(0);

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
