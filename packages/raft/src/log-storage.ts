import type { Log, SnapshotInfo as HeldSnapshot, SnapshotReader, SnapshotWriter } from '@grp/storage';
import { GrpError, type Random } from '@grp/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { PersistWrite, RaftStorage } from './ports.ts';
import type { PlacedConfiguration } from './protocol/configurations.ts';
import type { TermRun } from './protocol/log.ts';
import type { Restored } from './protocol/restoring.ts';
import type { SnapshotPieces } from './state-machine.ts';
import type { Configuration, Entry, HardState, LogIndex, LogPosition, SnapshotInfo } from './types.ts';
import { readConfiguration, writeConfiguration, type PayloadCodec } from './wire/payload.ts';

const readBytes = 1_048_576;
/** The newest entries that a start keeps in memory. */
const tailEntriesMax = 4_096;

export interface OpenedStorage {
  readonly storage: LogStorage;
  /** Undefined: this server never ran before. */
  readonly restored: Restored | undefined;
  /** The snapshot's content, for the state machine, in pieces. */
  readonly snapshot: AsyncIterable<Uint8Array> | undefined;
}

/** Reads what an open log holds, and makes it a server's disk. */
export async function openRaftStorage(
  log: Log,
  { payloads, random }: { readonly payloads: PayloadCodec; readonly random: Random },
): Promise<OpenedStorage> {
  const { recovered } = log;
  const { damage } = recovered;
  const info = recovered.snapshot === undefined ? undefined : infoOf(recovered.snapshot);
  // Entries behind a snapshot that is gone lead nowhere.
  const isReachable = recovered.compacted.index <= (info?.index ?? 0);
  const from: LogPosition = isReachable ? recovered.compacted : { index: info?.index ?? 0, term: info?.term ?? 0 };
  const found = isReachable
    ? await scan(log, from, payloads)
    : { runs: [], last: from.index, tail: [], configurations: [] };
  const storage = new LogStorage(log, { payloads, random, shown: { base: from, last: found.last } });
  const isNew = recovered.hardState === undefined && damage === undefined && found.last === 0 && info === undefined;
  if (isNew) return { storage, restored: undefined, snapshot: undefined };
  const { runs, last, tail, configurations } = found;
  const isLogDamaged =
    damage !== undefined &&
    (damage.corrupt.length > 0 || damage.uncertainFrom !== undefined || damage.snapshotLost !== undefined);
  const restored: Restored = {
    hardState: readHardState(recovered.hardState),
    log: { base: from, runs, last, tail },
    configurations,
    snapshot: info,
    commit: recovered.commitHint,
    damage: { log: isLogDamaged, hardState: damage?.hardState === 'suspect' },
  };
  return { storage, restored, snapshot: info === undefined ? undefined : piecesOf(log, info.id) };
}

/** A server's disk, on a log of `@grp/storage`. */
export class LogStorage implements RaftStorage {
  readonly #log: Log;
  readonly #payloads: PayloadCodec;
  readonly #random: Random;
  /** What the machine was shown; what the log holds besides is damaged, and goes before anything is added. */
  #shown: { readonly base: LogPosition; readonly last: LogIndex } | undefined;
  readonly #waiting: { readonly ticket: number; readonly done: (failure?: string) => void }[] = [];
  #blocked: (() => void)[] = [];
  #arriving: { readonly id: string; readonly writer: SnapshotWriter } | undefined;
  #reader: { readonly id: string; readonly reader: SnapshotReader } | undefined;
  readonly #cancel: () => void;
  /** Told when room is short, and when there is room again. */
  onSpace: (isLow: boolean) => void = () => {};

