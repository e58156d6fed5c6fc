import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { defineErrors } from '@grp/core';
import { SnapshotRecordSchema, type SnapshotRecord } from './gen/grp/chat/v1/log_pb.ts';
import { hex, unhex, type Account, type Room, type Session, type StoredMessage } from './model.ts';
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
const lengthBytes = 4;
/** A record is one message at most: 64 KiB of text and its frame. */
const recordBytesMax = 1_048_576;

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
  readonly texts = new Map<StoredMessage, string>();
  readonly passwords = new Map<Account, { readonly passwordHash: string; readonly passwordIndex: number }>();
  readonly members = new Map<Room, readonly (readonly [number, number])[]>();
  /** Rooms that are not written yet, and how many messages each had. */
  readonly rooms = new Map<Room, number>();

  message(message: StoredMessage): void {
    if (!message.deleted) this.texts.set(message, message.text);
  }

  account(account: Account): void {
    const { passwordHash, passwordIndex } = account;
    if (!this.passwords.has(account)) this.passwords.set(account, { passwordHash, passwordIndex });
  }

  membership(room: Room): void {
    if (this.rooms.has(room) && !this.members.has(room)) this.members.set(room, [...room.members]);
  }
}

/** What there is is noted when this is called, and made into records when they are drawn. */
function recordsOf(state: ChatState, before: Before): Iterable<RecordInit> {
  const head: RecordInit = {
    case: 'head',
    value: { version, appliedIndex: BigInt(state.appliedIndex), atMs: BigInt(state.nowMs) },
  };
  const accounts = [...state.accounts()];
  const sessions = [...state.sessions()];
  const requests = [...state.requests()];
  for (const room of state.rooms()) before.rooms.set(room, room.messages.length);
  return (function* () {
    const names = new Map<number, string>();
    yield head;
    for (const account of accounts) {
      names.set(account.index, account.name);
      yield { case: 'account', value: accountRecord({ ...account, ...before.passwords.get(account) }) };
    }
    for (const session of sessions) yield sessionRecord(session);
    for (const [id, outcome] of requests)
      yield { case: 'request', value: { requestId: unhex(id), outcome: outcomeRecord(outcome) } };
    for (const [room, length] of before.rooms) {
      yield roomRecord(room, length);
      const members = before.members.get(room) ?? [...room.members];
      before.rooms.delete(room);
      before.members.delete(room);
      for (const [account, read] of members) yield membershipRecord(room, names.get(account), read);
      for (let position = 0; position < length; position++) {
        yield messageRecord(room, room.messages[position] as StoredMessage, before.texts);
      }
    }
  })();
}

function sessionRecord({ tokenHash, account, expiresAtMs }: Session): RecordInit {
  const value = {
    tokenHash: unhex(tokenHash),
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

function messageRecord(room: Room, message: StoredMessage, undeleted: ReadonlyMap<StoredMessage, string>): RecordInit {
  const { sequence, index, id, from, atMs } = message;
  const kept = undeleted.get(message);
  return {
    case: 'message',
    value: {
      room: room.name,
      sequence: BigInt(sequence),
      index: BigInt(index),
      id: unhex(id),
      from,
      text: kept ?? message.text,
      atMs: BigInt(atMs),
      deleted: message.deleted && kept === undefined,
    },
  };
}

/** Each record behind its length, 32 bits big-endian; `done` is called when the last one is out or nobody wants more. */
function* chunked(records: Iterable<RecordInit>, done: () => void): Generator<Uint8Array> {
  try {
    let parts: Uint8Array[] = [];
    let size = 0;
    for (const record of records) {
      const bytes = toBinary(SnapshotRecordSchema, create(SnapshotRecordSchema, { record }));
      parts.push(bytes);
      size += lengthBytes + bytes.length;
      if (size < chunkBytes) continue;
      yield joined(parts, size);
      parts = [];
      size = 0;
    }
    if (size > 0) yield joined(parts, size);
  } finally {
    done();
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const chunk = new Uint8Array(size);
  const view = new DataView(chunk.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    chunk.set(part, offset + lengthBytes);
    offset += lengthBytes + part.length;
  }
  return chunk;
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
      this.#restore(readRecord(bytes.subarray(start, start + length)));
      offset = start + length;
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
        return this.#message(record.value);
      default:
        throw invalid('a record of an unknown kind');
    }
  }

  #request({ requestId, outcome }: Extract<SnapshotRecord['record'], { case: 'request' }>['value']): void {
    if (outcome === undefined) throw invalid('a request without an outcome');
    this.#state.restoreRequest(hex(requestId), outcomeOf(outcome));
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
    this.#state.restoreSession({ tokenHash: hex(record.tokenHash), account, expiresAtMs: Number(record.expiresAtMs) });
  }

  #message(record: Extract<SnapshotRecord['record'], { case: 'message' }>['value']): void {
    const room = this.#room(record.room);
    const sequence = Number(record.sequence);
    if (sequence !== room.messages.length + 1) throw invalid('messages out of order');
    this.#state.restoreMessage(room, {
      sequence,
      index: Number(record.index),
      id: hex(record.id),
      from: record.from,
      text: record.text,
      atMs: Number(record.atMs),
      deleted: record.deleted,
    });
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
