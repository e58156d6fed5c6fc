import type { GrpError } from '@grp/core';
import { trackerError } from '../errors.ts';
import type { GroupRole } from '../wire/messages.ts';
import type { Runtime } from './runtime.ts';
import type { Group, Session } from './state.ts';

const ranks: Readonly<Record<GroupRole, number>> = { member: 0, voice: 1, moderator: 2, owner: 3 };

/** 0 for a member, 3 for an owner. */
export function rankOf(group: Group, key: string): number {
  return ranks[group.roles.get(key) ?? 'member'];
}

export function rankOfRole(role: GroupRole): number {
  return ranks[role];
}

/** May this session say something to the group? Its peers ask the same of its ticket. */
export function maySpeak(group: Group, session: Session): boolean {
  return !group.policy.moderated || rankOf(group, session.key) >= ranks.voice;
}

/** By nick, by key, or by where it comes from: a new nick alone does not get around it, nor does a new key. */
export function matchesBan(group: Group, { folded, key, host }: Session): boolean {
  return group.bans.some(
    (ban) => ban.folded === folded || ban.key === key || (ban.host !== undefined && ban.host === host),
  );
}

/** Why a session may not come in; undefined: it may. Owners and moderators always may. */
export function mayEnter(
  runtime: Runtime,
  group: Group,
  session: Session,
  key: string | undefined,
): GrpError | undefined {
  const { name, policy } = group;
  if (rankOf(group, session.key) >= ranks.moderator) return undefined;
  if (matchesBan(group, session) || policy.deny.some((pattern) => matches(pattern, session))) {
    return trackerError('TRACKER_BANNED', { context: { group: name } });
  }
  if (policy.access === 'open' || group.invited.has(session.folded)) return undefined;
  if (policy.access === 'key') return checkKey(runtime, group, session, key);
  if (policy.access === 'allow' && policy.allow.some((pattern) => matches(pattern, session))) return undefined;
  return trackerError('TRACKER_INVITE_ONLY', { context: { group: name } });
}

/** A group's key as it is kept: with the group's name, so that equal keys of two groups do not look equal. */
export function hashGroupKey(runtime: Runtime, folded: string, key: string): string {
  return runtime.hash(`group-key\0${folded}\0${key}`);
}

// A person mistypes a few times; a program that guesses gets one guess a second for each host.
const guesses = { perSecond: 1, burst: 20 };

function checkKey(
  runtime: Runtime,
  { name, folded, policy }: Group,
  { host }: Session,
  key: string | undefined,
): GrpError | undefined {
  const bucket = `guess/${host}`;
  const retryAfterMs = runtime.hosts.wait(bucket, runtime.now, guesses);
  if (retryAfterMs > 0) return trackerError('TRACKER_RATE', { context: { what: 'wrong keys', retryAfterMs } });
  if (key !== undefined && hashGroupKey(runtime, folded, key) === policy.keyHash) return undefined;
  runtime.hosts.take(bucket, runtime.now, guesses);
  return trackerError('TRACKER_GROUP_KEY', { context: { group: name } });
}

/** A pattern of a list: a folded nick, `key:…`, or `host:…`. */
function matches(pattern: string, { folded, key, host }: Session): boolean {
  if (pattern.startsWith('key:')) return pattern.slice(4) === key;
  if (pattern.startsWith('host:')) return pattern.slice(5) === host;
  return pattern === folded;
}
