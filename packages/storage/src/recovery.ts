import type { Disk, Logger } from '@grp/core';
import { frameHeaderBytes, frameTypes, isPayloadWhole, readHeader, viewOf } from './frame.ts';
import { LogImage } from './log-image.ts';
import { Scan, type ScanTail } from './scan.ts';
import {
  decodeSegmentHeader,
  decodeStart,
  formatVersion,
  segmentHeaderBytes,
  segmentIdOf,
  spareIdOf,
  startBytes,
} from './segment.ts';
import type { SegmentFile, StartRecord, Unsettled } from './segment.ts';
import { hardStateBytesMax } from './config.ts';
import { storageError } from './errors.ts';
import type { StateFile, StateFound } from './state-file.ts';
import type { Damage, Recovered, SnapshotInfo } from './types.ts';

/** All that was found below a log's folder. */
export interface RecoveredLog {
  readonly image: LogImage;
  /** Segments in use, oldest first. */
  readonly segments: readonly SegmentFile[];
  /** Files made ahead or left over, which hold nothing. */
  readonly spares: readonly SegmentFile[];
  /** Where the last whole frame ended, and the batch that it was written with. */
  readonly tail: ScanTail;
  /** Where the log goes on from: all before is durable, all behind has to be written again. */
  readonly previous: PreviousSegment;
  /** Ids up to here may have been used. */
  readonly idMax: number;
  readonly isNew: boolean;
}

export interface RecoverOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  readonly state: StateFile;
  readonly snapshot: { readonly info: SnapshotInfo | undefined; readonly lost: number | undefined };
}

/** What a new segment names as the one before it. */
export interface PreviousSegment {
  /** 0: none. */
  readonly id: number;
  readonly end: number;
}

/** A segment file by its first bytes. */
interface Candidate extends SegmentFile {
  readonly declaredBytes: number | undefined;
  /** Undefined: not begun, or damaged there. */
  readonly start: StartRecord | undefined;
  /** What it was begun with is whole. */
  readonly isBegun: boolean;
  /** Made ahead, and nothing has been written since. */
  readonly isPristine: boolean;
}

/** Reads the log and judges it. Changes nothing on the disk. @throws GrpError STORAGE_NEWER, and what the disk throws */
export async function recover(options: RecoverOptions): Promise<RecoveredLog> {
  const { disk, folder, logger, state, snapshot } = options;
  const files = await disk.list(`${folder}/`);
  const found = await state.read(files);
  const candidates = await readCandidates(disk, folder, files);
  const { used, unused } = sortOut(candidates, found.record?.activeId ?? 0);
  const spares: SegmentFile[] = [...unused];
  const image = new LogImage();
  const scan = new Scan(disk, image);
  for (const [position, segment] of used.entries()) {
    const next = used[position + 1];
    const previousId = segment.start?.previousId ?? 0;
    if (position > 0 && previousId > (used[position - 1] as Candidate).id) scan.missing(previousId);
    const end = used.find(({ start }) => start?.previousId === segment.id)?.start?.previousEnd;
    await scan.read({ ...segment, end, isLast: next === undefined });
  }
  const isEndLost = lacksSuccessor({ used, unused, isSealed: scan.isSealed, found });
  const isUncertain = scan.isUncertain || isEndLost;
  judge(image, { found, snapshot, isUncertain });
  const { damageCount } = scan;
  if (damageCount > 0 || isUncertain) logger.log('warn', 'storage.damage', { folder, damageCount, isUncertain });
  const idMax = Math.max(0, found.record?.activeId ?? 0, ...candidates.map(({ id }) => id));
  const isNew = candidates.length === 0 && found.record === undefined;
  for (const file of files) {
    const id = spareIdOf(folder, file);
    if (id !== undefined) spares.push({ id, file, sizeBytes: await disk.size(file) });
  }
  return { image, segments: used, spares, tail: scan.tail, previous: previousOf(scan.tail, used), idMax, isNew };
}

// The last batch is written again in the next segment. A segment that held nothing else is then not needed.
function previousOf({ segment, batchStart }: ScanTail, used: readonly Candidate[]): PreviousSegment {
  if (segment === 0) return { id: 0, end: 0 };
  const start = batchStart === segmentHeaderBytes ? used.find(({ id }) => id === segment)?.start : undefined;
  return start === undefined ? { id: segment, end: batchStart } : { id: start.previousId, end: start.previousEnd };
}

