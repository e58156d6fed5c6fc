import type { NodeId } from '@grp/core';
import { utf8 } from '../encoding.ts';
import { toWire, trackerError } from '../errors.ts';
import { viewStride } from '../succession.ts';
import { signTicket } from '../ticket.ts';
import { lineBytesMax, type CommandBody, type LeaveReason, type TrackerMember } from '../wire/messages.ts';
import { matchesBan, mayEnter } from './policy.ts';
import { groupInfo } from './group-info.ts';
import { memberKey, saveGroup, saveSession, viewKey } from './records.ts';
import type { Body, MemberActor, Reply } from './reply.ts';
import { encodeNotice, type Runtime } from './runtime.ts';
import type { Group, Joining, Leaving, Session } from './state.ts';

/** What one notice may hold besides its frame. */
const noticeBytesMax = lineBytesMax - 1_024;

export interface Removal {
  readonly reason: LeaveReason;
  readonly by?: string;
  readonly text?: string;
  readonly done?: () => void;
  /** It comes back by itself when its session does. */
  readonly keepPlace?: boolean;
}

/** Lets a session in, after the policy said yes; the answer comes with the view. */
export function join(
  runtime: Runtime,
  actor: MemberActor,
  { group, command }: { readonly group: Group; readonly command: CommandBody<'join'> },
): Reply {
  const { session } = actor;
  if (group.leaving.has(session.id)) commitViews(runtime, group); // what was decided first happens first
  if (group.members.has(session.id)) {
    // Whoever asks has lost the thread: an earlier join that it gave up has succeeded.
    session.ticketsAt.delete(group.folded);
    sendSnapshot(runtime, group, session);
    sendTickets(runtime, session);
    return joined(group);
  }
  const { groupsPerSessionMax, groupMembersMax } = runtime.config;
  if (!session.groups.has(group.folded) && session.groups.size >= groupsPerSessionMax) {
    return trackerError('TRACKER_LIMIT', { context: { max: groupsPerSessionMax, what: 'groups at a time' } });
  }
  if (group.members.size + group.joining.size >= Math.min(groupMembersMax, group.policy.limit)) {
    return trackerError('TRACKER_GROUP_FULL', { context: { group: group.name } });
  }
  const refusal = mayEnter(runtime, group, session, command.key);
  if (refusal !== undefined) return refusal;
  raiseNumber(group, command.after ?? 0);
  session.groups.set(group.folded, group);
  enter(runtime, group, session, {
    isBack: false,
    done: (refusal) => actor.answer(refusal === undefined ? joined(group) : { error: toWire(refusal) }),
  });
  return 'later';
}

/** The record of a session that has ended stays until no view needs it. */
function forgetEnded(runtime: Runtime, session: Session): void {
  if (session.viewCount === 0 && !runtime.sessions.has(session.id)) saveSession(runtime, session);
}

/** Back after a loss, unless the group has changed its mind. */
export function rejoin(runtime: Runtime, group: Group, session: Session): void {
  if (group.leaving.has(session.id)) commitViews(runtime, group);
  if (group.members.has(session.id) || group.joining.has(session.id)) return;
  if (matchesBan(group, session)) {
    session.groups.delete(group.folded);
    runtime.notify(session, 'removed', { group: group.name, reason: 'ban', by: '', text: '' });
    return;
  }
  enter(runtime, group, session, { isBack: true, done: () => {} });
}

/** Takes a session out of a group with the next view. */
export function removeMember(runtime: Runtime, group: Group, session: Session, removal: Removal): void {
  const { reason, by = '', text = '', done = () => {}, keepPlace = false } = removal;
  if (!keepPlace) {
    session.groups.delete(group.folded);
    session.ticketsAt.delete(group.folded);
  }
  const joining = group.joining.get(session.id);
  if (joining !== undefined) {
    group.joining.delete(session.id);
    const refusal = trackerError('TRACKER_NOT_MEMBER', { context: { group: group.name } });
    for (const call of joining.done) call(refusal);
  }
  if (!group.members.has(session.id)) {
    done();
    return;
  }
  const earlier = group.leaving.get(session.id);
  if (earlier === undefined) group.leaving.set(session.id, { reason, by, text, done: [done] });
  else earlier.done.push(done);
  schedule(runtime, group);
}

