import { below, fraction, type Clock, type Millis, type Random } from '@grp/core';
import type { Entry, PersistWrite, RaftStorage, SnapshotInfo, SnapshotPieces } from '@grp/raft';
import { DiskImage, type DiskOperation, type Platter } from './platter.ts';

/** What may be wrong with a disk for a while. */
export interface DiskTrouble {
  /** Each sync takes up to so much longer. */
  readonly slowMs?: Millis;
  /** Syncs do not come back. */
  readonly hangs?: boolean;
  /** The next sync fails, and what it should have made durable is lost. */
  readonly fails?: boolean;
}

interface Open {
  readonly operation: DiskOperation;
  readonly done: (failure?: string) => void;
}

export interface SimStorageOptions {
  readonly platter: Platter;
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
  /** A sync has just made something durable, and nobody knows yet. True: nobody ever will, for the server dies now. */
  readonly diesAfterSync?: () => boolean;
}

/** The disk of one life of a server: writes reach the platter by syncs, one at a time, each for all that waits. */
export class SimStorage implements RaftStorage {
  readonly #options: SimStorageOptions;
  /** What this life reads: durable or not. */
  readonly #view = new DiskImage();
  #open: Open[] = [];
  #isSyncing = false;
  #trouble: DiskTrouble = {};
  #snapshotNumber = 0;
  #staging: { readonly id: string; readonly bytes: Uint8Array; size: number } | undefined;

  constructor(options: SimStorageOptions) {
    this.#options = options;
    this.#view.copy(options.platter.image);
  }

  /** Writes that a crash may take. */
  get open(): readonly DiskOperation[] {
    return this.#open.map(({ operation }) => operation);
  }

  setTrouble(trouble: DiskTrouble): void {
    this.#trouble = trouble;
    this.#sync();
  }

  persist(write: PersistWrite, done: (failure?: string) => void): void {
    this.#do({ type: 'persist', write }, done);
  }

  readLog(
    { from, to, bytesMax }: Parameters<RaftStorage['readLog']>[0],
    done: (entries: readonly Entry[] | undefined) => void,
  ): void {
    this.#later(0.5, () => {
      const { base, entries } = this.#view;
      const [start, end] = [from - base.index - 1, to - base.index];
      if (start < 0 || end > entries.length) return done(undefined);
      // About forty bytes each: the exact count does not matter, that it is bounded does.
      return done(entries.slice(start, Math.min(end, start + Math.max(1, Math.floor(bytesMax / 64)))));
    });
  }

  compact(through: number): void {
    this.#do({ type: 'compact', through }, () => {});
  }

  recovered(): void {
    this.#do({ type: 'recovered' }, () => {});
  }

  saveSnapshot(
    place: Parameters<RaftStorage['saveSnapshot']>[0],
    pieces: SnapshotPieces,
    done: (snapshot: SnapshotInfo | undefined) => void,
  ): void {
    const { index, term, configuration } = place;
    const id = `${this.#options.name}-${index}-${term}-${this.#snapshotNumber++}-${below(this.#options.random, 65_536)}`;
    const drawing = (pieces as Iterable<Uint8Array>)[Symbol.iterator]();
    const drawn: Uint8Array[] = [(drawing.next() as IteratorYieldResult<Uint8Array>).value];
    // The rest is drawn later, when other commands have been applied. An older one that was overtaken by an installation
    // must not take its place.
    this.#later(5, () => {
      for (let next = drawing.next(); next.done !== true; next = drawing.next()) drawn.push(next.value);
      const bytes = joinedBytes(drawn);
      const snapshot = { id, index, term, configuration, sizeBytes: bytes.length };
      if ((this.#view.snapshot?.info.index ?? 0) >= index) return done(undefined);
      return this.#do({ type: 'snapshot', snapshot, bytes, empties: false }, (failure) =>
        done(failure === undefined ? snapshot : undefined),
      );
    });
  }

  readSnapshot(
    { id, offset, bytesMax }: Parameters<RaftStorage['readSnapshot']>[0],
    done: (bytes: Uint8Array | undefined) => void,
  ): void {
    this.#later(0.5, () => {
      const { snapshot } = this.#view;
      done(snapshot?.info.id === id ? snapshot.bytes.slice(offset, offset + bytesMax) : undefined);
    });
  }

  saveChunk(
    { id, sizeBytes }: SnapshotInfo,
    offset: number,
    bytes: Uint8Array,
    done: (isSaved: boolean) => void,
  ): void {
    if (offset === 0) this.#staging = { id, bytes: new Uint8Array(sizeBytes), size: 0 };
    const staging = this.#staging;
    const fits = staging?.id === id && staging.size === offset;
    if (fits) {
      staging.bytes.set(bytes, offset);
      staging.size += bytes.length;
    }
    this.#later(0.5, () => done(fits));
  }

  installSnapshot(snapshot: SnapshotInfo, done: (pieces: SnapshotPieces | undefined) => void): void {
    const staging = this.#staging;
    this.#staging = undefined;
    const isWhole = staging?.id === snapshot.id && staging.size === snapshot.sizeBytes;
    if (!isWhole) return this.#later(0.5, () => done(undefined));
    const { bytes } = staging;
    return this.#do({ type: 'snapshot', snapshot, bytes, empties: true }, (failure) =>
      done(failure === undefined ? inPieces(bytes) : undefined),
    );
  }

  #do(operation: DiskOperation, done: (failure?: string) => void): void {
    this.#view.do(operation);
    this.#open.push({ operation, done });
    this.#sync();
  }

  #sync(): void {
    const { platter, random, diesAfterSync } = this.#options;
    if (this.#isSyncing || this.#open.length === 0 || this.#trouble.hangs === true) return;
    this.#isSyncing = true;
    const batch = this.#open.length;
    this.#later(1 + (this.#trouble.slowMs ?? 0), () => {
      this.#isSyncing = false;
      if (this.#trouble.hangs === true) return;
      const synced = this.#open.splice(0, batch);
      const isFailed = this.#trouble.fails === true;
      // A failed sync leaves anything: here, the first of its writes.
      const kept = isFailed ? below(random, synced.length + 1) : synced.length;
      for (const { operation } of synced.slice(0, kept)) platter.image.do(operation);
      if (isFailed) this.#trouble = {};
      if (diesAfterSync?.() === true) return;
      for (const { done } of synced) done(isFailed ? 'the disk failed' : undefined);
      this.#sync();
    });
  }

  #later(spreadMs: Millis, action: () => void): void {
    const { clock, random } = this.#options;
    clock.wakeAt(clock.now() + 0.1 + spreadMs * fraction(random), action);
  }
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Cut anywhere, as a disk gives it back. */
function inPieces(bytes: Uint8Array): Uint8Array[] {
  const pieceBytes = 100;
  return Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, number) =>
    bytes.subarray(number * pieceBytes, (number + 1) * pieceBytes),
  );
}
