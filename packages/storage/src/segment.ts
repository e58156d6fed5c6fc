import { crc32 } from './crc32.ts';
import { getUint53, setUint53, viewOf } from './frame.ts';
import type { LogPoint } from './types.ts';

/** The version of everything below a log's folder. PROTOCOL.md says how the next one opens this one. */
export const formatVersion = 1;
export const segmentHeaderBytes = 64;
const magic = 0x474f_4c47; // "GLOG"

/** A file of the log. Ids grow with time and are never used again. */
export interface SegmentFile {
  readonly id: number;
  readonly file: string;
  /** Of the file, allocated and written once with zeros. */
  readonly sizeBytes: number;
}

export function segmentName(folder: string, id: number): string {
  return `${folder}/${String(id).padStart(12, '0')}.seg`;
}

/** The id in a segment's file name; undefined for other files. */
export function segmentIdOf(folder: string, file: string): number | undefined {
  const match = /^(\d{12})\.seg$/.exec(file.slice(folder.length + 1));
  return match === null ? undefined : Number(match[1]);
}

/** A segment that is not needed any more, and waits for its next use. */
export function spareName(folder: string, id: number): string {
  return `${folder}/${String(id).padStart(12, '0')}.spare`;
}

/** The id in a spare's file name; undefined for other files. */
export function spareIdOf(folder: string, file: string): number | undefined {
  const match = /^(\d{12})\.spare$/.exec(file.slice(folder.length + 1));
  return match === null ? undefined : Number(match[1]);
}

/** A new header and the terminator behind it, which says that the segment holds nothing yet. */
export function encodeSegmentHeader({ id, sizeBytes }: SegmentFile): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes + 64);
  const view = viewOf(bytes);
  view.setUint32(0, magic, true);
  view.setUint32(4, formatVersion, true);
  setUint53(view, 8, id);
  setUint53(view, 16, sizeBytes);
  view.setUint32(60, crc32(bytes, 0, 60), true);
  return bytes;
}

/** Undefined: damaged, or not finished. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
): { readonly version: number; readonly id: number; readonly sizeBytes: number } | undefined {
  if (bytes.length < segmentHeaderBytes) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== magic || view.getUint32(60, true) !== crc32(bytes, 0, 60)) return undefined;
  return { version: view.getUint32(4, true), id: getUint53(view, 8), sizeBytes: getUint53(view, 16) };
}

/** What a segment repeats when it begins, so that older ones may go. */
export interface StartRecord {
  /** The segment that was written before, 0 for none, where it ended, and its last frame's checksum. */
  readonly previousId: number;
  readonly previousEnd: number;
  /**
   * Where the frames end that were copied from the segment before, when this one was begun by a start of the program. It
   * counts as begun only when they are all whole.
   */
  readonly openingEnd: number;
  readonly compacted: LogPoint;
  readonly commitHint: number;
  readonly hardState: HardStateCopy | undefined;
  readonly unsettled: Unsettled | undefined;
}

export interface HardStateCopy {
  /** Counts the hard states of this log. */
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Damage that outlives the process that found it, besides what the frames themselves show again. */
export interface Unsettled {
  /** 0: the end was whole. */
  readonly uncertainFrom: number;
  readonly certainTo: number;
  readonly isHardStateSuspect: boolean;
  /** 0: none. */
  readonly snapshotLost: number;
}

/** Of the payload of a start frame, before the hard state. */
export const startBytes = 80;

export function encodeStart(record: StartRecord): Uint8Array {
  const { previousId, previousEnd, openingEnd, compacted, commitHint, hardState, unsettled } = record;
  const bytes = new Uint8Array(startBytes + (hardState?.bytes.length ?? 0));
  const view = viewOf(bytes);
  setUint53(view, 0, previousId);
  setUint53(view, 8, compacted.index);
  setUint53(view, 16, compacted.term);
  setUint53(view, 24, commitHint);
  setUint53(view, 32, hardState?.sequence ?? 0);
  setUint53(view, 40, unsettled?.uncertainFrom ?? 0);
  setUint53(view, 48, unsettled?.certainTo ?? 0);
  setUint53(view, 56, unsettled?.snapshotLost ?? 0);
  view.setUint32(64, previousEnd, true);
  view.setUint32(68, hardState?.bytes.length ?? 0, true);
  view.setUint32(72, openingEnd, true);
  view.setUint8(76, unsettled === undefined ? 0 : unsettled.isHardStateSuspect ? 3 : 1);
  if (hardState !== undefined) bytes.set(hardState.bytes, startBytes);
  return bytes;
}

/** Undefined when it is too short: then a newer version wrote it, or a bug. */
export function decodeStart(payload: Uint8Array): StartRecord | undefined {
  if (payload.length < startBytes) return undefined;
  const view = viewOf(payload);
  const sequence = getUint53(view, 32);
  const end = startBytes + view.getUint32(68, true);
  if (end > payload.length) return undefined;
  const flags = view.getUint8(76);
  return {
    previousId: getUint53(view, 0),
    previousEnd: view.getUint32(64, true),
    openingEnd: view.getUint32(72, true),
    compacted: { index: getUint53(view, 8), term: getUint53(view, 16) },
    commitHint: getUint53(view, 24),
    hardState: sequence === 0 ? undefined : { sequence, bytes: payload.slice(startBytes, end) },
    unsettled:
      (flags & 1) === 0
        ? undefined
        : {
            uncertainFrom: getUint53(view, 40),
            certainTo: getUint53(view, 48),
            isHardStateSuspect: (flags & 2) !== 0,
            snapshotLost: getUint53(view, 56),
          },
  };
}
