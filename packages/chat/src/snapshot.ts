import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { defineErrors } from '@grp/core';
import { SnapshotRecordSchema, type SnapshotRecord } from './gen/grp/chat/v1/log_pb.ts';
import { ByteRange, bytesOfKey, isText, keyOf, textOf, utf8 } from './fields.ts';
import { readMessageRecord, type MessageRecord } from './message-record.ts';
import type { Account, Room, Session } from './model.ts';
import { outcomeOf, outcomeRecord } from './outcome-codec.ts';
import { ChatState, type StateChanges } from './state.ts';
import type { StateConfig } from './config.ts';

export const snapshotError = defineErrors({
  CHAT_SNAPSHOT_INVALID: {
    kind: 'failure',
    message: 'The snapshot of the chat is not usable: $problem.',
    hint: 'Another server has a good one: start this one with an empty data folder.',
  },
});

type RecordInit = NonNullable<MessageInitShape<typeof SnapshotRecordSchema>['record']>;

const version = 1;
const chunkBytes = 64 * 1_024;
/** Smaller things are put together. */
const largeBytes = 8 * 1_024;
const lengthBytes = 4;
/** A record is one message at most: 64 KiB of text and its frame. */
const recordBytesMax = 1_048_576;
const idBytes = 16;

/**
 * The state as it is now, in chunks of about 64 KiB that are drawn one by one while later commands are applied. What is
 * there is noted at once, by reference; what changes meanwhile is written as it was.
 */
export function captureState(state: ChatState): Iterable<Uint8Array> {
  const before = new Before();
  const cancel = state.onChange(before);
  return chunked(recordsOf(state, before), cancel);
}

/** Builds a state from the chunks of `captureState`. @throws GrpError CHAT_SNAPSHOT_INVALID */
export function restoreState(chunks: Iterable<Uint8Array>, config?: Partial<StateConfig>): ChatState {
  const restorer = new StateRestorer(config);
  for (const chunk of chunks) restorer.push(chunk);
  return restorer.finish();
}

/** Several pieces as one. */
function joinedBytes(one: Uint8Array, other: Uint8Array): Uint8Array {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}

/** What changed since a snapshot was begun, as it was then. */
class Before implements StateChanges {
  readonly passwords = new Map<Account, { readonly passwordHash: string; readonly passwordIndex: number }>();
  readonly members = new Map<Room, readonly (readonly [number, number])[]>();
  /** Rooms that are not written yet, and the messages that each had. */
  readonly rooms = new Map<Room, { readonly length: number; readonly pages: readonly Uint8Array[] }>();

  account(account: Account): void {
    const { passwordHash, passwordIndex } = account;
    if (!this.passwords.has(account)) this.passwords.set(account, { passwordHash, passwordIndex });
  }

  membership(room: Room): void {
    if (this.rooms.has(room) && !this.members.has(room)) this.members.set(room, [...room.members]);
  }
}

/**
 * What there is is noted when this is called, and made into records when they are drawn: bytes that may be cut anywhere, and
 * joined to what comes before and after.
 */
function recordsOf(state: ChatState, before: Before): Iterable<Uint8Array> {
  const head: RecordInit = {
    case: 'head',
    value: { version, appliedIndex: BigInt(state.appliedIndex), atMs: BigInt(state.nowMs) },
  };
  const accounts = [...state.accounts()];
  const sessions = [...state.sessions()];
  const requests = [...state.requests()];
  for (const room of state.rooms()) {
    const { messages } = room;
    before.rooms.set(room, { length: messages.length, pages: messages.capture() });
  }
  return (function* () {
    const names = new Map<number, string>();
    yield framed(head);
    for (const account of accounts) {
      names.set(account.index, account.name);
      yield framed({ case: 'account', value: accountRecord({ ...account, ...before.passwords.get(account) }) });
    }
    for (const session of sessions) yield framed(sessionRecord(session));
    for (const [id, outcome] of requests)
      yield framed({ case: 'request', value: { requestId: bytesOfKey(id), outcome: outcomeRecord(outcome) } });
    for (const [room, { length, pages }] of before.rooms) {
      yield framed(roomRecord(room, length));
      const members = before.members.get(room) ?? [...room.members];
      before.rooms.delete(room);
      before.members.delete(room);
      for (const [account, read] of members) yield framed(membershipRecord(room, names.get(account), read));
      yield* pages;
    }
  })();
}

