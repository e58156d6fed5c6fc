import { syncFolder, type DataFile } from './data-file.ts';
import {
  decodeHeader,
  payloadOffset,
  recordBytes,
  recordHeaderBytes,
  recordKinds,
  tableEntriesMax,
  type RecordHeader,
} from './record.ts';
import type { Segment } from './segments.ts';
import { appendRemoval } from './removal.ts';
import type { StoreParts } from './store-parts.ts';

/** Rewrites segments that are mostly deleted, one at a time. */
export class Compaction {
  readonly #parts: StoreParts;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #doneCount = 0;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** Segments rewritten so far. */
  get doneCount(): number {
    return this.#doneCount;
  }

  /** Looks for segments to rewrite, unless it does so already. */
  start(): void {
    if (this.#isStopped || this.#running !== undefined) return;
    if (this.#next() === undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is rewritten any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Ends after the segment at hand. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.idle();
  }

  resume(): void {
    this.#isStopped = false;
  }

  #next(): Segment | undefined {
    const { segments, config, failure } = this.#parts;
    if (failure !== undefined) return undefined;
    const all = segments.all().filter(({ isSealed }) => isSealed);
    const oldest = Math.min(...segments.all().map(({ name }) => name.number));
    return all.find((segment) => {
      // What ends blobs of other segments is needed as long as there may be any.
      const needed = segment.name.number === oldest ? 0 : segment.removalBytes;
      const garbage = segment.totalBytes - segment.liveBytes - needed;
      return garbage > 0 && garbage * 100 >= segment.totalBytes * config.garbagePercent;
    });
  }

  async #run(): Promise<void> {
    for (let segment = this.#next(); segment !== undefined && !this.#isStopped; segment = this.#next()) {
      try {
        await this.#rewrite(segment);
        this.#doneCount++;
      } catch (cause) {
        const error = this.#parts.told(cause); // for want of room it is tried again after the next removal
        this.#parts.logger.log('warn', 'dfs.compaction-failed', { problem: error.message });
        return;
      }
    }
  }

  async #rewrite(segment: Segment): Promise<void> {
    const { segments, folder } = this.#parts;
    const { number, salt } = segment.name;
    const moves: Promise<void>[] = [];
    await segments.use(number, async (file) => {
      for await (const { header, offset, payload } of recordsOf(file, salt)) {
        moves.push(this.#move(segment, header, { offset, payload }));
        if (moves.length >= 64) await Promise.all(moves.splice(0));
      }
    });
    await Promise.all(moves);
    if (this.#isStopped && segments.get(number) === undefined) return;
    if (segment.liveBytes > 0) {
      // Live blobs that it could not read stay where they are: whoever reads them is told of the damage.
      segment.totalBytes = segment.liveBytes + segment.removalBytes;
      return;
    }
    await segments.remove(number);
    await syncFolder(folder);
  }

  async #move(
    segment: Segment,
    header: RecordHeader,
    at: { offset: number; payload: () => Promise<Buffer> },
  ): Promise<void> {
    const parts = this.#parts;
    const { number } = segment.name;
    if (header.kind === recordKinds.removed) {
      if (header.of === number || parts.segments.get(header.of) === undefined) return;
      const { segment: to, recordBytes: size } = await parts.openLanes().small.append(header, []);
      parts.account(to, { total: size, removal: size });
      return;
    }
    const isHere = (): boolean => {
      const located = parts.index.get(header.blob);
      return located?.segment === number && located.offset === at.offset;
    };
    if (!isHere()) return;
    const { small, bulk } = parts.openLanes();
    const lane = header.payloadBytes <= parts.config.smallBlobBytesMax ? small : bulk;
    // As it is, damage included: it keeps its CRCs, and is found where it is read.
    const place = await lane.append(header, header.payloadBytes > 0 ? [await at.payload()] : []);
    parts.account(place.segment, { total: place.recordBytes });
    const located = parts.index.get(header.blob);
    if (!isHere() || located === undefined) {
      // Removed or replaced while it was copied: the copy must not come back when the original's segment is gone.
      if (located === undefined) await appendRemoval(parts, header, place.segment);
      else parts.index.shadow(header.blob, place.segment);
      return;
    }
    parts.index.set(header.blob, { ...located, ...place });
    parts.account(place.segment, { live: place.recordBytes });
    parts.account(number, { live: -located.recordBytes });
  }
}

interface Found {
  readonly header: RecordHeader;
  readonly offset: number;
  readonly payload: () => Promise<Buffer>;
}

async function* recordsOf(file: DataFile, salt: number): AsyncGenerator<Found> {
  const head = Buffer.alloc(recordHeaderBytes + 4 * tableEntriesMax);
  const size = await file.size();
  for (let offset = 0; offset + recordHeaderBytes <= size;) {
    const got = await file.read(head, offset);
    const header = decodeHeader(head.subarray(0, got), salt);
    if (header === undefined || header.kind === recordKinds.seal) return;
    const from = offset + payloadOffset(header.layout, header.table.length);
    const payload = async (): Promise<Buffer> => {
      const bytes = Buffer.alloc(header.payloadBytes);
      await file.read(bytes, from);
      return bytes;
    };
    yield { header, offset, payload };
    offset += recordBytes(header.layout, header.table.length, header.payloadBytes);
  }
}
