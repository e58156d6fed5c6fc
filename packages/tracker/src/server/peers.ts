import { GrpError } from '@grp/core';
import { trackerError } from '../errors.ts';
import { foldName } from '../names/names.ts';
import { checkSuccession } from '../succession.ts';
import type { CommandBody } from '../wire/messages.ts';
import { adoptView } from './membership.ts';
import { maySpeak } from './policy.ts';
import type { MemberActor, Reply } from './reply.ts';
import type { Runtime } from './runtime.ts';
import type { Group, Session } from './state.ts';

/**
 * Passes bytes on to a member that the sender cannot reach. Who sent them is what the tracker says, not what the sender
 * says. Nothing is kept for later, and nothing is passed on to somebody who is behind with reading.
 */
export function relay(runtime: Runtime, { session }: MemberActor, command: CommandBody<'relay'>): Reply {
  const group = memberGroup(session, command.group);
  if (group instanceof GrpError) return group;
  if (!maySpeak(group, session)) return trackerError('TRACKER_NOT_ALLOWED', { context: { group: group.name } });
  const target = group.members.get(command.to)?.session;
  if (target?.connection === undefined)
    return trackerError('TRACKER_MEMBER_UNKNOWN', { context: { group: group.name } });
  const { payload } = command;
  const { relayBytesPerSecond, relayBytesBurst, relayTotalBytesPerSecond } = runtime.config;
  const own = { perSecond: relayBytesPerSecond, burst: relayBytesBurst };
  const all = { perSecond: relayTotalBytesPerSecond, burst: relayTotalBytesPerSecond };
  const retryAfterMs =
    session.relays.take(runtime.now, own, payload.length) ||
    runtime.hosts.take('relay', runtime.now, all, payload.length);
  if (retryAfterMs > 0) return trackerError('TRACKER_RATE', { context: { what: 'bytes to relay', retryAfterMs } });
  runtime.health.count('relayed');
  runtime.health.count('relayedBytes', payload.length);
  const line = runtime.answerLine(undefined, { on: 'relay', group: group.name, from: session.id, payload });
  runtime.sendDroppable(target.connection, line);
  return {};
}

/** Members agreed on a view while the tracker was away: it becomes the view in force when their signatures say so. */
export function adopt(runtime: Runtime, { session }: MemberActor, command: CommandBody<'adopt'>): Reply {
  const group = memberGroup(session, command.group);
  if (group instanceof GrpError) return group;
  // Somebody else brought it already, or the tracker has gone on: its views count from here.
  if (command.number <= group.number) return { isAdopted: false, number: group.number };
  const members = [...group.members.values()].map((member) => ({ id: member.session.id, key: member.session.key }));
  const succession = { ...command, group: group.name };
  const verdict = checkSuccession(succession, { number: group.number, members }, runtime.crypto);
  if (verdict !== 'valid') return trackerError('TRACKER_PROOF_INVALID', { context: { problem: verdict.problem } });
  adoptView(runtime, group, command);
  runtime.log('info', 'tracker.adopt', { group: group.name, number: group.number, removed: command.removed.length });
  return { isAdopted: true, number: group.number };
}

function memberGroup(session: Session, name: string): Group | GrpError {
  const group = session.groups.get(foldName(name));
  if (group?.members.has(session.id) === true) return group;
  return trackerError('TRACKER_NOT_MEMBER', { context: { group: group?.name ?? '' } });
}
