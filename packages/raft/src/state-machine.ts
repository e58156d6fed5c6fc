import { invariant } from '@grp/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import { SessionTable, sessionRules, type SessionRefusal, type SessionRules } from './sessions.ts';
import type { Entry, LogIndex } from './types.ts';

/** The user's part: deterministic, without clock, chance or outside world, for it runs on every server. */
export interface StateMachine {
  /** Applies one command and answers it. The same commands in the same order give the same answers everywhere. */
  apply(command: Uint8Array, index: LogIndex): Uint8Array;
  /** Everything that `restore` needs; of the commands applied so far and of none later. */
  snapshot(): Uint8Array;
  /** Forgets everything and takes over a snapshot. */
  restore(snapshot: Uint8Array): void;
}

/** What became of an entry. */
export type Outcome =
  | { readonly type: 'done'; readonly index: LogIndex; readonly answer: Uint8Array }
  | { readonly type: 'refused'; readonly reason: SessionRefusal };

const noAnswer = new Uint8Array(0);
const formatVersion = 1;

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
    if (payload.type !== 'command') return { type: 'done', index, answer: noAnswer };
    if (payload.session === 0) return { type: 'done', index, answer: this.#machine.apply(payload.command, index) };
    const verdict = this.#sessions.judge(payload);
    if (verdict.type === 'refuse') return { type: 'refused', reason: verdict.reason };
    if (verdict.type === 'answer') return { type: 'done', index, answer: verdict.answer };
    const answer = this.#machine.apply(payload.command, index);
    this.#sessions.applied(payload, answer);
    return { type: 'done', index, answer };
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter(4_096).varint(formatVersion);
    this.#sessions.write(writer);
    return writer.raw(this.#machine.snapshot()).finish();
  }

  /** The bytes were checked by whoever kept them. */
  restore(snapshot: Uint8Array): void {
    const reader = new ByteReader(snapshot);
    invariant(reader.varint() === formatVersion, 'the snapshot is of a known version');
    this.#sessions.read(reader);
    invariant(!reader.isBroken, 'the snapshot is whole');
    this.#machine.restore(reader.raw(reader.remaining));
  }
}
