import { GrpError, sanitizeText, tryParseAddress, type Address, type NodeId } from '@grp/core';
import { fromBase64, sameBytes, statement, toBase64, utf8 } from '../encoding.ts';
import { helloDomain, welcomeDomain } from '../domains.ts';
import { trackerError } from '../errors.ts';
import { checkName } from '../names/names.ts';
import { textLimits, type CommandBody, type LeaveReason } from '../wire/messages.ts';
import { isOwnAddress } from './hosts.ts';
import { memberChanged, removeMember, rejoin, sendSnapshot, sendTickets } from './membership.ts';
import { newSession } from './new-session.ts';
import { addReports } from './reports.ts';
import { saveNick, saveSession } from './records.ts';
import type { Actor, MemberActor, Reply } from './reply.ts';
import type { Nick, Runtime } from './runtime.ts';
import type { Connection, Session } from './state.ts';

export function hello(runtime: Runtime, actor: Actor, command: CommandBody<'hello'>): Reply {
  const { connection } = actor;
  if (connection === undefined || connection.session !== undefined) return trackerError('TRACKER_REGISTERED');
  const { key, proof, address } = command;
  const name = checkName(command.nick);
  if (typeof name === 'string') return trackerError('TRACKER_NICK_INVALID', { context: { problem: name } });
  if (!isOwnAddress(address, connection.peer)) return foreign(address);
  const message = statement(helloDomain, [runtime.signer.publicKey, connection.nonce, command.nick, address]);
  if (!runtime.verify(key, message, proof))
    return trackerError('TRACKER_PROOF_INVALID', { context: { problem: 'hello' } });
  const free = freeNick(runtime, name.folded, { ...command, nick: name.name });
  if (free instanceof GrpError) return free;
  if (runtime.sessions.size >= runtime.config.sessionsMax && !makeRoom(runtime)) {
    return trackerError('TRACKER_BUSY', { context: { what: 'sessions' } });
  }

  const token = runtime.secret();
  const session = newSession(runtime, {
    ...{ id: freshId(runtime), nick: name.name, folded: name.folded, key, address, connection },
    tokenHash: runtime.hash(token),
    host: connection.host,
  });
  connection.session = session;
  const nickToken = reserve(runtime, name.folded, { key, isAsked: command.reserve === true });
  saveSession(runtime, session);
  runtime.health.count('hellos');
  runtime.log('info', 'tracker.hello', { nick: session.nick, session: session.id, host: session.host });
  runtime.effect({ type: 'registered', connection: connection.number });
  return {
    ...welcome(runtime, connection, session),
    token,
    n: session.notices.last,
    ...(nickToken !== undefined && { nickToken }),
  };
}

export function resume(runtime: Runtime, actor: Actor, command: CommandBody<'resume'>): Reply {
  const { connection } = actor;
  if (connection === undefined || connection.session !== undefined) return trackerError('TRACKER_REGISTERED');
  const session = runtime.sessions.get(command.session);
  const tokenHash = runtime.hash(command.token);
  if (session === undefined || !sameBytes(utf8(tokenHash), utf8(session.tokenHash))) {
    return trackerError('TRACKER_SESSION_UNKNOWN');
  }
  const message = statement(helloDomain, [runtime.signer.publicKey, connection.nonce, session.id]);
  if (!runtime.verify(session.key, message, command.proof)) {
    return trackerError('TRACKER_PROOF_INVALID', { context: { problem: 'resume' } });
  }
  const wasLost = session.state === 'lost';
  if (session.connection !== undefined) replaceConnection(runtime, session.connection);
  runtime.afterAll(); // what is repeated below may still wait for the disk
  connection.session = session;
  session.connection = connection;
  session.heardAt = runtime.now;
  session.state = 'here';
  session.host = connection.host;
  runtime.deadlines.set(`session/${session.id}`, runtime.now + runtime.config.lostMs);
  if (wasLost) saveSession(runtime, session);
  runtime.health.count('resumes');
  if (wasLost) runtime.health.count('back');
  runtime.log('info', 'tracker.resume', { nick: session.nick, session: session.id, wasLost });
  runtime.effect({ type: 'registered', connection: connection.number });
  actor.answer(welcome(runtime, connection, session));
  catchUp(runtime, session, connection, command.seen);
  return 'later';
}