/** Makes the views that are due: as many changes as fit in one line each. */
export function commitViews(runtime: Runtime, group: Group): void {
  runtime.deadlines.delete(`view/${group.folded}`);
  while (group.joining.size > 0 || group.leaving.size > 0) commitView(runtime, group);
}

/** Tells a group what has changed about a member. */
export function memberChanged(runtime: Runtime, session: Session): void {
  for (const group of session.groups.values()) {
    const membership = group.members.get(session.id);
    if (membership === undefined) continue;
    const notice = encodeNotice('member', { group: group.name, member: memberOf(group, session, membership.since) });
    broadcast(runtime, group, notice);
  }
}

export function broadcast(runtime: Runtime, group: Group, notice: string): void {
  for (const { session } of group.members.values()) runtime.notifyEncoded(session, notice);
}

/** Tickets that are missing or half used up. */
export function sendTickets(runtime: Runtime, session: Session): void {
  const { ticketMs } = runtime.config;
  for (const group of session.groups.values()) {
    if (!group.members.has(session.id)) continue;
    const at = session.ticketsAt.get(group.folded);
    if (at !== undefined && runtime.now - at < ticketMs / 2) continue;
    session.ticketsAt.set(group.folded, runtime.now);
    runtime.health.count('tickets');
    runtime.notify(session, 'ticket', { group: group.name, ticket: ticketFor(runtime, group, session) });
  }
}

/** The whole view, in as many parts as it needs. */
export function sendSnapshot(runtime: Runtime, group: Group, session: Session): void {
  const parts = pack([...group.members.values()].map(({ session, since }) => memberOf(group, session, since)));
  for (const [part, members] of parts.entries()) {
    const { name, number } = group;
    runtime.notify(session, 'members', { group: name, number, part, parts: parts.length, members });
  }
}

export function memberOf(group: Group, session: Session, since: number): TrackerMember {
  const { id, nick, key, address, reflexive, away } = session;
  return {
    ...{ id, nick, key, address, since },
    role: group.roles.get(key) ?? 'member',
    ...(reflexive !== undefined && { reflexive }),
    ...(away !== undefined && { away }),
  };
}

/** What members agreed on while the tracker was away becomes the view in force. */
export function adoptView(
  runtime: Runtime,
  group: Group,
  { number, removed }: { readonly number: number; readonly removed: readonly NodeId[] },
): void {
  const gone: Leaving = { reason: 'agreed', by: '', text: '', done: [] };
  const leavers = removed.map((id) => [id, group.leaving.get(id) ?? gone] as const);
  for (const id of removed) group.leaving.delete(id);
  runtime.health.count('adopted');
  const stranded = removed.flatMap((id) => group.members.get(id)?.session ?? []);
  install(runtime, group, { number, joining: [], leaving: leavers });
  // They were thought gone and are not: they come back with the next view.
  for (const session of stranded) {
    if (session.connection !== undefined && session.groups.has(group.folded)) rejoin(runtime, group, session);
  }
}

/** Numbers below this one were used by an older life of the group. */
function raiseNumber(group: Group, after: number): void {
  // A client could claim anything; a million views a join cannot use up 2^53.
  if (group.members.size > 0 || after <= group.number || after > group.number + 1_000_000 * viewStride) return;
  group.number = after;
}

function joined(group: Group): Body {
  return { ...groupInfo(group), number: group.number };
}

function enter(
  runtime: Runtime,
  group: Group,
  session: Session,
  { isBack, done }: { readonly isBack: boolean; readonly done: Joining['done'][number] },
): void {
  const joining = group.joining.get(session.id);
  if (joining === undefined) group.joining.set(session.id, { session, isBack, done: [done] });
  else joining.done.push(done);
  schedule(runtime, group);
}

function schedule(runtime: Runtime, group: Group): void {
  const key = `view/${group.folded}`;
  if (runtime.deadlines.get(key) === undefined) runtime.deadlines.set(key, runtime.now + runtime.config.viewDelayMs);
}

