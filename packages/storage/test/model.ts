// What a log must hold, and whether what was found on a disk is that, or is reported as damaged.
import type { Entry, LogInspection, Log, Damage } from '../src/index.ts';

export interface Expected {
  /** By index, without gaps. */
  readonly entries: ReadonlyMap<number, Entry>;
  readonly hardState: string | undefined;
  /** Entries up to here need not be there. */
  readonly compactedTo: number;
  readonly snapshotIndex: number;
}

export type Found = Pick<LogInspection, 'entries' | 'recovered'> | Log;

/** Everything that was lost or altered without a word. Empty: nothing. */
export async function silentLosses(expected: Expected, found: Found): Promise<readonly string[]> {
  const { recovered } = found;
  const { damage } = recovered;
  const losses: string[] = [];
  const held = await readable(found);
  const floor = Math.max(expected.compactedTo, recovered.compacted.index);
  // A snapshot may be there although its writer was not told.
  const coveredTo = Math.max(expected.compactedTo, expected.snapshotIndex, recovered.snapshot?.index ?? 0);
  if (recovered.compacted.index > coveredTo) losses.push(`compacted to ${recovered.compacted.index}`);
  for (const [index, entry] of expected.entries) {
    if (index <= floor) continue;
    const kept = held.get(index);
    const isSame = kept !== undefined && kept.term === entry.term && isEqual(kept.payload, entry.payload);
    if (!isSame && !isReported(damage, index, kept !== undefined)) losses.push(`entry ${index}`);
  }
  const last = Math.max(0, ...expected.entries.keys());
  for (const index of held.keys())
    if (index > last && index > floor && !isReported(damage, index, true))
      losses.push(`entry ${index} came from nowhere`);
  const state = recovered.hardState === undefined ? undefined : new TextDecoder().decode(recovered.hardState);
  if (state !== expected.hardState && damage?.hardState !== 'suspect') losses.push(`hard state ${state}`);
  const snapshot = recovered.snapshot?.index ?? 0;
  // Without compaction the entries are still there.
  const isSnapshotNeeded = expected.compactedTo > 0 && snapshot < expected.snapshotIndex;
  if (isSnapshotNeeded && damage?.snapshotLost === undefined) losses.push('snapshot');
  return losses;
}

async function readable({ entries }: Found): Promise<ReadonlyMap<number, Entry>> {
  const held = new Map<number, Entry>();
  for (let index = entries.firstIndex; index <= entries.lastIndex;) {
    const read = await entries.read(index, entries.lastIndex, 1e9).catch(() => []);
    for (const entry of read) held.set(entry.index, entry);
    index += Math.max(1, read.length);
  }
  return held;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

// An entry that is there but another one is no loss when the end is uncertain: a truncation may be what was lost.
function isReported(damage: Damage | undefined, index: number, isPresent: boolean): boolean {
  if (damage === undefined) return false;
  if (damage.corrupt.some(({ from, to }) => index >= from && index <= to)) return true;
  if (damage.uncertainFrom === undefined) return false;
  return index >= damage.uncertainFrom || (isPresent && index > damage.certainTo);
}
