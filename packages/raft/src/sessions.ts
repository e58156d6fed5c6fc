import { ByteWriter } from './bytes.ts';
import type { RecordReader } from './record-reader.ts';
import type { Command, LogIndex } from './types.ts';

/**
 * Bounds of the session table. They are part of the replicated state, so they are constants: servers that evicted by
 * different bounds would give different answers.
 */
export const sessionLimits = {
  /** Sessions; beyond that the one that was used longest ago, counted in log positions, is closed. */
  sessionsMax: 65_536,
  /** Commands of one session that may be under way, or answered and not acknowledged. */
  windowMax: 1_024,
  /** Bytes of kept answers, of all sessions together. */
  answerBytesMax: 67_108_864,
} as const;

/** Why a command of a session was not applied, now or ever. */
export type SessionRefusal =
  /** There is no such session, or it was closed: nobody can know any more whether the command was applied. */
  | 'session-expired'
  /** The client said that it has the answer already. */
  | 'acknowledged'
  /** Too far ahead of the oldest command without an acknowledgement. */
  | 'window-exceeded';

/** What to do with a command. */
export type Verdict =
  | { readonly type: 'apply' }
  | { readonly type: 'answer'; readonly answer: Uint8Array }
  | { readonly type: 'refuse'; readonly reason: SessionRefusal };

interface Session {
  /** All commands below are answered and acknowledged. */
  acknowledged: number;
  readonly answers: Map<number, Uint8Array>;
  /** How many snapshots had been captured when this was made: one that was captured since still reads it. */
  readonly captures: number;
}

const pieceBytes = 65_536;

/** The judgement on which exactly-once rests; tests replace it by classical mistakes. */
export interface SessionRules {
  readonly judge: (session: Pick<Session, 'acknowledged' | 'answers'> | undefined, command: Command) => Verdict;
}

/**
 * Each command is applied once, however often it is proposed (§8; Ongaro 2014, §6.3). A command is known by its own
 * sequence, not by being greater than the last: commands that overtook each other are all applied, each once. Sessions are
 * never reused, for their id is the place in the log where they began; none is closed by a clock.
 */
export const sessionRules: SessionRules = {
  judge(session, { sequence, acknowledged }) {
    if (session === undefined) return { type: 'refuse', reason: 'session-expired' };
    const floor = Math.max(session.acknowledged, acknowledged);
    if (sequence < floor) return { type: 'refuse', reason: 'acknowledged' };
    const answer = session.answers.get(sequence);
    if (answer !== undefined) return { type: 'answer', answer };
    if (sequence >= floor + sessionLimits.windowMax) return { type: 'refuse', reason: 'window-exceeded' };
    return { type: 'apply' };
  },
};

/** The sessions of all clients: part of the replicated state, changed by log entries alone. */
export class SessionTable {
  readonly #rules: SessionRules;
  readonly #limits: { readonly sessionsMax: number; readonly answerBytesMax: number };
  // In the order of last use.
  #sessions = new Map<LogIndex, Session>();
  #answerBytes = 0;
  #captures = 0;

