import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { defineErrors } from '@grp/core';
import { SnapshotRecordSchema, type SnapshotRecord } from './gen/grp/chat/v1/log_pb.ts';
import { hex, unhex, type Account, type Room, type StoredMessage } from './model.ts';
import { outcomeOf, outcomeRecord } from './outcome-codec.ts';
import { ChatState } from './state.ts';
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
 * small is copied at once; messages are only appended, and one that is deleted meanwhile is written as it was.
 */
export function captureState(state: ChatState): Iterable<Uint8Array> {
  const undeleted = new Map<StoredMessage, string>();
  const cancel = state.beforeDeletion((message) => {
    if (!message.deleted) undeleted.set(message, message.text);
  });
  const records = recordsOf(state, undeleted);
  return chunked(records, cancel);
}

/** Builds a state from the chunks of `captureState`. @throws GrpError CHAT_SNAPSHOT_INVALID */
export function restoreState(chunks: Iterable<Uint8Array>, config?: Partial<StateConfig>): ChatState {
  const restorer = new Restorer(new ChatState(config));
  let rest: Uint8Array = new Uint8Array(0);
  for (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : joinedBytes([rest, chunk]);
    rest = bytes.subarray(restorer.take(bytes));
  }
  if (rest.length > 0) throw invalid('it ends in the middle of a record');
  return restorer.finish();
}

/** Several pieces as one. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The copies of what may change are made when the generator is made, its messages are read when they are drawn. */
function recordsOf(state: ChatState, undeleted: ReadonlyMap<StoredMessage, string>): Iterable<RecordInit> {
  const head: RecordInit = {
    case: 'head',
    value: { version, appliedIndex: BigInt(state.appliedIndex), atMs: BigInt(state.nowMs) },
  };
  const accounts = [...state.accounts()].map((account): RecordInit => ({
    case: 'account',
    value: accountRecord(account),
  }));
  const names = new Map([...state.accounts()].map(({ index, name }) => [index, name]));
  const sessions = [...state.sessions()].map(({ tokenHash, account, expiresAtMs }): RecordInit => ({
    case: 'session',
    value: {
      tokenHash: unhex(tokenHash),
      name: account.name,
      accountIndex: BigInt(account.index),
      expiresAtMs: BigInt(expiresAtMs),
    },
  }));
  const requests = [...state.requests()].map(([id, outcome]): RecordInit => ({
    case: 'request',
    value: { requestId: unhex(id), outcome: outcomeRecord(outcome) },
  }));
  const rooms = [...state.rooms()].map((room) => ({ room, length: room.messages.length, members: [...room.members] }));
  return (function* () {
    yield head;
    yield* accounts;
    yield* sessions;
    yield* requests;
    for (const { room, length, members } of rooms) {
      yield roomRecord(room, length);
      for (const [account, read] of members) yield membershipRecord(room, names.get(account), read);
      for (let position = 0; position < length; position++) {
        yield messageRecord(room, room.messages[position] as StoredMessage, undeleted);
      }
    }
  })();
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

class Restorer {
  readonly #state: ChatState;
  readonly #byIndex = new Map<number, Account>();
  #begun = false;

  constructor(state: ChatState) {
    this.#state = state;
  }

  /** Takes the whole records in front, and answers how many bytes they were. */
  take(bytes: Uint8Array): number {
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

  finish(): ChatState {
    if (!this.#begun) throw invalid('it is empty');
    return this.#state;
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
