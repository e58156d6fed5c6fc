import { create, toBinary } from '@bufbuild/protobuf';
import { createHash, randomBytes } from 'node:crypto';
import { chatError, outcomeCodes } from '../errors.ts';
import { CommandSchema } from '../gen/grp/chat/v1/log_pb.ts';
import { ByteRange, keyOf, utf8 } from '../fields.ts';
import { AskedSend, encodeSend } from '../hot-codec.ts';
import { MessageList, storedMessage } from '../message-list.ts';
import type { MessageRecord } from '../message-record.ts';
import type { Account, Outcome, Room, Session, StoredMessage } from '../model.ts';
import { decodeOutcome } from '../outcome-codec.ts';
import { foldName, isName, matchesPattern } from '../names.ts';
import type { PasswordHasher, ReplicatedLog } from '../ports.ts';
import type { ChatView, CommandInit } from '../state.ts';
import type { ServerConfig } from './config.ts';
import { pooled } from './pooled.ts';

export interface OperationsOptions {
  readonly log: ReplicatedLog;
  /** This server's copy of the state, as it is now. */
  readonly view: () => ChatView;
  readonly hasher: PasswordHasher;
  /** Unix ms. */
  readonly nowMs: () => number;
  readonly config: ServerConfig;
}

/** Who asks, and how long it is worth answering. */
export interface Caller {
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** A room, as one account sees it. */
export interface RoomFacts {
  /** As the caller calls it. */
  readonly label: string;
  readonly lastSequence: number;
  readonly members: number;
  readonly joined: boolean;
  readonly unread: number;
}

/** A message, and what the room it is in is called by whoever asked. */
export interface LabelledMessage {
  readonly room: string;
  readonly message: StoredMessage;
}

/** Which messages of a room are asked for. */
export interface HistoryOptions {
  readonly room: string;
  /** 0: the last ones. */
  readonly fromSequence: number;
  readonly limit: number;
  /** This server's own copy, which may lag behind. */
  readonly local: boolean;
}

type ChangeInit = NonNullable<CommandInit['change']>;

const listLimit = 1_000;
const none = new MessageList('');

/** What a client can ask for, over any transport: checks, hashes, proposes, reads. */
export class ChatOperations {
  readonly #options: OperationsOptions;
  /** Hashes, as keys. */
  readonly #tokens = new WeakMap<Caller, string>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  async register(requestId: Uint8Array, name: string, password: string, caller: Caller): Promise<void> {
    if (!isName(name)) throw chatError('CHAT_NAME_INVALID');
    this.#checkPassword(password);
    const passwordHash = await this.#options.hasher.hash(password);
    await this.#propose(requestId, { case: 'register', value: { name, passwordHash } }, caller);
  }