/** Takes as many pending changes as one notice holds. */
function commitView(runtime: Runtime, group: Group): void {
  const number = (Math.floor(group.number / viewStride) + 1) * viewStride;
  let room = noticeBytesMax;
  const leaving: (readonly [NodeId, Leaving])[] = [];
  for (const [id, leaver] of group.leaving) {
    room -= sizeOf({ ...leaver, nick: group.members.get(id)?.session.nick }) + 80;
    if (room < 0 && leaving.length > 0) break;
    leaving.push([id, leaver]);
  }
  const joining: Joining[] = [];
  for (const joiner of group.joining.values()) {
    room -= sizeOf(memberOf(group, joiner.session, number)) + 40;
    if (room < 0 && joining.length + leaving.length > 0) break;
    joining.push(joiner);
  }
  for (const [id] of leaving) group.leaving.delete(id);
  for (const { session } of joining) group.joining.delete(session.id);
  install(runtime, group, { number, joining, leaving });
}

interface Change {
  readonly number: number;
  readonly joining: readonly Joining[];
  readonly leaving: readonly (readonly [NodeId, Leaving])[];
}

function install(runtime: Runtime, group: Group, { number, joining, leaving }: Change): void {
  const base = group.number;
  const left: Record<string, unknown>[] = [];
  const removed: (readonly [Session, Leaving])[] = [];
  for (const [id, leaver] of leaving) {
    const membership = group.members.get(id);
    if (membership === undefined) continue;
    group.members.delete(id);
    runtime.persist(memberKey(group.folded, id), undefined);
    const { reason, text } = leaver;
    left.push({ id, nick: membership.session.nick, reason, ...(text !== '' && { text }) });
    removed.push([membership.session, leaver]);
    membership.session.viewCount--;
    forgetEnded(runtime, membership.session);
  }
  const stayed = [...group.members.values()];
  for (const { session } of joining) {
    group.members.set(session.id, { session, since: number });
    session.viewCount++;
    runtime.persist(memberKey(group.folded, session.id), { since: number });
  }
  group.number = number;
  runtime.persist(viewKey(group.folded), { number });
  noteEmpty(runtime, group);
  runtime.health.count('views');
  const { name } = group;
  const came = joining.map(({ session, isBack }) => ({ member: memberOf(group, session, number), back: isBack }));
  const notice = encodeNotice('view', { group: name, number, base, joined: came, left });
  for (const { session } of stayed) runtime.notifyEncoded(session, notice);
  for (const [session, { reason, by, text }] of removed) {
    if (session.connection !== undefined && reason !== 'leave' && !session.groups.has(group.folded)) {
      runtime.notify(session, 'removed', { group: name, reason, by, text });
    }
  }
  for (const { session } of joining) {
    session.ticketsAt.delete(group.folded);
    sendSnapshot(runtime, group, session);
    sendTickets(runtime, session);
  }
  runtime.log('info', 'tracker.view', { group: name, number, members: group.members.size });
  for (const [, { done }] of leaving) for (const call of done) call();
  for (const { done } of joining) for (const call of done) call();
}

function noteEmpty(runtime: Runtime, group: Group): void {
  const key = `group/${group.folded}`;
  const isEmpty = group.members.size === 0;
  if (isEmpty === (group.emptySince !== undefined)) return;
  group.emptySince = isEmpty ? runtime.nowWallMs : undefined;
  if (isEmpty) runtime.deadlines.set(key, runtime.now + runtime.config.groupKeepMs);
  else runtime.deadlines.delete(key);
  saveGroup(runtime, group);
}

function ticketFor(runtime: Runtime, group: Group, session: Session): string {
  const { id, nick, key, address, reflexive = '' } = session;
  return signTicket(
    {
      ...{ group: group.name, id, nick, key, address, reflexive },
      role: group.roles.get(key) ?? 'member',
      view: group.number,
      expiresAt: runtime.nowWallMs + runtime.config.ticketMs,
    },
    runtime.signer,
  );
}

/** Splits a list so that each part fits one notice; at least one part, maybe empty. */
export function pack<Item>(items: readonly Item[], bytesMax = noticeBytesMax): readonly (readonly Item[])[] {
  const parts: Item[][] = [[]];
  let room = bytesMax;
  for (const item of items) {
    const size = sizeOf(item) + 1;
    let part = parts.at(-1) as Item[];
    if (size > room && part.length > 0) {
      part = [];
      parts.push(part);
      room = bytesMax;
    }
    part.push(item);
    room -= size;
  }
  return parts;
}

function sizeOf(value: unknown): number {
  return utf8(JSON.stringify(value) ?? '').length;
}
