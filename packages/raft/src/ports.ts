import type { Effect } from './effects.ts';
import type { Message } from './messages.ts';
import type { SnapshotPieces } from './state-machine.ts';
import type { Configuration, Entry, LogIndex, ServerId, SnapshotInfo, Term } from './types.ts';

/** What a write holds, and in which order it is done: cut or reset the log, append, replace the hard state. */
export type PersistWrite = Omit<Extract<Effect, { type: 'persist' }>, 'type'>;

/**
 * The disk of one server. Writes and installations are done one after the other, in the order in which they were asked
 * for; each callback comes later, never during the call.
 */
export interface RaftStorage {
  /** `done` once it survives a power cut; with a reason when that is not known, and then nothing more is asked. */
  persist(write: PersistWrite, done: (failure?: string) => void): void;
  /** Entries `from` … `to`, the first of them at least, `bytesMax` at most; undefined when they are not there. */
  readLog(
    range: { readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number },
    done: (entries: readonly Entry[] | undefined) => void,
  ): void;
  /** Entries up to here will not be read again. */
  compact(through: LogIndex): void;
  /**
   * What was damaged is settled. Until then each start must be told of the damage: writes in between do not heal it, and
   * must not hide it.
   */
  recovered(): void;
  /**
   * Makes a snapshot durable, in place of older ones. The first piece is drawn during this call, the others as the disk
   * takes them; entries are written meanwhile. Undefined when that failed, and the log stays as it is; with a `bug` when
   * drawing threw.
   */
  saveSnapshot(
    place: { readonly index: LogIndex; readonly term: Term; readonly configuration: Configuration },
    pieces: SnapshotPieces,
    done: (snapshot: SnapshotInfo | undefined, bug?: unknown) => void,
  ): void;
  readSnapshot(
    range: { readonly id: string; readonly offset: number; readonly bytesMax: number },
    done: (bytes: Uint8Array | undefined) => void,
  ): void;
  /** Keeps a piece of an arriving snapshot; offset 0 begins anew. False: it is not kept, begin anew. */
  saveChunk(snapshot: SnapshotInfo, offset: number, bytes: Uint8Array, done: (isSaved: boolean) => void): void;
  /**
   * Checks what has arrived, makes it durable, and empties the log after it, as one step: a crash leaves all or nothing.
   * The content, or undefined when the pieces are not that snapshot.
   */
  installSnapshot(snapshot: SnapshotInfo, done: (pieces: SnapshotPieces | undefined) => void): void;
}

/** The way to the other servers. Messages may be lost, doubled and reordered, never altered. */
export interface RaftPeers {
  send(to: ServerId, message: Message): void;
  /** Who takes part from now on, and where they listen. */
  configure(configuration: Configuration): void;
}