/** What a caller is told. */
export function describe(image: LogImage, snapshot: SnapshotInfo | undefined): Recovered {
  const { index, compacted, hardState, commitHint } = image;
  return {
    firstIndex: index.first,
    lastIndex: index.last,
    compacted,
    hardState: hardState?.bytes,
    commitHint: Math.min(commitHint, index.last),
    snapshot,
    damage: damageOf(image),
  };
}

export function damageOf({ index, unsettled, commitHint, compacted }: LogImage): Damage | undefined {
  const corrupt = index.holes();
  if (corrupt.length === 0 && unsettled === undefined) return undefined;
  return {
    corrupt,
    uncertainFrom: unsettled === undefined || unsettled.uncertainFrom === 0 ? undefined : unsettled.uncertainFrom,
    certainTo: Math.max(compacted.index, Math.min(index.last, unsettled?.certainTo ?? commitHint)),
    hardState: unsettled?.isHardStateSuspect === true ? 'suspect' : 'intact',
    snapshotLost: unsettled === undefined || unsettled.snapshotLost === 0 ? undefined : unsettled.snapshotLost,
  };
}

async function readCandidates(disk: Disk, folder: string, files: readonly string[]): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const file of files) {
    const id = segmentIdOf(folder, file);
    if (id === undefined) continue;
    const sizeBytes = await disk.size(file);
    const headBytes = segmentHeaderBytes + frameHeaderBytes + startBytes + hardStateBytesMax;
    const bytes = await disk.read(file, 0, Math.min(sizeBytes, headBytes));
    const header = decodeSegmentHeader(bytes);
    if (header !== undefined && header.version > formatVersion)
      throw storageError('STORAGE_NEWER', { context: { file, version: header.version, known: formatVersion } });
    const isOwn = header?.id === id;
    const start = readStart(bytes, id);
    candidates.push({
      id,
      file,
      sizeBytes,
      declaredBytes: isOwn ? header.sizeBytes : undefined,
      start,
      isBegun: start !== undefined && (await isOpeningWhole(disk, { id, file, end: start.openingEnd })),
      isPristine: isOwn && bytes.subarray(segmentHeaderBytes, segmentHeaderBytes + 64).every((byte) => byte === 0),
    });
  }
  return candidates.toSorted((a, b) => a.id - b.id);
}

function readStart(bytes: Uint8Array, id: number): StartRecord | undefined {
  const header = readHeader(viewOf(bytes), bytes, segmentHeaderBytes, id);
  const body = segmentHeaderBytes + frameHeaderBytes;
  if (header?.type !== frameTypes.start || body + header.paddedBytes > bytes.length) return undefined;
  if (!isPayloadWhole(bytes, segmentHeaderBytes, header)) return undefined;
  return decodeStart(bytes.subarray(body, body + header.lengthBytes));
}

interface Opening {
  readonly id: number;
  readonly file: string;
  readonly end: number;
}

async function isOpeningWhole(disk: Disk, { id, file, end }: Opening): Promise<boolean> {
  const bytes = await disk.read(file, 0, end);
  const view = viewOf(bytes);
  let at = segmentHeaderBytes;
  while (at < end) {
    const header = readHeader(view, bytes, at, id);
    if (header === undefined || at + frameHeaderBytes + header.paddedBytes > bytes.length) return false;
    if (!isPayloadWhole(bytes, at, header)) return false;
    at += frameHeaderBytes + header.paddedBytes;
  }
  return true;
}

// A segment is in use when it has begun, or when another one or the state file says that it had.
function sortOut(candidates: readonly Candidate[], activeId: number): { used: Candidate[]; unused: Candidate[] } {
  const named = new Set(candidates.filter(({ isBegun }) => isBegun).map(({ start }) => start?.previousId));
  if (activeId > 0) named.add(activeId);
  // A start of the program that wrote nothing of its own is passed over by the next one.
  const isPassedOver = (id: number): boolean =>
    candidates.some((later) => later.isBegun && later.id > id && (later.start?.previousId ?? id) < id);
  const isUsed = ({ id, isBegun }: Candidate): boolean => (isBegun || named.has(id)) && !isPassedOver(id);
  const used = candidates.filter((candidate) => isUsed(candidate));
  return { used, unused: candidates.filter((candidate) => !isUsed(candidate)) };
}