export function beat(runtime: Runtime, { session }: MemberActor, { seen }: CommandBody<'beat'>): Reply {
  runtime.health.count('beats');
  session.notices.confirm(seen);
  sendTickets(runtime, session);
  return { wallMs: runtime.nowWallMs };
}

export function bye(runtime: Runtime, actor: MemberActor, { reason = '' }: CommandBody<'bye'>): Reply {
  const { session, connection } = actor;
  endSession(runtime, session, { reason: 'quit', text: safeReason(reason) });
  actor.answer({});
  if (connection !== undefined) runtime.close(connection);
  return 'later';
}

export function away(runtime: Runtime, { session }: MemberActor, { text = '' }: CommandBody<'away'>): Reply {
  const safe = sanitizeText(text, { lengthMax: textLimits.away }).trim();
  session.away = safe === '' ? undefined : safe;
  saveSession(runtime, session);
  memberChanged(runtime, session);
  return {};
}

export function address(runtime: Runtime, actor: MemberActor, { reflexive }: CommandBody<'address'>): Reply {
  const { session, connection } = actor;
  if (connection === undefined || !isOwnAddress(reflexive, connection.peer)) return foreign(reflexive);
  if (session.reflexive !== reflexive) {
    session.reflexive = reflexive;
    session.ticketsAt.clear(); // they name the address
    saveSession(runtime, session);
    memberChanged(runtime, session);
    sendTickets(runtime, session);
  }
  return {};
}

/** The session has been silent: out of its views, and for good when nobody comes back for it. */
export function onSilence(runtime: Runtime, session: Session): void {
  const { lostMs, sessionKeepMs } = runtime.config;
  const key = `session/${session.id}`;
  const [lostAt, endAt] = [session.heardAt + lostMs, session.heardAt + sessionKeepMs];
  if (session.state === 'here' && runtime.now < lostAt) {
    runtime.deadlines.set(key, lostAt);
    return;
  }
  if (session.state === 'lost' && runtime.now >= endAt) {
    endSession(runtime, session, { reason: 'lost', text: '' });
    return;
  }
  runtime.deadlines.set(key, Math.max(endAt, runtime.now + 1));
  if (session.state === 'lost') return;
  session.state = 'lost';
  runtime.health.count('lost');
  runtime.log('info', 'tracker.lost', { nick: session.nick, session: session.id });
  saveSession(runtime, session);
  for (const group of session.groups.values())
    removeMember(runtime, group, session, { reason: 'lost', keepPlace: true });
  if (session.connection !== undefined) replaceConnection(runtime, session.connection);
}

/** A session ends: out of every group, its nick free unless reserved, its measurements added up. */
export function endSession(
  runtime: Runtime,
  session: Session,
  { reason, text }: { readonly reason: LeaveReason; readonly text: string },
): void {
  addReports(runtime, session);
  for (const group of session.groups.values()) removeMember(runtime, group, session, { reason, text });
  runtime.sessions.delete(session.id);
  runtime.deadlines.delete(`session/${session.id}`);
  saveSession(runtime, session);
  const nick = runtime.nicks.get(session.folded);
  if (nick?.session === session) {
    nick.session = undefined;
    if (nick.reserved === undefined) runtime.nicks.delete(session.folded);
  }
  if (session.connection !== undefined) session.connection.session = undefined;
  session.connection = undefined;
  runtime.health.count('ended');
  runtime.log('info', 'tracker.ended', { nick: session.nick, session: session.id, reason });
}

export function safeReason(text: string | undefined): string {
  return sanitizeText(text ?? '', { lengthMax: textLimits.reason }).trim();
}

function welcome(runtime: Runtime, connection: Connection, session: Session): Readonly<Record<string, unknown>> {
  const key = fromBase64(session.key) ?? new Uint8Array(0);
  const proof = runtime.signer.sign(statement(welcomeDomain, [connection.nonce, key, session.id]));
  return {
    session: session.id,
    nick: session.nick,
    observed: connection.peer,
    wallMs: runtime.nowWallMs,
    proof: toBase64(proof),
  };
}

/** Repeats what was missed; groups that it was taken out of take it in again. */
function catchUp(runtime: Runtime, session: Session, connection: Connection, seen: number): void {
  const missed = session.notices.after(seen);
  if (missed === 'gap') {
    runtime.notify(session, 'gap', {});
    for (const group of session.groups.values())
      if (group.members.has(session.id)) sendSnapshot(runtime, group, session);
    session.ticketsAt.clear();
  } else {
    for (const line of missed) runtime.send(connection, line);
  }
  for (const group of session.groups.values()) rejoin(runtime, group, session);
  sendTickets(runtime, session);
}

