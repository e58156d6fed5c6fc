import type { Disk } from '@grp/core';
import { storageError } from './errors.ts';
import { frameHeaderBytes, frameTypes, isPayloadWhole, readHeader, viewOf } from './frame.ts';
import type { LogImage } from './log-image.ts';
import { segmentName } from './segment.ts';
import type { Entry } from './types.ts';

/** Bytes between two wanted entries that are rather read along than in a second read. */
const spanBytesMax = 4_194_304;

interface Run {
  readonly segment: number;
  readonly from: number;
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Reads entries from the disk, and checks each. Files that are being read are not used again meanwhile. */
export class LogReader {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #image: LogImage;
  readonly #readers = new Map<number, number>();
  readonly #waiting = new Map<number, () => void>();

  constructor(disk: Disk, folder: string, image: LogImage) {
    this.#disk = disk;
    this.#folder = folder;
    this.#image = image;
  }

  /**
   * Entries from `from` on, up to `to`: at least one, and no more than `bytesMax` bytes of frames beyond the first.
   * Stops before a damaged one. @throws GrpError STORAGE_DAMAGED when the first one is
   */
  async read(from: number, to: number, bytesMax: number): Promise<readonly Entry[]> {
    const run = this.#plan(from, to, bytesMax);
    if (run === undefined) throw this.#damaged(from, 0);
    const { segment } = run;
    this.#readers.set(segment, (this.#readers.get(segment) ?? 0) + 1);
    try {
      // Taken before the read: a truncation during it puts other entries there, elsewhere.
      const offsets = Array.from(
        { length: run.count },
        (_, at) => this.#image.index.position(from + at).offset - run.offset,
      );
      const bytes = await this.#disk.read(segmentName(this.#folder, segment), run.offset, run.bytes);
      const entries = this.#decode(bytes, run, offsets);
      if (entries.length === 0) throw this.#damaged(from, segment);
      return entries;
    } finally {
      this.#leave(segment);
    }
  }

  /** Resolves when nobody reads the segment. Nobody begins to, since no entry of the log is in it. */
  async whenFree(segment: number): Promise<void> {
    if ((this.#readers.get(segment) ?? 0) === 0) return;
    await new Promise<void>((resolve) => this.#waiting.set(segment, resolve));
  }

  // Entries that lie in one segment in ascending order, which one read can bring.
  #plan(from: number, to: number, bytesMax: number): Run | undefined {
    const { index } = this.#image;
    const first = index.position(from);
    if (first.segment === 0) return undefined;
    let end = first.offset + first.bytes;
    let count = 1;
    for (let used = 0; from + count <= to; count++) {
      const next = index.position(from + count);
      used += next.bytes;
      const isNear =
        next.offset >= end && next.offset + next.bytes - first.offset <= Math.max(spanBytesMax, bytesMax * 2);
      if (next.segment !== first.segment || !isNear || used > bytesMax) break;
      end = next.offset + next.bytes;
    }
    return { segment: first.segment, from, count, offset: first.offset, bytes: end - first.offset };
  }

  #decode(bytes: Uint8Array, { segment, from }: Run, offsets: readonly number[]): readonly Entry[] {
    const view = viewOf(bytes);
    const entries: Entry[] = [];
    for (const [position, at] of offsets.entries()) {
      const header = readHeader(view, bytes, at, segment);
      const isEntry = header?.type === frameTypes.entry || header?.type === frameTypes.repair;
      if (!isEntry || header.index !== from + position) break;
      if (at + frameHeaderBytes + header.paddedBytes > bytes.length || !isPayloadWhole(bytes, at, header)) break;
      const body = at + frameHeaderBytes;
      entries.push({ index: header.index, term: header.term, payload: bytes.slice(body, body + header.lengthBytes) });
    }
    return entries;
  }

  #leave(segment: number): void {
    const left = (this.#readers.get(segment) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(segment, left);
      return;
    }
    this.#readers.delete(segment);
    this.#waiting.get(segment)?.();
    this.#waiting.delete(segment);
  }

  #damaged(index: number, segment: number): Error {
    const file = segment === 0 ? this.#folder : segmentName(this.#folder, segment);
    return storageError('STORAGE_DAMAGED', { context: { what: `Entry ${index}`, file, index } });
  }
}