  constructor(
    log: Log,
    options: {
      readonly payloads: PayloadCodec;
      readonly random: Random;
      readonly shown: { readonly base: LogPosition; readonly last: LogIndex };
    },
  ) {
    this.#log = log;
    this.#payloads = options.payloads;
    this.#random = options.random;
    this.#shown = options.shown;
    this.#cancel = log.on((event) => {
      if (event.type === 'durable') this.#confirm(event.ticket);
      else if (event.type === 'failed') this.#fail(event.error.message);
      else if (event.type === 'full') this.onSpace(true);
      else this.#retry();
    });
  }

  persist(write: PersistWrite, done: (failure?: string) => void): void {
    this.#do(done, () => {
      const { truncateFrom, reset, entries, hardState, commit } = write;
      const log = this.#log;
      log.hintCommit(commit);
      if (entries.length > 0 || truncateFrom !== undefined || reset !== undefined) this.#dropDamaged();
      if (reset !== undefined) log.reset(reset);
      if (truncateFrom !== undefined && truncateFrom <= log.entries.lastIndex) log.truncate(truncateFrom);
      return log.append(
        entries.map(({ index, term, payload }) => ({ index, term, payload: this.#payloads.encode(payload) })),
        hardState === undefined ? undefined : writeHardState(hardState),
      );
    });
  }

  readLog(
    { from, to, bytesMax }: Parameters<RaftStorage['readLog']>[0],
    done: (entries: readonly Entry[] | undefined) => void,
  ): void {
    const first = this.#log.entries.firstIndex;
    const read = from < first ? Promise.resolve([]) : this.#log.entries.read(from, to, bytesMax);
    read.then(
      (found) => done(found.length === 0 ? undefined : decodeAll(found, this.#payloads)),
      () => done(undefined),
    );
  }

  compact(through: LogIndex): void {
    this.#do(
      () => {},
      () => this.#log.compact(through),
    );
  }

  recovered(): void {
    this.#do(
      () => {},
      () => {
        this.#dropDamaged();
        return this.#log.settle();
      },
    );
  }

  saveSnapshot(
    { index, term, configuration }: Parameters<RaftStorage['saveSnapshot']>[0],
    pieces: SnapshotPieces,
    done: (snapshot: SnapshotInfo | undefined, bug?: unknown) => void,
  ): void {
    const id = `${index}-${term}-${this.#random.nextU32().toString(36)}${this.#random.nextU32().toString(36)}`;
    const writer = this.#log.snapshots.create({ index, term, metadata: writeMetadata(id, configuration) });
    writeAll(writer, pieces).then(
      // A later one that came from the leader meanwhile counts more.
      () =>
        done(latestId(this.#log) === id ? { id, index, term, configuration, sizeBytes: writer.sizeBytes } : undefined),
      (cause: unknown) => {
        writer.abort().catch(() => {});
        done(undefined, cause instanceof GrpError ? undefined : cause);
      },
    );
  }

  readSnapshot(
    { id, offset, bytesMax }: Parameters<RaftStorage['readSnapshot']>[0],
    done: (bytes: Uint8Array | undefined) => void,
  ): void {
    this.#readChunk(id, offset, bytesMax).then(done, () => done(undefined));
  }

  saveChunk(
    { id, index, term, configuration }: SnapshotInfo,
    offset: number,
    bytes: Uint8Array,
    done: (isSaved: boolean) => void,
  ): void {
    if (offset === 0) {
      this.#arriving?.writer.abort().catch(() => {});
      const writer = this.#log.snapshots.create({ index, term, metadata: writeMetadata(id, configuration) });
      this.#arriving = { id, writer };
    }
    const arriving = this.#arriving;
    if (arriving?.id !== id || arriving.writer.sizeBytes !== offset) return queueMicrotask(() => done(false));
    arriving.writer.write(bytes).then(
      () => done(true),
      () => done(false),
    );
    return undefined;
  }

  installSnapshot(snapshot: SnapshotInfo, done: (pieces: SnapshotPieces | undefined) => void): void {
    this.#install(snapshot).then(done, () => done(undefined));
  }

  /** Lets go of the log, which is its owner's to close. */
  close(): void {
    this.#cancel();
    this.#reader?.reader.close();
    this.#reader = undefined;
    this.#waiting.length = 0;
    this.#blocked = [];
  }

  async #install({ id, index, term, sizeBytes }: SnapshotInfo): Promise<SnapshotPieces | undefined> {
    const arriving = this.#arriving;
    this.#arriving = undefined;
    if (arriving?.id !== id) return undefined;
    if (arriving.writer.sizeBytes !== sizeBytes) {
      await arriving.writer.abort();
      return undefined;
    }
    await arriving.writer.commit();
    if (latestId(this.#log) !== id) return undefined;
    await new Promise<void>((resolve, reject) =>
      this.#do(
        (failure) => (failure === undefined ? resolve() : reject(new Error(failure))),
        () => {
          this.#shown = undefined;
          return this.#log.reset({ index, term });
        },
      ),
    );
    return piecesOf(this.#log, id);
  }

  async #readChunk(id: string, offset: number, bytesMax: number): Promise<Uint8Array | undefined> {
    if (this.#reader?.id !== id) {
      if (latestId(this.#log) !== id) return undefined;
      const reader = await this.#log.snapshots.open();
      const opened = readMetadata(reader.info)?.id;
      if (opened !== id) {
        reader.close();
        return undefined;
      }
      this.#reader?.reader.close();
      this.#reader = { id, reader };
    }
    if (bytesMax === 0) return new Uint8Array(0);
    return this.#reader.reader.read(offset, bytesMax);
  }

  /** Entries that the machine was not shown were damaged or cannot be reached. Whatever was there is settled by now. */
  #dropDamaged(): void {
    const shown = this.#shown;
    this.#shown = undefined;
    const { entries } = this.#log;
    if (shown === undefined) return;
    if (shown.base.index !== entries.firstIndex - 1) this.#log.reset(shown.base);
    else if (entries.lastIndex > shown.last) this.#log.truncate(shown.last + 1);
  }

  /** Does it, or does it when there is room; nothing overtakes what waits for room. */
  #do(done: (failure?: string) => void, work: () => number): void {
    if (this.#blocked.length > 0) {
      this.#blocked.push(() => this.#attempt(done, work));
      return;
    }
    this.#attempt(done, work);
  }

  #attempt(done: (failure?: string) => void, work: () => number): void {
    try {
      this.#waiting.push({ ticket: work(), done });
    } catch (cause) {
      if (!(cause instanceof GrpError)) throw cause;
      if (cause.code === 'STORAGE_FULL' || cause.code === 'STORAGE_BUSY')
        this.#blocked.unshift(() => this.#attempt(done, work));
      else queueMicrotask(() => done(cause.message));
    }
  }

  #retry(): void {
    const blocked = this.#blocked;
    this.#blocked = [];
    while (blocked.length > 0 && this.#blocked.length === 0) blocked.shift()?.();
    this.#blocked.push(...blocked);
    if (this.#blocked.length === 0) this.onSpace(false);
  }

  #confirm(ticket: number): void {
    while ((this.#waiting[0]?.ticket ?? Infinity) <= ticket) this.#waiting.shift()?.done();
  }

  #fail(reason: string): void {
    for (const { done } of this.#waiting.splice(0)) done(reason);
  }
}

async function scan(log: Log, base: LogPosition, payloads: PayloadCodec) {
  const runs: TermRun[] = [];
  const configurations: PlacedConfiguration[] = [];
  let tail: Entry[] = [];
  let last = base.index;
  const end = endOf(log);
  while (last < end) {
    const read = decodeAll(await readOrNothing(log, last + 1, end), payloads);
    if (read === undefined || read.length === 0) break; // what follows cannot be read, or reached
    for (const entry of read) {
      if (runs.at(-1)?.term !== entry.term) runs.push({ from: entry.index, term: entry.term });
      if (entry.payload.type === 'configuration')
        configurations.push({ index: entry.index, configuration: entry.payload.configuration });
    }
    tail = [...tail, ...read].slice(-tailEntriesMax);
    last += read.length;
  }
  return { runs, last, tail, configurations };
}

function endOf({ recovered }: Log): LogIndex {
  const { damage, lastIndex } = recovered;
  const hole = damage?.corrupt[0]?.from ?? Infinity;
  return Math.min(lastIndex, hole - 1, (damage?.uncertainFrom ?? Infinity) - 1);
}

async function readOrNothing(log: Log, from: LogIndex, to: LogIndex) {
  try {
    return await log.entries.read(from, to, readBytes);
  } catch (cause) {
    if (cause instanceof GrpError && cause.code === 'STORAGE_DAMAGED') return [];
    throw cause;
  }
}

function decodeAll(
  found: readonly { readonly index: number; readonly term: number; readonly payload: Uint8Array }[],
  payloads: PayloadCodec,
): Entry[] | undefined {
  const entries: Entry[] = [];
  for (const { index, term, payload: bytes } of found) {
    const payload = payloads.decode(bytes);
    if (payload === undefined) return entries.length === 0 ? undefined : entries;
    entries.push({ index, term, payload });
  }
  return entries;
}

/** The content of a snapshot, read as it is drawn: what a state machine takes over is never in memory as a whole. */
async function* piecesOf(log: Log, id: string): AsyncGenerator<Uint8Array, void, void> {
  const reader = await log.snapshots.open();
  try {
    if (readMetadata(reader.info)?.id !== id) throw new Error('another snapshot has taken its place');
    for (let offset = 0; offset < reader.info.sizeBytes;) {
      const piece = await reader.read(offset, readBytes);
      yield piece;
      offset += piece.length;
    }
  } finally {
    reader.close();
  }
}

function infoOf(held: HeldSnapshot): SnapshotInfo {
  const label = readMetadata(held);
  if (label === undefined) throw new Error('the label of the snapshot is of another version');
  const { index, term, sizeBytes } = held;
  return { ...label, index, term, sizeBytes };
}

function latestId(log: Log): string | undefined {
  const { latest } = log.snapshots;
  return latest === undefined ? undefined : readMetadata(latest)?.id;
}

async function writeAll(writer: SnapshotWriter, pieces: SnapshotPieces): Promise<void> {
  for await (const piece of pieces)
    for (let offset = 0; offset < piece.length; offset += readBytes)
      await writer.write(piece.subarray(offset, offset + readBytes));
  await writer.commit();
}

function writeMetadata(id: string, configuration: Configuration): Uint8Array {
  const writer = new ByteWriter(256).varint(1).text(id);
  writeConfiguration(writer, configuration);
  return writer.finish();
}

function readMetadata({ metadata }: { readonly metadata: Uint8Array }) {
  const reader = new ByteReader(metadata);
  if (reader.varint() !== 1) return undefined;
  const label = { id: reader.text(), configuration: readConfiguration(reader) };
  return reader.isBroken ? undefined : label;
}

function writeHardState({ term, vote }: HardState): Uint8Array {
  return new ByteWriter(64)
    .varint(term)
    .varint(vote === undefined ? 0 : 1)
    .text(vote ?? '')
    .finish();
}

function readHardState(bytes: Uint8Array | undefined): HardState {
  if (bytes === undefined) return { term: 0, vote: undefined };
  const reader = new ByteReader(bytes);
  const term = reader.varint();
  const hasVote = reader.varint() === 1;
  const vote = reader.text();
  return { term, vote: hasVote ? vote : undefined };
}