function replaceConnection(runtime: Runtime, connection: Connection, reason = 'replaced'): void {
  const { session } = connection;
  if (session !== undefined) session.connection = undefined;
  connection.session = undefined;
  runtime.send(connection, runtime.answerLine(undefined, { on: 'bye', reason }));
  runtime.close(connection);
}

/** Undefined: the nick may be taken. Whoever holds its key or its token takes it from a session that is in the way. */
function freeNick(
  runtime: Runtime,
  folded: string,
  { key, nickToken: token, yields, nick }: CommandBody<'hello'>,
): GrpError | undefined {
  const known = runtime.nicks.get(folded);
  if (known === undefined) return undefined;
  const { session, reserved } = known;
  const hasToken = token !== undefined && reserved !== undefined && runtime.hash(token) === reserved.tokenHash;
  if (reserved !== undefined && !hasToken && reserved.key !== key && !isExpired(runtime, known)) {
    return trackerError('TRACKER_NICK_OWNED', { context: { nick } });
  }
  if (session === undefined) return undefined;
  const hasRight = hasToken || session.key === key || reserved?.key === key;
  if (!hasRight || (yields === true && session.connection !== undefined)) {
    return trackerError('TRACKER_NICK_TAKEN', { context: { nick } });
  }
  const { connection } = session;
  endSession(runtime, session, { reason: 'reclaimed', text: '' });
  if (connection !== undefined) replaceConnection(runtime, connection, 'reclaimed');
  return undefined;
}

/** A new token when the nick is reserved anew; the time of use when it was reserved before. */
function reserve(
  runtime: Runtime,
  folded: string,
  { key, isAsked }: { readonly key: string; readonly isAsked: boolean },
): string | undefined {
  const known = runtime.nicks.get(folded);
  if (known === undefined || (known.reserved === undefined && !isAsked)) return undefined;
  const usedAt = runtime.nowWallMs;
  if (known.reserved !== undefined && !isExpired(runtime, known)) {
    known.reserved = { ...known.reserved, usedAt };
    saveNick(runtime, folded, known);
    return undefined;
  }
  known.reserved = undefined;
  if (!isAsked || !hasRoomForNick(runtime)) return undefined;
  const token = runtime.secret();
  known.reserved = { tokenHash: runtime.hash(token), key, usedAt };
  saveNick(runtime, folded, known);
  return token;
}

function hasRoomForNick(runtime: Runtime): boolean {
  const { nicksMax } = runtime.config;
  if (runtime.nicks.size <= nicksMax) return true;
  for (const [folded, nick] of runtime.nicks) {
    if (nick.session !== undefined || !isExpired(runtime, nick)) continue;
    runtime.nicks.delete(folded);
    saveNick(runtime, folded, { ...nick, reserved: undefined });
  }
  return runtime.nicks.size <= nicksMax;
}

function isExpired(runtime: Runtime, { reserved }: Nick): boolean {
  return reserved !== undefined && reserved.usedAt + runtime.config.nickKeepMs < runtime.nowWallMs;
}

/** Lets go of the lost session that was silent longest. */
function makeRoom(runtime: Runtime): boolean {
  let oldest: Session | undefined;
  for (const session of runtime.sessions.values()) {
    if (session.connection === undefined && session.heardAt < (oldest?.heardAt ?? Infinity)) oldest = session;
  }
  if (oldest !== undefined) endSession(runtime, oldest, { reason: 'lost', text: '' });
  return oldest !== undefined;
}

const idLetters = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Twelve letters of chance (60 bits): one stay of one client, never used again. */
function freshId(runtime: Runtime): NodeId {
  for (;;) {
    let id = '';
    for (let at = 0; at < 12; at++) id += idLetters.charAt(runtime.random.nextU32() >>> 27);
    if (!runtime.sessions.has(id as NodeId)) return id as NodeId;
  }
}

function foreign(address: Address): GrpError {
  const shown = tryParseAddress(address) === undefined ? 'given' : sanitizeText(address, { lengthMax: 64 });
  return trackerError('TRACKER_ADDRESS_FOREIGN', { context: { address: shown } });
}