interface Ending {
  readonly used: readonly Candidate[];
  readonly unused: readonly Candidate[];
  readonly isSealed: boolean;
  readonly found: StateFound;
}

// Whether something may have been written behind the last segment that has anything to say.
function lacksSuccessor({ used, unused, isSealed, found }: Ending): boolean {
  const last = used.at(-1)?.id ?? 0;
  if ((found.record?.activeId ?? 0) > last) return true;
  const later = unused.filter(({ id }) => id > last);
  // Without the state file, a half-written start may also be a damaged one.
  if (!found.isWhole && later.some(({ isPristine, start }) => !isPristine && start !== undefined)) return true;
  return isSealed && later[0]?.isPristine !== true;
}

interface Evidence {
  readonly found: StateFound;
  readonly snapshot: RecoverOptions['snapshot'];
  readonly isUncertain: boolean;
}

// Brings together what the frames, the state file and the snapshot say.
function judge(image: LogImage, { found, snapshot, isUncertain }: Evidence): void {
  const { record, isWhole } = found;
  if (record !== undefined && record.compacted.index > image.compacted.index) image.startAfter(record.compacted);
  const { info, lost } = snapshot;
  if (info !== undefined && info.index >= image.index.first - 1 && image.index.first > image.compacted.index + 1)
    image.startAfter(info);
  image.completeFront();
  if (isUncertain) noteUncertainEnd(image);
  if ((record?.hardState?.sequence ?? 0) > (image.hardState?.sequence ?? 0)) image.hardState = record?.hardState;
  // The state file has every hard state that was acknowledged, unless it is damaged itself.
  if (isWhole && image.unsettled !== undefined) image.unsettled = { ...image.unsettled, isHardStateSuspect: false };
  if (info !== undefined && needsSnapshot(image, info)) image.startAfter(info);
  const missing = Math.max(lost ?? 0, image.compacted.index);
  if (missing > (info?.index ?? 0)) noteLostSnapshot(image, missing);
  image.unsettled = normalized(image.unsettled, image);
}

// Entries that a snapshot stands for are not missed.
function needsSnapshot(image: LogImage, snapshot: SnapshotInfo): boolean {
  if (snapshot.index <= image.compacted.index) return false;
  if (image.index.last < snapshot.index) return true;
  const term = image.term(snapshot.index);
  const isDamagedBelow = image.index.holes().some(({ from }) => from <= snapshot.index);
  return isDamagedBelow || (term !== 0 && term !== snapshot.term);
}

function noteUncertainEnd(image: LogImage): void {
  const { unsettled, commitHint, index } = image;
  const from = index.last + 1;
  image.unsettled = {
    uncertainFrom:
      unsettled === undefined || unsettled.uncertainFrom === 0 ? from : Math.min(from, unsettled.uncertainFrom),
    certainTo: unsettled === undefined ? commitHint : Math.min(commitHint, unsettled.certainTo),
    isHardStateSuspect: true,
    snapshotLost: unsettled?.snapshotLost ?? 0,
  };
}

function noteLostSnapshot(image: LogImage, lost: number): void {
  const known = image.unsettled ?? { uncertainFrom: 0, certainTo: image.commitHint, isHardStateSuspect: false };
  image.unsettled = { ...known, snapshotLost: lost };
}

// Nothing left to settle is undefined; what is uncertain begins above what the snapshot stands for.
function normalized(unsettled: Unsettled | undefined, { compacted }: LogImage): Unsettled | undefined {
  if (unsettled === undefined) return undefined;
  const { uncertainFrom, isHardStateSuspect, snapshotLost } = unsettled;
  if (uncertainFrom === 0 && !isHardStateSuspect && snapshotLost === 0) return undefined;
  return uncertainFrom === 0
    ? unsettled
    : { ...unsettled, uncertainFrom: Math.max(uncertainFrom, compacted.index + 1) };
}
