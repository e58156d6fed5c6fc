import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { Cancel } from '@grp/core';
import { stateConfig, type StateConfig } from './config.ts';
import { CommandSchema, type Command } from './gen/grp/chat/v1/log_pb.ts';
import { decodeSend, type LoggedSend } from './hot-codec.ts';
import { ByteRange, keyOf, textOf, utf8 } from './fields.ts';
import { MessageList, type MessagePage } from './message-list.ts';
import type { MessageRecord } from './message-record.ts';
import type { Account, Outcome, OutcomeError, Room, Session } from './model.ts';
import { foldName, isName, parseRoom } from './names.ts';

/** One change, as it goes into the log. */
export type CommandInit = MessageInitShape<typeof CommandSchema>;

type SendChange = { readonly case: 'send'; readonly value: Pick<LoggedSend, 'tokenHash' | 'room' | 'text'> };
type Change = Exclude<Command['change'], { case: 'send' }> | SendChange;
type ChangeOf<Case extends NonNullable<Change['case']>> = Extract<Change, { case: Case }>['value'];

/** What everybody who holds a copy of the state may look at. */
export interface ChatView {
  account(name: string): Account | undefined;
  accounts(): Iterable<Account>;
  /** The session of a token's hash, as a key (`keyOf`), unless it has expired by `nowMs`. */
  session(tokenHash: string, nowMs: number): Session | undefined;
  room(name: string): Room | undefined;
  rooms(): Iterable<Room>;
  /** The canonical name of what an account calls `general` or `@bob`. */
  resolveRoom(account: Account, room: string): { readonly name: string } | { readonly error: OutcomeError };
}

/** Called before something changes that a snapshot under way may still have to write as it was. */
export interface StateChanges {
  /** Its password changes. */
  readonly account: (account: Account) => void;
  /** Who is in it, or what they have read, changes. */
  readonly membership: (room: Room) => void;
}

const overheadBytes = 200;

/**
 * The replicated state: accounts, sessions, rooms and their messages. A deterministic function of the log: no clock, no
 * chance, and every limit is part of it. A command with the id of an earlier one changes nothing and answers the same.
 */
export class ChatState implements ChatView {
  readonly #config: StateConfig;
  /** By folded name. */
  readonly #accounts = new Map<string, Account>();
  /** By hash of the token; this and request ids are keys as `keyOf` makes them. */
  readonly #sessions = new Map<string, Session>();
  readonly #rooms = new Map<string, Room>();
  /** Request id → where its message can be found. Kept as long as the message, which is for ever. */
  readonly #messageIds = new Map<string, MessagePage>();
  /** Request id → outcome, of requests that left no message; the oldest go first. */
  readonly #requests = new Map<string, Outcome>();
  readonly #watching = new Set<StateChanges>();
  #nowMs = 0;
  #appliedIndex = 0;
  #sizeBytes = 0;