  /** The same error, after the same work, for a wrong name and a wrong password. */
  async login(
    name: string,
    password: string,
    caller: Caller,
  ): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
    const { log, view, hasher, nowMs, config } = this.#options;
    await log.readBarrier(caller); // an account made a moment ago, through another server, is there
    const account = view().account(name);
    const right = await hasher.verify(password.slice(0, config.passwordBytesMax + 1), account?.passwordHash);
    if (!right || account === undefined) throw chatError('CHAT_LOGIN_REFUSED');
    const token = randomBytes(32).toString('base64url');
    const expiresAtMs = nowMs() + config.sessionMs;
    const value = {
      name: account.name,
      tokenHash: hashOf(token),
      expiresAtMs: BigInt(expiresAtMs),
      accountIndex: BigInt(account.index),
      passwordIndex: BigInt(account.passwordIndex),
    };
    // An id of its own each time: a login that is tried again gets a token of its own, and the first one just expires.
    await this.#propose(randomBytes(16), { case: 'login', value }, caller);
    return { token, expiresAtMs };
  }

  async logout(caller: Caller): Promise<void> {
    const tokenHash = hashOf(tokenOf(caller));
    // The token names the request: logging out twice is logging out once.
    await this.#propose(tokenHash.subarray(0, 16), { case: 'logout', value: { tokenHash } }, caller);
  }

  async changePassword(
    requestId: Uint8Array,
    passwords: { readonly old: string; readonly new: string },
    caller: Caller,
  ) {
    const { account, tokenHash } = await this.#current(caller);
    this.#checkPassword(passwords.new);
    const { hasher } = this.#options;
    const { passwordIndex } = account;
    if (!(await hasher.verify(passwords.old, account.passwordHash))) throw chatError('CHAT_LOGIN_REFUSED');
    const passwordHash = await hasher.hash(passwords.new);
    const value = { tokenHash, passwordHash, passwordIndex: BigInt(passwordIndex) };
    await this.#propose(requestId, { case: 'changePassword', value }, caller);
  }

  async deleteAccount(requestId: Uint8Array, password: string, caller: Caller): Promise<void> {
    const { account, tokenHash } = await this.#current(caller);
    if (!(await this.#options.hasher.verify(password, account.passwordHash))) throw chatError('CHAT_LOGIN_REFUSED');
    await this.#propose(requestId, { case: 'deleteAccount', value: { tokenHash } }, caller);
  }

  async send(requestId: Uint8Array, room: string, text: string, caller: Caller): Promise<LabelledMessage> {
    const record = await this.sendBytes(new AskedSend(new ByteRange(requestId), utf8(room), utf8(text)), caller);
    return { room, message: storedMessage(record) };
  }

  /** The same without making texts of bytes; gives views of the message, for using at once. */
  sendBytes(asked: AskedSend, caller: Caller): Promise<MessageRecord> {
    try {
      checkRequestId(asked.requestId);
      const tokenHash = this.#tokenHash(caller);
      const command = encodeSend(asked, { atMs: this.#options.nowMs(), tokenHash }, pooled);
      return this.#options.log.propose(command, caller).then((answer) => this.#sent(answer));
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  async deleteMessage(requestId: Uint8Array, room: string, sequence: number, caller: Caller): Promise<void> {
    const value = { tokenHash: hashOf(tokenOf(caller)), room, sequence: BigInt(sequence) };
    await this.#propose(requestId, { case: 'deleteMessage', value }, caller);
  }

  async markRead(requestId: Uint8Array, room: string, sequence: number, caller: Caller): Promise<void> {
    const value = { tokenHash: hashOf(tokenOf(caller)), room, sequence: BigInt(sequence) };
    await this.#propose(requestId, { case: 'markRead', value }, caller);
  }

  async join(requestId: Uint8Array, room: string, caller: Caller): Promise<void> {
    await this.#propose(requestId, { case: 'join', value: { tokenHash: hashOf(tokenOf(caller)), room } }, caller);
  }

  async leave(requestId: Uint8Array, room: string, caller: Caller): Promise<void> {
    await this.#propose(requestId, { case: 'leave', value: { tokenHash: hashOf(tokenOf(caller)), room } }, caller);
  }

  async users(
    { pattern, after, limit }: { readonly pattern: string; readonly after: string; readonly limit: number },
    caller: Caller,
  ): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
    await this.#current(caller);
    const max = Math.min(limit === 0 ? listLimit : limit, listLimit);
    const names = [...this.#options.view().accounts()]
      .map(({ name }) => name)
      .filter((name) => foldName(name) > foldName(after) && (pattern === '' || matchesPattern(pattern, name)))
      .toSorted((one, other) => (foldName(one) < foldName(other) ? -1 : 1));
    return { names: names.slice(0, max), more: names.length > max };
  }

  /** Every open room, and the caller's own conversations. */
  async rooms(caller: Caller): Promise<readonly RoomFacts[]> {
    const { account } = await this.#current(caller);
    return [...this.#options.view().rooms()].flatMap((room) => {
      const facts = this.#facts(room, account);
      return facts === undefined ? [] : [facts];
    });
  }

  async history(
    options: HistoryOptions,
    caller: Caller,
  ): Promise<{ readonly messages: readonly LabelledMessage[]; readonly more: boolean }> {
    const { account } = options.local ? this.#session(caller) : await this.#current(caller);
    const { messages } = this.#options.view().room(this.canonicalRoom(account, options.room)) ?? { messages: none };
    const limit = Math.min(options.limit === 0 ? listLimit : options.limit, listLimit);
    const from = options.fromSequence === 0 ? Math.max(0, messages.length - limit) : options.fromSequence - 1;
    const part = Array.from(messages.between(from + 1, from + 1 + limit), (message) => ({
      room: options.room,
      message,
    }));
    return { messages: part, more: from + part.length < messages.length };
  }

  /** The account whose session this is, in this server's own copy. @throws GrpError CHAT_NOT_LOGGED_IN */
  account(caller: Caller): Account {
    return this.#session(caller).account;
  }

  /** The name under which the state keeps what the account calls `general` or `@bob`. @throws GrpError CHAT_ROOM_INVALID, CHAT_USER_UNKNOWN */
  canonicalRoom(account: Account, wanted: string): string {
    const resolved = this.#options.view().resolveRoom(account, wanted);
    if ('error' in resolved) throw chatError(outcomeCodes[resolved.error]);
    return resolved.name;
  }

  async #current(caller: Caller): Promise<{ readonly account: Account; readonly tokenHash: Uint8Array }> {
    tokenOf(caller); // before anybody else is asked
    await this.#options.log.readBarrier(caller);
    return { account: this.#session(caller).account, tokenHash: hashOf(tokenOf(caller)) };
  }

  #session(caller: Caller): Session {
    const session = this.#options.view().session(this.#tokenHash(caller), this.#options.nowMs());
    if (session === undefined) throw chatError('CHAT_NOT_LOGGED_IN');
    return session;
  }

  #facts(room: Room, account: Account): RoomFacts | undefined {
    const label = this.#label(room, account);
    if (label === undefined) return undefined;
    const read = room.members.get(account.index);
    const lastSequence = room.messages.length;
    const unread = read === undefined ? 0 : lastSequence - read;
    return { label, lastSequence, members: room.members.size, joined: read !== undefined, unread };
  }

  /** `general`, or `@bob` in ann's eyes; undefined for conversations of others, and with accounts that are gone. */
  #label({ name }: Room, account: Account): string | undefined {
    if (!name.startsWith('@')) return name;
    const sides = name.slice(1).split(':').map(Number);
    if (!sides.includes(account.index)) return undefined;
    const other = sides.find((index) => index !== account.index) ?? account.index;
    for (const { index, name: otherName } of this.#options.view().accounts())
      if (index === other) return `@${otherName}`;
    return undefined;
  }

  /** A stream has one caller for all its messages. */
  #tokenHash(caller: Caller): string {
    const known = this.#tokens.get(caller);
    if (known !== undefined) return known;
    const hash = keyOf(new ByteRange(hashOf(tokenOf(caller))));
    this.#tokens.set(caller, hash);
    return hash;
  }

  #sent(answer: Uint8Array): MessageRecord {
    const { room = '', sequence = 0 } = this.#outcome(answer);
    const message = this.#options.view().room(room)?.messages.record(sequence);
    if (message === undefined) throw chatError('CHAT_MESSAGE_UNKNOWN');
    return message;
  }

  #checkPassword(password: string): void {
    const { passwordBytesMin: min, passwordBytesMax: max } = this.#options.config;
    const size = Buffer.byteLength(password);
    if (size < min || size > max) throw chatError('CHAT_PASSWORD_SIZE', { context: { min, max } });
  }

  async #propose(requestId: Uint8Array, change: ChangeInit, caller: Caller): Promise<Extract<Outcome, { ok: true }>> {
    checkRequestId(requestId);
    const command = create(CommandSchema, { requestId, atMs: BigInt(this.#options.nowMs()), change });
    return this.#outcome(await this.#options.log.propose(toBinary(CommandSchema, command), caller));
  }

  /** @throws GrpError why the state refused it */
  #outcome(answer: Uint8Array): Extract<Outcome, { ok: true }> {
    const outcome = decodeOutcome(answer);
    if (outcome.ok) return outcome;
    const problem = 'the server did not understand what it proposed itself';
    throw chatError(outcomeCodes[outcome.error], { context: { max: this.#options.config.textBytesMax, problem } });
  }
}

function checkRequestId(requestId: { readonly length: number }): void {
  if (requestId.length !== 16)
    throw chatError('CHAT_REQUEST_INVALID', { context: { problem: 'request_id has 16 bytes' } });
}

/** SHA-256: what is stored in place of a token. A token has 256 random bits, so a plain hash cannot be turned back. */
export function hashOf(token: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(token).digest());
}

function tokenOf({ token }: Caller): string {
  if (token === undefined) throw chatError('CHAT_NOT_LOGGED_IN');
  return token;
}
