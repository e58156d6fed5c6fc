import { below, chance, type Random } from '@grp/core';
import type { Entry, HardState, LogPosition, PersistWrite, Restored, SnapshotInfo } from '@grp/raft';

/** Something done to a disk, in the order in which it is done. */
export type DiskOperation =
  | { readonly type: 'persist'; readonly write: PersistWrite }
  | {
      readonly type: 'snapshot';
      readonly snapshot: SnapshotInfo;
      readonly bytes: Uint8Array;
      readonly empties: boolean;
    }
  | { readonly type: 'compact'; readonly through: number }
  | { readonly type: 'recovered' };

/** Whole contents of a server's folder. */
export class DiskImage {
  hardState: HardState = { term: 0, vote: undefined };
  base: LogPosition = { index: 0, term: 0 };
  entries: Entry[] = [];
  snapshot: { readonly info: SnapshotInfo; readonly bytes: Uint8Array } | undefined;
  commit = 0;
  /** Told at each start, until the server says that all is settled. */
  damage = { log: false, hardState: false };

  get last(): number {
    return this.base.index + this.entries.length;
  }

  copy(other: DiskImage): void {
    this.hardState = other.hardState;
    this.base = other.base;
    this.entries = [...other.entries];
    this.snapshot = other.snapshot;
    this.commit = other.commit;
    this.damage = other.damage;
  }

  do(operation: DiskOperation): void {
    if (operation.type === 'persist') this.#persist(operation.write);
    else if (operation.type === 'compact') this.#compact(operation.through);
    else if (operation.type === 'recovered') this.damage = { log: false, hardState: false };
    else {
      const { snapshot, bytes, empties } = operation;
      this.snapshot = { info: snapshot, bytes };
      if (!empties) return;
      this.base = { index: snapshot.index, term: snapshot.term };
      this.entries = [];
    }
  }

  cutFrom(index: number): void {
    this.entries.length = Math.max(0, Math.min(this.entries.length, index - this.base.index - 1));
  }

  #persist({ truncateFrom, reset, entries, hardState, commit }: PersistWrite): void {
    if (hardState !== undefined) this.hardState = hardState;
    if (reset !== undefined) {
      this.base = reset;
      this.entries = [];
    }
    if (truncateFrom !== undefined) this.cutFrom(truncateFrom);
    // Behind a write that was lost everything is out of place, and ends the log when it is read again.
    for (const entry of entries) if (entry.index === this.last + 1) this.entries.push(entry);
    this.commit = commit;
  }

  #compact(through: number): void {
    const count = through - this.base.index;
    if (count <= 0) return;
    const last = this.entries[count - 1];
    if (last === undefined) return; // behind a write that was lost
    this.base = { index: last.index, term: last.term };
    this.entries.splice(0, count);
  }
}

/** What a disk holds across the lives of its server. Written is not yet durable; a crash decides what of it is left. */
export class Platter {
  readonly image = new DiskImage();
  #hasRun = false;

  /** What a power cut or a killed process leaves of the writes that were not durable: the first ones, one perhaps torn. */
  crash(open: readonly DiskOperation[], kind: 'process' | 'host', random: Random): void {
    // A process that dies leaves what it has written to the kernel.
    const keepsAll = kind === 'process' && chance(random, 0.7);
    const kept = keepsAll ? open.length : below(random, open.length + 1);
    for (const operation of open.slice(0, kept)) this.image.do(operation);
    const torn = open[kept];
    if (torn?.type === 'persist' && chance(random, 0.6)) this.#tear(torn.write, random);
  }

  /** Acknowledged entries at the end rot while the server is down; now and then everything is unreadable. */
  rot(random: Random): void {
    const { image } = this;
    image.damage = { ...image.damage, log: true };
    if (chance(random, 0.15)) {
      image.snapshot = undefined;
      image.base = { index: 0, term: 0 };
      image.entries = [];
      image.commit = 0;
    } else image.cutFrom(image.last + 1 - below(random, Math.min(image.entries.length, 20) + 1));
    if (chance(random, 0.3)) {
      image.damage = { log: true, hardState: true };
      image.hardState = { term: below(random, image.hardState.term + 1), vote: undefined };
    }
  }

  /** Rot that nobody notices: what a log that takes corruption for a torn end does. */
  rotUnnoticed(count: number): void {
    this.image.cutFrom(this.image.last + 1 - count);
  }

  /** What the next life reads. Entries at the end are in memory, as many as `random` says. */
  restore(random: Random): Restored | undefined {
    const { image } = this;
    if (!this.#hasRun) {
      this.#hasRun = true;
      return undefined;
    }
    const { base, entries, hardState, commit, last, damage } = image;
    const runs: { from: number; term: number }[] = [];
    for (const { index, term } of entries) if (runs.at(-1)?.term !== term) runs.push({ from: index, term });
    const tail = chance(random, 0.5) ? entries.slice() : entries.slice(below(random, entries.length + 1));
    return {
      hardState,
      log: { base, runs, last, tail },
      configurations: entries.flatMap(({ index, payload }) =>
        payload.type === 'configuration' ? [{ index, configuration: payload.configuration }] : [],
      ),
      snapshot: image.snapshot?.info,
      commit,
      damage,
    };
  }

  #tear(write: PersistWrite, random: Random): void {
    const entries = write.entries.slice(0, below(random, write.entries.length + 1));
    const { hardState, ...rest } = write;
    const isHardStateThere = hardState !== undefined && chance(random, 0.5);
    this.image.do({ type: 'persist', write: { ...rest, entries, ...(isHardStateThere && { hardState }) } });
    // A half-written frame looks like one that was acknowledged and is rotten; a frame that was never begun does not.
    if (chance(random, 0.7)) this.image.damage = { ...this.image.damage, log: true };
  }
}