function sessionRecord({ tokenHash, account, expiresAtMs }: Session): RecordInit {
  const value = {
    tokenHash: bytesOfKey(tokenHash),
    name: account.name,
    accountIndex: BigInt(account.index),
    expiresAtMs: BigInt(expiresAtMs),
  };
  return { case: 'session', value };
}

function accountRecord({ name, passwordHash, index, passwordIndex, createdAtMs }: Account) {
  return {
    name,
    passwordHash,
    index: BigInt(index),
    passwordIndex: BigInt(passwordIndex),
    createdAtMs: BigInt(createdAtMs),
  };
}

function roomRecord({ name, createdAtMs }: Room, length: number): RecordInit {
  return { case: 'room', value: { name, lastSequence: BigInt(length), createdAtMs: BigInt(createdAtMs) } };
}

function membershipRecord(room: Room, name: string | undefined, read: number): RecordInit {
  return { case: 'membership', value: { room: room.name, name: name ?? '', read: BigInt(read) } };
}

/** One record behind its length, 32 bits big-endian. */
function framed(record: RecordInit): Uint8Array {
  const bytes = toBinary(SnapshotRecordSchema, create(SnapshotRecordSchema, { record }));
  const frame = new Uint8Array(lengthBytes + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame.set(bytes, lengthBytes);
  return frame;
}

/**
 * The same bytes in chunks of up to 64 KiB; `done` is called when the last one is out or nobody wants more. What is large
 * enough is given as it is: a copy of all messages would be the larger part of what a snapshot costs.
 */
function* chunked(records: Iterable<Uint8Array>, done: () => void): Generator<Uint8Array> {
  try {
    let chunk = new Uint8Array(chunkBytes);
    let size = 0;
    for (const record of records) {
      const isLarge = record.length >= largeBytes;
      if (size > 0 && (isLarge || size + record.length > chunkBytes)) {
        yield chunk.subarray(0, size);
        chunk = new Uint8Array(chunkBytes);
        size = 0;
      }
      if (isLarge)
        for (let from = 0; from < record.length; from += chunkBytes) yield record.subarray(from, from + chunkBytes);
      else {
        chunk.set(record, size);
        size += record.length;
      }
    }
    if (size > 0) yield chunk.subarray(0, size);
  } finally {
    done();
  }
}

/** Builds a state from the chunks of `captureState`, cut anywhere, one after another. */
export class StateRestorer {
  readonly #state: ChatState;
  readonly #byIndex = new Map<number, Account>();
  #rest: Uint8Array = new Uint8Array(0);
  #begun = false;

  constructor(config?: Partial<StateConfig>) {
    this.#state = new ChatState(config);
  }

  /** @throws GrpError CHAT_SNAPSHOT_INVALID */
  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : joinedBytes(this.#rest, chunk);
    this.#rest = bytes.subarray(this.#take(bytes));
  }

  /** @throws GrpError CHAT_SNAPSHOT_INVALID */
  finish(): ChatState {
    if (this.#rest.length > 0) throw invalid('it ends in the middle of a record');
    if (!this.#begun) throw invalid('it is empty');
    return this.#state;
  }

  /** Takes the whole records in front, and answers how many bytes they were. */
  #take(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = 0;
    while (bytes.length - offset >= lengthBytes) {
      const length = view.getUint32(offset);
      if (length > recordBytesMax) throw invalid('a record is too long');
      if (bytes.length - offset - lengthBytes < length) break;
      const start = offset + lengthBytes;
      const end = start + length;
      const message = this.#begun ? readMessageRecord(bytes, start, end) : undefined;
      if (message === undefined) this.#restore(readRecord(bytes.subarray(start, end)));
      else this.#message(textOf(message.room) ?? '', message);
      offset = end;
    }
    return offset;
  }

  #restore({ record }: SnapshotRecord): void {
    if (record.case === 'head') {
      if (record.value.version !== version) throw invalid(`it has version ${record.value.version}`);
      this.#state.restoreHead(Number(record.value.appliedIndex), Number(record.value.atMs));
      this.#begun = true;
      return;
    }
    if (!this.#begun) throw invalid('it has no head');
    switch (record.case) {
      case 'account':
        return this.#account(record.value);
      case 'session':
        return this.#session(record.value);
      case 'request':
        return this.#request(record.value);
      case 'room':
        return void this.#state.restoreRoom(record.value.name, Number(record.value.createdAtMs));
      case 'membership':
        return void this.#room(record.value.room).members.set(
          this.#named(record.value.name).index,
          Number(record.value.read),
        );
      case 'message':
        return this.#message(record.value.room, messageOf(record.value));
      default:
        throw invalid('a record of an unknown kind');
    }
  }

  #request({ requestId, outcome }: Extract<SnapshotRecord['record'], { case: 'request' }>['value']): void {
    if (outcome === undefined) throw invalid('a request without an outcome');
    this.#state.restoreRequest(keyOf(new ByteRange(requestId)), outcomeOf(outcome));
  }

  #account(record: ReturnType<typeof accountRecord>): void {
    const { name, passwordHash } = record;
    const account: Account = {
      name,
      passwordHash,
      index: Number(record.index),
      passwordIndex: Number(record.passwordIndex),
      createdAtMs: Number(record.createdAtMs),
    };
    this.#byIndex.set(account.index, account);
    this.#state.restoreAccount(account);
  }

  #session(record: {
    readonly tokenHash: Uint8Array;
    readonly accountIndex: bigint;
    readonly expiresAtMs: bigint;
  }): void {
    const account = this.#byIndex.get(Number(record.accountIndex));
    if (account === undefined) throw invalid('a session of nobody');
    this.#state.restoreSession({
      tokenHash: keyOf(new ByteRange(record.tokenHash)),
      account,
      expiresAtMs: Number(record.expiresAtMs),
    });
  }

  #message(name: string, message: MessageRecord): void {
    const room = this.#room(name);
    const { sequence, index, id, from, text, atMs } = message;
    if (sequence !== room.messages.length + 1) throw invalid('messages out of order');
    const isSound = index > 0 && Math.max(index, atMs) <= Number.MAX_SAFE_INTEGER && id.length === idBytes;
    if (!isSound || from.length === 0 || !isText(from) || !isText(text)) throw invalid('a message that cannot be');
    this.#state.restoreMessage(room, message);
  }

  #room(name: string): Room {
    const room = this.#state.room(name);
    if (room === undefined) throw invalid('a message of no room');
    return room;
  }

  #named(name: string): Account {
    const account = this.#state.account(name);
    if (account === undefined) throw invalid('a membership of nobody');
    return account;
  }
}

function messageOf(record: Extract<SnapshotRecord['record'], { case: 'message' }>['value']): MessageRecord {
  const { sequence, index, id, from, text, atMs, deleted } = record;
  const numbers = { sequence: Number(sequence), index: Number(index), atMs: Number(atMs) };
  return { ...numbers, id: keyOf(new ByteRange(id)), from: utf8(from), text: utf8(text), deleted };
}

function readRecord(bytes: Uint8Array): SnapshotRecord {
  try {
    return fromBinary(SnapshotRecordSchema, bytes);
  } catch {
    throw invalid('a record cannot be read');
  }
}

function invalid(problem: string) {
  return snapshotError('CHAT_SNAPSHOT_INVALID', { context: { problem } });
}
