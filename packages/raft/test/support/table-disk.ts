import type { Effect, Entry, Restored, SnapshotInfo } from '../../src/index.ts';

/** What a server's disk holds, and what is on its way there. */
export class TableDisk {
  hardState: Restored['hardState'] = { term: 0, vote: undefined };
  base = { index: 0, term: 0 };
  entries: Entry[] = [];
  snapshot: SnapshotInfo | undefined;
  commit = 0;
  hasRun = false;
  readonly open: Extract<Effect, { type: 'persist' }>[] = [];

  do({ truncateFrom, reset, entries, hardState, commit }: Extract<Effect, { type: 'persist' }>): void {
    if (reset !== undefined) {
      this.base = reset;
      this.entries = [];
    }
    if (truncateFrom !== undefined) this.entries.length = Math.max(0, truncateFrom - this.base.index - 1);
    // Behind a write that was lost, entries are out of place.
    for (const entry of entries)
      if (entry.index === this.base.index + this.entries.length + 1) this.entries.push(entry);
    if (hardState !== undefined) this.hardState = hardState;
    this.commit = commit;
  }

  restored(damage: Restored['damage']): Restored | undefined {
    if (!this.hasRun) return undefined;
    const runs: { from: number; term: number }[] = [];
    for (const { index, term } of this.entries) if (runs.at(-1)?.term !== term) runs.push({ from: index, term });
    const { hardState, base, entries, snapshot, commit } = this;
    return {
      hardState,
      log: { base, runs, last: base.index + entries.length, tail: [...entries] },
      configurations: entries.flatMap(({ index, payload }) =>
        payload.type === 'configuration' ? [{ index, configuration: payload.configuration }] : [],
      ),
      snapshot,
      commit,
      damage,
    };
  }
}

const presets = new Map<string, Entry>();

/** The same entry for everyone who has one of this index and term. */
export function preset(index: number, term: number): Entry {
  const key = `${index}:${term}`;
  const entry = presets.get(key) ?? { index, term, payload: { type: 'no-op' } };
  presets.set(key, entry);
  return entry;
}