  constructor(config: Partial<StateConfig> = {}) {
    this.#config = stateConfig.resolve(config);
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Carries out one log entry. Total: nonsense is an outcome, never an exception. */
  apply(index: number, bytes: Uint8Array): Outcome {
    this.#appliedIndex = index;
    const command = decoded(bytes);
    if (command === undefined) return failed('malformed');
    const { requestId: id, change, atMs } = command;
    if (change.case === undefined || id.length !== 16) return failed('malformed');
    this.#nowMs = Math.max(this.#nowMs, atMs);
    const page = this.#messageIds.get(id);
    if (page !== undefined) return this.#sentBefore(page, id, change);
    const earlier = this.#requests.get(id);
    if (earlier !== undefined) return earlier;
    const outcome = this.#change(index, id, change);
    // A refusal changes nothing: the same request may be right later. A message is its own record.
    if (outcome.ok && change.case !== 'send') this.#remember(id, outcome);
    return outcome;
  }

  account(name: string): Account | undefined {
    return this.#accounts.get(foldName(name));
  }

  accounts(): Iterable<Account> {
    return this.#accounts.values();
  }

  session(tokenHash: string, nowMs: number): Session | undefined {
    const session = this.#sessions.get(tokenHash);
    return session !== undefined && session.expiresAtMs > nowMs ? session : undefined;
  }

  sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  room(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  rooms(): Iterable<Room> {
    return this.#rooms.values();
  }

  requests(): Iterable<readonly [id: string, outcome: Outcome]> {
    return this.#requests;
  }

  resolveRoom(account: Account, room: string): { readonly name: string } | { readonly error: OutcomeError } {
    const wanted = parseRoom(room);
    if (wanted === undefined) return { error: 'room-invalid' };
    if (wanted.type === 'room') return { name: wanted.name };
    const other = this.account(wanted.with);
    if (other === undefined) return { error: 'user-unknown' };
    return { name: `@${Math.min(account.index, other.index)}:${Math.max(account.index, other.index)}` };
  }

  /** Calls back before what is there changes, for snapshots that are still being written. */
  onChange(changes: StateChanges): Cancel {
    this.#watching.add(changes);
    return () => void this.#watching.delete(changes);
  }

  // Restoring: the pieces of a snapshot, put back in any order that names accounts before what belongs to them.

  restoreHead(appliedIndex: number, nowMs: number): void {
    this.#appliedIndex = appliedIndex;
    this.#nowMs = nowMs;
  }

  restoreAccount(account: Account): void {
    this.#accounts.set(foldName(account.name), account);
    this.#sizeBytes += overheadBytes + account.name.length;
  }

  restoreSession(session: Session): void {
    this.#sessions.set(session.tokenHash, session);
  }

  restoreRoom(name: string, createdAtMs: number): Room {
    const room: Room = { name, createdAtMs, messages: new MessageList(name), members: new Map() };
    this.#rooms.set(name, room);
    this.#sizeBytes += overheadBytes + name.length;
    return room;
  }

  restoreMessage(room: Room, message: MessageRecord): void {
    this.#messageIds.set(message.id, room.messages.append(message));
    this.#sizeBytes += overheadBytes + message.text.length;
  }

  restoreRequest(id: string, outcome: Outcome): void {
    this.#requests.set(id, outcome);
  }

  #change(index: number, id: string, change: Change): Outcome {
    switch (change.case) {
      case 'register':
        return this.#register(index, change.value);
      case 'login':
        return this.#login(index, change.value);
      case 'send':
        return this.#asAccount(change.value, (account) => this.#send(index, id, account, change.value));
      case 'logout':
        // A session that is gone is what was asked for: this also makes a retry after success succeed.
        this.#sessions.delete(keyOf(new ByteRange(change.value.tokenHash)));
        return this.#done(index);
      case 'changePassword':
        return this.#asAccount(change.value, (account) => this.#changePassword(index, account, change.value));
      case 'deleteAccount':
        return this.#asAccount(change.value, (account) => this.#deleteAccount(index, account));
      case 'deleteMessage':
        return this.#asAccount(change.value, (account) => this.#deleteMessage(index, account, change.value));
      case 'markRead':
        return this.#asAccount(change.value, (account) => this.#markRead(index, account, change.value));
      case 'join':
        return this.#asAccount(change.value, (account) => this.#join(index, account, change.value));
      case 'leave':
        return this.#asAccount(change.value, (account) => this.#leave(index, account, change.value));
      default:
        return failed('malformed');
    }
  }

  #register(index: number, { name, passwordHash }: ChangeOf<'register'>): Outcome {
    if (!isName(name)) return failed('name-invalid');
    if (this.account(name) !== undefined) return failed('name-taken');
    if (this.#accounts.size >= this.#config.accountsMax || this.#isFull(name.length)) return failed('full');
    this.restoreAccount({ name, passwordHash, index, passwordIndex: index, createdAtMs: this.#nowMs });
    return this.#done(index);
  }

  #login(index: number, { name, tokenHash, expiresAtMs, accountIndex, passwordIndex }: ChangeOf<'login'>): Outcome {
    const account = this.account(name);
    if (account === undefined || account.index !== Number(accountIndex)) return failed('user-unknown');
    if (account.passwordIndex !== Number(passwordIndex)) return failed('password-changed');
    if (tokenHash.length !== 32) return failed('malformed');
    this.#dropSessions(account);
    const key = keyOf(new ByteRange(tokenHash));
    this.#sessions.set(key, { tokenHash: key, account, expiresAtMs: Number(expiresAtMs) });
    return this.#done(index);
  }

  /** Ends what has expired, and the oldest sessions beyond the limit, before one more begins. */
  #dropSessions(account: Account): void {
    const own: string[] = [];
    for (const [key, session] of this.#sessions) {
      if (session.account !== account) continue;
      if (session.expiresAtMs <= this.#nowMs) this.#sessions.delete(key);
      else own.push(key);
    }
    const excess = own.length - this.#config.sessionsPerAccountMax + 1;
    for (const key of own.slice(0, Math.max(0, excess))) this.#sessions.delete(key);
  }

  #changePassword(index: number, account: Account, change: ChangeOf<'changePassword'>): Outcome {
    if (account.passwordIndex !== Number(change.passwordIndex)) return failed('password-changed');
    for (const changes of this.#watching) changes.account(account);
    Object.assign(account, { passwordHash: change.passwordHash, passwordIndex: index });
    const kept = keyOf(new ByteRange(change.tokenHash));
    for (const [key, session] of this.#sessions) {
      if (session.account === account && key !== kept) this.#sessions.delete(key);
    }
    return this.#done(index);
  }

  /** The account, its sessions and its memberships go; what it said in rooms stays, as letters in a mailbox do. */
  #deleteAccount(index: number, account: Account): Outcome {
    this.#accounts.delete(foldName(account.name));
    this.#sizeBytes -= overheadBytes + account.name.length;
    for (const [key, session] of this.#sessions) if (session.account === account) this.#sessions.delete(key);
    for (const room of this.#rooms.values())
      if (room.members.has(account.index)) this.#membersOf(room).delete(account.index);
    return this.#done(index);
  }

  #send(index: number, id: string, account: Account, { room: wanted, text }: SendChange['value']): Outcome {
    if (text.length === 0) return failed('text-empty');
    if (text.length > this.#config.textBytesMax) return failed('text-too-long');
    if (this.#isFull(text.length)) return failed('full');
    const room = this.#openRoom(account, wanted);
    if ('error' in room) return failed(room.error);
    const { name, members, messages } = room;
    const sequence = messages.length + 1;
    const atMs = this.#nowMs;
    this.restoreMessage(room, { sequence, index, id, from: utf8(account.name), text, atMs, deleted: false });
    // Whoever speaks is in the room, and has read what it says itself if it had read all before.
    const read = members.get(account.index) ?? sequence - 1;
    this.#membersOf(room).set(account.index, read === sequence - 1 ? sequence : read);
    return { ok: true, index, atMs, sequence, room: name };
  }

  /** The room under the name that the account uses; made when it is new, with both sides of a conversation in it. */
  #openRoom(account: Account, wanted: string): Room | { readonly error: OutcomeError } {
    // What most messages are for. A conversation's own name says nothing to clients, so that no stranger gets in by it.
    const open = wanted.startsWith('@') ? undefined : this.#rooms.get(wanted);
    if (open !== undefined) return open;
    const resolved = this.resolveRoom(account, wanted);
    if ('error' in resolved) return resolved;
    const known = this.#rooms.get(resolved.name);
    if (known !== undefined && !resolved.name.startsWith('@')) return known;
    if (known === undefined && this.#rooms.size >= this.#config.roomsMax) return { error: 'full' };
    const room = known ?? this.restoreRoom(resolved.name, this.#nowMs);
    if (wanted.startsWith('@')) {
      const other = this.account(wanted.slice(1)) as Account;
      for (const { index } of [account, other]) if (!room.members.has(index)) this.#membersOf(room).set(index, 0);
    }
    return room;
  }

  #deleteMessage(index: number, account: Account, { room: wanted, sequence }: ChangeOf<'deleteMessage'>): Outcome {
    const room = this.#knownRoom(account, wanted);
    if ('error' in room) return failed(room.error);
    const message = room.messages.record(Number(sequence));
    if (message === undefined) return failed('message-unknown');
    // By name alone a later owner of the name could delete what an earlier one wrote.
    if (!isFrom(message, account) || message.index < account.index) {
      return failed('message-not-yours');
    }
    this.#sizeBytes -= room.messages.delete(message.sequence);
    return this.#done(index);
  }

  #markRead(index: number, account: Account, { room: wanted, sequence }: ChangeOf<'markRead'>): Outcome {
    const room = this.#knownRoom(account, wanted);
    if ('error' in room) return failed(room.error);
    const read = room.members.get(account.index);
    if (read === undefined) return failed('room-denied');
    this.#membersOf(room).set(account.index, Math.max(read, Math.min(Number(sequence), room.messages.length)));
    return this.#done(index);
  }

  #join(index: number, account: Account, { room: wanted }: ChangeOf<'join'>): Outcome {
    const room = this.#openRoom(account, wanted);
    if ('error' in room) return failed(room.error);
    if (!room.members.has(account.index)) this.#membersOf(room).set(account.index, room.messages.length);
    return { ...this.#done(index), room: room.name };
  }

  #leave(index: number, account: Account, { room: wanted }: ChangeOf<'leave'>): Outcome {
    const room = this.#knownRoom(account, wanted);
    if ('error' in room) return failed(room.error);
    this.#membersOf(room).delete(account.index);
    return this.#done(index);
  }

  #knownRoom(account: Account, wanted: string): Room | { readonly error: OutcomeError } {
    const resolved = this.resolveRoom(account, wanted);
    if ('error' in resolved) return resolved;
    return this.#rooms.get(resolved.name) ?? { error: 'message-unknown' };
  }

  /** A retry of a send that worked. Ids are not secret: only the sender itself is told where its message stands. */
  #sentBefore(page: MessagePage, id: string, change: Change): Outcome {
    const message = page.find(id);
    if (change.case !== 'send' || message === undefined) return failed('malformed');
    const { index, atMs, sequence } = message;
    return this.#asAccount(change.value, (account) =>
      isFrom(message, account) ? { ok: true, index, atMs, sequence, room: page.room } : failed('malformed'),
    );
  }

  #asAccount({ tokenHash }: { readonly tokenHash: Uint8Array | string }, act: (account: Account) => Outcome): Outcome {
    const key = typeof tokenHash === 'string' ? tokenHash : keyOf(new ByteRange(tokenHash));
    const session = this.session(key, this.#nowMs);
    return session === undefined ? failed('not-logged-in') : act(session.account);
  }

  /** For changing them. */
  #membersOf(room: Room): Map<number, number> {
    for (const changes of this.#watching) changes.membership(room);
    return room.members;
  }

  #isFull(moreBytes: number): boolean {
    return this.#sizeBytes + moreBytes + overheadBytes > this.#config.stateBytesMax;
  }

  #done(index: number) {
    return { ok: true, index, atMs: this.#nowMs } as const;
  }

  #remember(id: string, outcome: Outcome): void {
    this.#requests.set(id, outcome);
    if (this.#requests.size > this.#config.requestsMax) {
      this.#requests.delete(this.#requests.keys().next().value as string);
    }
  }
}

function isFrom({ from }: MessageRecord, { name }: Account): boolean {
  return foldName(textOf(from) ?? '') === foldName(name);
}

function failed(error: OutcomeError): Outcome {
  return { ok: false, error };
}

/** Undefined: nonsense. */
function decoded(
  bytes: Uint8Array,
): { readonly requestId: string; readonly atMs: number; readonly change: Change } | undefined {
  const send = decodeSend(bytes);
  if (send !== undefined) return { requestId: send.requestId, atMs: send.atMs, change: { case: 'send', value: send } };
  try {
    const { requestId, atMs, change } = fromBinary(CommandSchema, bytes);
    if (atMs > Number.MAX_SAFE_INTEGER) return undefined;
    const common = { requestId: keyOf(new ByteRange(requestId)), atMs: Number(atMs) };
    if (change.case !== 'send') return { ...common, change };
    const { tokenHash, room, text } = change.value;
    const value = { tokenHash: keyOf(new ByteRange(tokenHash)), room, text: utf8(text) };
    return { ...common, change: { case: 'send', value } };
  } catch {
    return undefined;
  }
}