  constructor(
    rules: SessionRules = sessionRules,
    limits: { readonly sessionsMax: number; readonly answerBytesMax: number } = sessionLimits,
  ) {
    this.#rules = rules;
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Opens a session; its id is the index of the entry that asked for it. */
  register(index: LogIndex): void {
    this.#sessions.set(index, { acknowledged: 1, answers: new Map(), captures: this.#captures });
    this.#evict();
  }

  judge(command: Command): Verdict {
    const known = this.#sessions.get(command.session);
    const verdict = this.#rules.judge(known, command);
    if (known === undefined) return verdict;
    const session = this.#own(known);
    this.#sessions.delete(command.session);
    this.#sessions.set(command.session, session);
    if (command.acknowledged <= session.acknowledged) return verdict;
    session.acknowledged = command.acknowledged;
    for (const [sequence, answer] of session.answers) {
      if (sequence >= command.acknowledged) continue;
      session.answers.delete(sequence);
      this.#answerBytes -= answer.length;
    }
    return verdict;
  }

  /** The command was applied: whoever asks again gets the same answer. */
  applied({ session: id, sequence }: Command, answer: Uint8Array): void {
    // It was judged before, and is not in any snapshot since.
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.answers.set(sequence, answer);
    this.#answerBytes += answer.length;
    this.#evict();
  }

  /** All sessions as they are now, behind what `writer` has already, in pieces that may be drawn later. */
  capture(writer: ByteWriter): Iterable<Uint8Array> {
    this.#captures++;
    return written(writer, [...this.#sessions]);
  }

  /** Takes over what a reader has read. */
  adopt({ sessions, answerBytes }: SessionReader): void {
    this.#sessions = new Map(sessions);
    this.#answerBytes = answerBytes;
    this.#captures = 0;
  }

  /** The same session, for changing: what a snapshot may still have to write stays as it is. */
  #own(session: Session): Session {
    const captures = this.#captures;
    return session.captures === captures ? session : { ...session, answers: new Map(session.answers), captures };
  }

  #evict(): void {
    for (const [id, { answers }] of this.#sessions) {
      if (this.#sessions.size <= this.#limits.sessionsMax && this.#answerBytes <= this.#limits.answerBytesMax) return;
      this.#sessions.delete(id);
      for (const answer of answers.values()) this.#answerBytes -= answer.length;
    }
  }
}

function* written(head: ByteWriter, sessions: readonly (readonly [LogIndex, Session])[]): Iterable<Uint8Array> {
  let writer = head.varint(sessions.length);
  for (const [id, { acknowledged, answers }] of sessions) {
    writer.varint(id).varint(acknowledged).varint(answers.size);
    for (const [sequence, answer] of answers) {
      writer.varint(sequence).bytes(answer);
      if (writer.length < pieceBytes) continue;
      yield writer.finish();
      writer = new ByteWriter(4_096);
    }
    if (writer.length < pieceBytes) continue;
    yield writer.finish();
    writer = new ByteWriter(4_096);
  }
  yield writer.finish();
}

/** Reads what `capture` wrote, as it comes. */
export class SessionReader {
  readonly sessions = new Map<LogIndex, Session>();
  answerBytes = 0;
  readonly #records: RecordReader;
  #sessionsLeft: number | undefined;
  #open: Session | undefined;
  #answersLeft = 0;

  constructor(records: RecordReader) {
    this.#records = records;
  }

  get isComplete(): boolean {
    return this.#sessionsLeft === 0 && this.#answersLeft === 0;
  }

  /** Reads what is there; true: that was all. What follows is not touched. */
  read(): boolean {
    this.#sessionsLeft ??= this.#records.take((reader) => reader.varint());
    if (this.#sessionsLeft === undefined) return false;
    while (!this.isComplete) if (!(this.#answersLeft > 0 ? this.#readAnswer() : this.#readSession())) return false;
    return true;
  }

  #readSession(): boolean {
    const found = this.#records.take((reader) => [reader.varint(), reader.varint(), reader.varint()] as const);
    if (found === undefined) return false;
    const [id, acknowledged, answerCount] = found;
    this.#open = { acknowledged, answers: new Map(), captures: 0 };
    this.sessions.set(id, this.#open);
    this.#answersLeft = answerCount;
    this.#sessionsLeft = (this.#sessionsLeft ?? 0) - 1;
    return true;
  }

  #readAnswer(): boolean {
    const found = this.#records.take((reader) => [reader.varint(), reader.bytes().slice()] as const);
    if (found === undefined) return false;
    const [sequence, answer] = found;
    this.#open?.answers.set(sequence, answer);
    this.answerBytes += answer.length;
    this.#answersLeft--;
    return true;
  }
}
