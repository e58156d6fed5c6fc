import type { PersistWrite, RaftStorage } from './ports.ts';
import { joined } from './bytes.ts';
import type { SnapshotPieces } from './state-machine.ts';
import type { Entry, LogIndex, SnapshotInfo } from './types.ts';

/**
 * A disk that is none: everything is kept in memory and gone with the process. For tests and demonstrations; a server on it
 * that comes back must come back under a new id.
 */
export class MemoryStorage implements RaftStorage {
  #base: LogIndex = 0;
  #entries: Entry[] = [];
  #snapshot: { readonly info: SnapshotInfo; readonly bytes: Uint8Array } | undefined;
  #arriving: Uint8Array[] = [];
  #count = 0;
  readonly #later: (callback: () => void) => void;

  /** @param later Calls back after the present call, `queueMicrotask` for example. */
  constructor(later: (callback: () => void) => void) {
    this.#later = later;
  }

  persist({ truncateFrom, reset, entries }: PersistWrite, done: (failure?: string) => void): void {
    if (reset !== undefined) this.#empty(reset.index);
    if (truncateFrom !== undefined) this.#entries.length = Math.max(0, truncateFrom - this.#base - 1);
    this.#entries.push(...entries);
    this.#later(done);
  }

  readLog(
    { from, to }: Parameters<RaftStorage['readLog']>[0],
    done: (entries: readonly Entry[] | undefined) => void,
  ): void {
    const entries = from <= this.#base ? [] : this.#entries.slice(from - this.#base - 1, to - this.#base);
    this.#later(() => done(entries.length === 0 ? undefined : entries));
  }

  compact(through: LogIndex): void {
    this.#entries.splice(0, through - this.#base);
    this.#base = through;
  }

  recovered(): void {}

  saveSnapshot(
    { index, term, configuration }: Parameters<RaftStorage['saveSnapshot']>[0],
    pieces: SnapshotPieces,
    done: (snapshot: SnapshotInfo | undefined, bug?: unknown) => void,
  ): void {
    const id = `${index}-${term}-${++this.#count}`;
    all(pieces).then(
      (bytes) => {
        const info = { id, index, term, configuration, sizeBytes: bytes.length };
        if ((this.#snapshot?.info.index ?? 0) < index) this.#snapshot = { info, bytes };
        done(this.#snapshot?.info === info ? info : undefined);
      },
      (bug: unknown) => done(undefined, bug),
    );
  }

  readSnapshot(
    { id, offset, bytesMax }: Parameters<RaftStorage['readSnapshot']>[0],
    done: (bytes: Uint8Array | undefined) => void,
  ): void {
    const snapshot = this.#snapshot;
    this.#later(() => done(snapshot?.info.id === id ? snapshot.bytes.slice(offset, offset + bytesMax) : undefined));
  }

  saveChunk(_: SnapshotInfo, offset: number, bytes: Uint8Array, done: (isSaved: boolean) => void): void {
    if (offset === 0) this.#arriving = [];
    this.#arriving.push(bytes);
    this.#later(() => done(true));
  }

  installSnapshot(info: SnapshotInfo, done: (pieces: SnapshotPieces | undefined) => void): void {
    const bytes = joined(this.#arriving.splice(0));
    const isWhole = bytes.length === info.sizeBytes;
    if (isWhole) {
      this.#snapshot = { info, bytes };
      this.#empty(info.index);
    }
    this.#later(() => done(isWhole ? [bytes] : undefined));
  }

  #empty(base: LogIndex): void {
    this.#base = base;
    this.#entries = [];
  }
}

async function all(pieces: SnapshotPieces): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return joined(parts);
}
