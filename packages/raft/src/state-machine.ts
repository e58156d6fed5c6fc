import { invariant } from '@grp/core';
import { ByteWriter, joined } from './bytes.ts';
import { RecordReader } from './record-reader.ts';
import { SessionReader, SessionTable, sessionRules, type SessionRefusal, type SessionRules } from './sessions.ts';
import type { Entry, LogIndex } from './types.ts';

/** A snapshot that is drawn piece by piece, while later commands are applied. Pieces of some 64 KiB stop nobody. */
export type SnapshotPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Where a piece stands in its snapshot; a snapshot in one piece is the first and the last. */
export interface PiecePlace {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** The user's part: deterministic, without clock, chance or outside world, for it runs on every server. */
export interface StateMachine {
  /** Applies one command and answers it. The same commands in the same order give the same answers everywhere. */
  apply(command: Uint8Array, index: LogIndex): Uint8Array;
  /**
   * Everything that `restore` needs; of the commands applied so far and of none later. A large state is given in pieces: the
   * first is asked for at once, before anything else is applied, the others one by one while commands are applied. They are
   * read, and neither kept nor changed.
   */
  snapshot(): Uint8Array | SnapshotPieces;
  /**
   * Forgets everything and takes over a snapshot: in one piece, or, with `inPieces`, in as many calls as there are pieces,
   * which are cut elsewhere than `snapshot` had cut them. Between the first and the last nothing is applied, and nothing
   * is read linearizably; a first piece begins anew.
   */
  restore(piece: Uint8Array, place: PiecePlace): void;
  /** `restore` takes pieces, so that a snapshot is never in memory as a whole (default false). */
  readonly inPieces?: boolean;
}

/** What became of an entry. */
export type Outcome =
  | { readonly type: 'done'; readonly index: LogIndex; readonly answer: Uint8Array }
  | { readonly type: 'refused'; readonly reason: SessionRefusal };

const noBytes = new Uint8Array(0);
const formatVersion = 1;

/** A snapshot on its way back into the machine. */
interface Restoring {
  readonly records: RecordReader;
  sessions: SessionReader | undefined;
  /** Of a machine that wants it whole. */
  readonly parts: Uint8Array[];
  hasBegun: boolean;
}

/** The user's state machine with the client sessions in front of it; a snapshot holds both. */
export class SessionedStateMachine {
  readonly #machine: StateMachine;
  readonly #sessions: SessionTable;

  constructor(machine: StateMachine, rules: SessionRules = sessionRules) {
    this.#machine = machine;
    this.#sessions = new SessionTable(rules);
  }

  apply({ index, payload }: Entry): Outcome {
    if (payload.type === 'register') this.#sessions.register(index);
    if (payload.type !== 'command') return { type: 'done', index, answer: noBytes };
    if (payload.session === 0) return { type: 'done', index, answer: this.#machine.apply(payload.command, index) };
    const verdict = this.#sessions.judge(payload);
    if (verdict.type === 'refuse') return { type: 'refused', reason: verdict.reason };
    if (verdict.type === 'answer') return { type: 'done', index, answer: verdict.answer };
    const answer = this.#machine.apply(payload.command, index);
    this.#sessions.applied(payload, answer);
    return { type: 'done', index, answer };
  }

  /** The state as it is now. Sync when the machine's snapshot is. */
  snapshot(): SnapshotPieces {
    const sessions = this.#sessions.capture(new ByteWriter(4_096).varint(formatVersion));
    const given = this.#machine.snapshot();
    if (given instanceof Uint8Array) return inTurn(sessions, [given]);
    return Symbol.asyncIterator in given ? inTurnAsync(sessions, begunAsync(given)) : inTurn(sessions, begun(given));
  }

  /** Takes over a snapshot; at once when its pieces are at hand. They were checked by whoever kept them. */
  restore(pieces: Iterable<Uint8Array>): void;
  restore(pieces: SnapshotPieces): void | Promise<void>;
  restore(pieces: SnapshotPieces): void | Promise<void> {
    const restoring: Restoring = { records: new RecordReader(), sessions: undefined, parts: [], hasBegun: false };
    if (Symbol.asyncIterator in pieces) return this.#restoreAsync(restoring, pieces);
    let held: Uint8Array = noBytes;
    for (const piece of pieces) {
      this.#take(restoring, held, false);
      held = piece;
    }
    return this.#take(restoring, held, true);
  }

  async #restoreAsync(restoring: Restoring, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    let held: Uint8Array = noBytes;
    for await (const piece of pieces) {
      this.#take(restoring, held, false);
      held = piece;
    }
    this.#take(restoring, held, true);
  }

  #take(restoring: Restoring, piece: Uint8Array, isLast: boolean): void {
    const { records } = restoring;
    if (restoring.sessions?.isComplete === true) return this.#pass(restoring, piece, isLast);
    records.push(piece);
    if (restoring.sessions === undefined) {
      const version = records.take((reader) => reader.varint());
      invariant(version === undefined || version === formatVersion, 'the snapshot is of a known version');
      if (version !== undefined) restoring.sessions = new SessionReader(records);
    }
    const isComplete = restoring.sessions?.read() === true;
    invariant(isComplete || !isLast, 'the snapshot is whole');
    if (isComplete && (isLast || records.rest().length > 0)) this.#pass(restoring, records.rest(), isLast);
    return undefined;
  }

  /** What is behind the sessions is the machine's own. */
  #pass(restoring: Restoring, piece: Uint8Array, isLast: boolean): void {
    const machine = this.#machine;
    if (machine.inPieces === true) machine.restore(piece, { isFirst: !restoring.hasBegun, isLast });
    else restoring.parts.push(piece);
    restoring.hasBegun = true;
    if (!isLast) return;
    if (machine.inPieces !== true) machine.restore(joined(restoring.parts), { isFirst: true, isLast: true });
    if (restoring.sessions !== undefined) this.#sessions.adopt(restoring.sessions);
  }
}

// The first piece is drawn when this is called, not when the result is: a generator copies its state in its first turn.
function begun(pieces: Iterable<Uint8Array>): Iterable<Uint8Array> {
  const iterator = pieces[Symbol.iterator]();
  const first = iterator.next();
  return (function* () {
    try {
      for (let next = first; next.done !== true; next = iterator.next()) yield next.value;
    } finally {
      iterator.return?.();
    }
  })();
}

function begunAsync(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => {}); // heard when it is drawn
  return (async function* () {
    try {
      for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

function* inTurn(one: Iterable<Uint8Array>, other: Iterable<Uint8Array>): Iterable<Uint8Array> {
  yield* one;
  yield* other;
}

async function* inTurnAsync(one: Iterable<Uint8Array>, other: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* one;
  yield* other;
}
