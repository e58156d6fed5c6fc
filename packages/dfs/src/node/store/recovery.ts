// What a start makes of the folder.
import { readdir, unlink } from 'node:fs/promises';
import type { Located } from './blob-index.ts';
import { storeError } from './errors.ts';
import { parseSegmentName, type SegmentName } from './lane.ts';
import { largeFolder, largeNumber } from './large-file.ts';
import { recordKinds, type SealEntry } from './record.ts';
import { scanSegment } from './scan.ts';
import type { StoreParts } from './store-parts.ts';

export interface Recovery {
  /** Records that end blobs and have to be appended, because what ended them before does not name every segment. */
  readonly removals: readonly { readonly blob: string; readonly epoch: number; readonly segment: number }[];
  /** Places in segments that could not be read, with records after them. */
  readonly damagedCount: number;
}

interface Candidate {
  readonly entry: SealEntry;
  readonly segment: number;
}

/** Builds the index from the segments, and removes files of large blobs that were never finished. */
export async function recover(parts: StoreParts): Promise<Recovery> {
  const newest = new Map<string, Candidate>();
  const outdated: Candidate[] = [];
  const ended = new Map<string, Set<number>>();
  let damagedCount = 0;
  for (const name of await segmentNames(parts.folder)) {
    const scanned = await readSegment(parts, name);
    damagedCount += scanned.damagedCount;
    // Each start makes segments, and not each life fills them.
    if (scanned.entries.length === 0 && scanned.damagedCount === 0) await parts.segments.remove(name.number);
    for (const entry of scanned.entries) {
      const candidate = { entry, segment: name.number };
      parts.sequence = Math.max(parts.sequence, entry.sequence);
      if (entry.kind === recordKinds.removed) noteRemoval(parts, candidate, ended);
      const before = newest.get(entry.blob);
      // A copy made by a compaction has the same number: either will do.
      const isNewer = before === undefined || entry.sequence >= before.entry.sequence;
      const loser = isNewer ? before : candidate;
      if (isNewer) newest.set(entry.blob, candidate);
      if (loser !== undefined && loser.entry.kind !== recordKinds.removed) outdated.push(loser);
    }
  }
  for (const candidate of newest.values())
    if (candidate.entry.kind !== recordKinds.removed) noteFound(parts, candidate);
  const removals = settleOutdated(parts, outdated, ended, newest);
  await removeUnfinished(parts);
  return { removals, damagedCount };
}

async function segmentNames(folder: string): Promise<readonly SegmentName[]> {
  const names = (await readdir(folder)).map(parseSegmentName).filter((name) => name !== undefined);
  return names.toSorted((a, b) => a.number - b.number);
}

async function readSegment(parts: StoreParts, name: SegmentName) {
  const segment = parts.segments.add(name);
  parts.number = Math.max(parts.number, name.number);
  const scanned = await parts.segments.use(name.number, async (file) => {
    const found = await scanSegment(file, name.salt, (version) => {
      throw storeError('DFS_STORE_NEWER', { context: { file: file.path, version } });
    });
    // What is found may be in the system's memory alone, if only the process was killed.
    if (!found.isSealed) await file.sync();
    return found;
  });
  segment.isSealed = true; // nothing is appended to it any more
  segment.totalBytes = scanned.end;
  return scanned;
}

function noteRemoval(parts: StoreParts, { entry, segment }: Candidate, ended: Map<string, Set<number>>): void {
  const known = ended.get(entry.blob) ?? new Set();
  known.add(entry.of);
  ended.set(entry.blob, known);
  parts.account(segment, { removal: entry.recordBytes });
}

function noteFound(parts: StoreParts, { entry, segment }: Candidate): void {
  const { kind, blob, sequence, epoch, offset, bytes, of, recordBytes } = entry;
  const file = kind === recordKinds.large ? of : undefined;
  const located: Located = { segment, offset, sequence, epoch, bytes, file, recordBytes };
  parts.index.set(blob, located);
  parts.account(segment, { live: recordBytes });
}

function settleOutdated(
  parts: StoreParts,
  outdated: readonly Candidate[],
  ended: ReadonlyMap<string, ReadonlySet<number>>,
  newest: ReadonlyMap<string, Candidate>,
): Recovery['removals'] {
  const removals: { blob: string; epoch: number; segment: number }[] = [];
  for (const { entry, segment } of outdated) {
    const { blob } = entry;
    if (ended.get(blob)?.has(segment) === true) continue;
    const counted = newest.get(blob);
    if (counted?.entry.kind === recordKinds.removed) removals.push({ blob, epoch: counted.entry.epoch, segment });
    else if (counted?.segment !== segment) parts.index.shadow(blob, segment);
  }
  return removals;
}

/** Files of large blobs that no record names. */
async function removeUnfinished(parts: StoreParts): Promise<void> {
  const wanted = new Set<number>();
  for (const [, { file }] of parts.index.entries()) if (file !== undefined) wanted.add(file);
  const folder = `${parts.folder}/${largeFolder}`;
  for (const name of await readdir(folder)) {
    const number = largeNumber(name);
    if (number === undefined) continue;
    parts.number = Math.max(parts.number, number);
    if (!wanted.has(number)) await unlink(`${folder}/${name}`);
  }
}
