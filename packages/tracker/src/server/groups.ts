import { GrpError, sanitizeText } from '@grp/core';
import { trackerError } from '../errors.ts';
import { checkName, foldName } from '../names/names.ts';
import { textLimits, type CommandBody, type GroupRole, type PolicyChange } from '../wire/messages.ts';
import { groupInfo } from './group-info.ts';
import { isLoopback } from './hosts.ts';
import { broadcast, commitViews, join, memberOf, removeMember, sendTickets } from './membership.ts';
import { hashGroupKey, matchesBan, rankOf, rankOfRole } from './policy.ts';
import { floorKey, groupKey, saveGroup, totalsKey, viewKey } from './records.ts';
import type { Actor, MemberActor, Reply } from './reply.ts';
import { encodeNotice, type Runtime } from './runtime.ts';
import { safeReason } from './sessions.ts';
import { emptyTotals, type Group, type Session } from './state.ts';

/** A group that the actor may know of; a secret one is unknown to those outside. */
export function findGroup(runtime: Runtime, { session, isAdmin }: Actor, name: string): Group | GrpError {
  const group = runtime.groups.get(foldName(name));
  const isHidden = group?.policy.secret === true && !isAdmin && session !== undefined && !knows(group, session);
  if (group !== undefined && !isHidden) return group;
  return trackerError('TRACKER_GROUP_UNKNOWN', { context: { group: shown(name) } });
}

export function isInside(runtime: Runtime, session: Session, name: string): boolean {
  return runtime.groups.get(foldName(name))?.members.has(session.id) === true;
}

export function create(runtime: Runtime, actor: Actor, command: CommandBody<'create'>): Reply {
  const made = makeGroup(runtime, actor, command);
  if (made instanceof GrpError) return made;
  return { ...groupInfo(made.group), ownerToken: made.ownerToken };
}

/** Joins, and makes the group first when it may and there is none. */
export function joinOrCreate(runtime: Runtime, actor: MemberActor, command: CommandBody<'join'>): Reply {
  // Not `findGroup`: whoever has the key or an invitation gets into a secret group.
  let group = runtime.groups.get(foldName(command.group));
  if (group === undefined && command.create === true) {
    const { group: name, order, key, access = key === undefined ? 'open' : 'key' } = command;
    const made = makeGroup(runtime, actor, {
      ...{ group: name, access },
      ...(order !== undefined && { order }),
      ...(key !== undefined && { key }),
    });
    if (made instanceof GrpError) return made;
    group = made.group;
    return join(
      runtime,
      { ...actor, answer: (body) => actor.answer({ ...body, ownerToken: made.ownerToken }) },
      { group, command },
    );
  }
  const unknown = trackerError('TRACKER_GROUP_UNKNOWN', { context: { group: shown(command.group) } });
  if (group === undefined) return unknown;
  const reply = join(runtime, actor, { group, command });
  const isHidden = group.policy.secret && !knows(group, actor.session);
  return reply instanceof GrpError && isHidden && reply.code !== 'TRACKER_RATE' ? unknown : reply;
}

export function leave(runtime: Runtime, actor: MemberActor, { group: name, reason }: CommandBody<'leave'>): Reply {
  const { session } = actor;
  const group = session.groups.get(foldName(name));
  if (group === undefined) return trackerError('TRACKER_NOT_MEMBER', { context: { group: shown(name) } });
  removeMember(runtime, group, session, { reason: 'leave', text: safeReason(reason), done: () => actor.answer({}) });
  return 'later';
}

export function policy(runtime: Runtime, actor: Actor, command: CommandBody<'policy'>): Reply {
  const { group: name, ...change } = command;
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  if (Object.keys(change).length > 0) {
    const refusal = requireRank(group, actor, 'owner') ?? changePolicy(runtime, group, change);
    if (refusal !== undefined) return refusal;
    saveGroup(runtime, group);
    broadcast(runtime, group, encodeNotice('policy', { group: group.name, info: groupInfo(group) }));
  }
  if (requireRank(group, actor, 'moderator') !== undefined) return { ...groupInfo(group) };
  const { allow, deny } = group.policy;
  // Lists may be longer than a line; what is left out is still in force.
  return {
    ...groupInfo(group),
    allow: first(allow),
    deny: first(deny),
    bans: first(group.bans.map(({ nick }) => nick)),
  };
}

export function topic(runtime: Runtime, actor: Actor, { group: name, text }: CommandBody<'topic'>): Reply {
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  if (text !== undefined) {
    const refusal = requireRank(group, actor, group.policy.moderated ? 'moderator' : 'member');
    if (refusal !== undefined) return refusal;
    group.topic = sanitizeText(text, { lengthMax: textLimits.topic }).trim();
    saveGroup(runtime, group);
    broadcast(runtime, group, encodeNotice('topic', { group: group.name, text: group.topic, by: byWhom(actor) }));
  }
  return { topic: group.topic };
}

export function role(runtime: Runtime, actor: Actor, command: CommandBody<'role'>): Reply {
  const group = findGroup(runtime, actor, command.group);
  if (group instanceof GrpError) return group;
  const target = findMember(runtime, group, command.nick);
  if (target instanceof GrpError) return target;
  const isOwnersThing = rankOfRole(command.role) >= 2 || rankOf(group, target.key) >= 2;
  const refusal = requireRank(group, actor, isOwnersThing ? 'owner' : 'moderator');
  if (refusal !== undefined) return refusal;
  return setRole(runtime, group, target, command.role) ?? {};
}

export function kick(runtime: Runtime, actor: Actor, command: CommandBody<'kick'>): Reply {
  const group = findGroup(runtime, actor, command.group);
  if (group instanceof GrpError) return group;
  const target = findMember(runtime, group, command.nick);
  if (target instanceof GrpError) return target;
  const refusal = requireRank(group, actor, 'moderator') ?? requireAbove(group, actor, target.key);
  if (refusal !== undefined) return refusal;
  const { nick: by, text } = { nick: byWhom(actor), text: safeReason(command.reason) };
  removeMember(runtime, group, target, { reason: 'kick', by, text, done: () => actor.answer({}) });
  return 'later';
}

export function ban(runtime: Runtime, actor: Actor, command: CommandBody<'ban'>): Reply {
  const group = findGroup(runtime, actor, command.group);
  if (group instanceof GrpError) return group;
  const folded = foldName(command.nick);
  const known = runtime.nicks.get(folded);
  const target = known?.session;
  const key = target?.key ?? known?.reserved?.key ?? '';
  const refusal = requireRank(group, actor, 'moderator') ?? requireAbove(group, actor, key);
  if (refusal !== undefined) return refusal;
  const { listedMax } = runtime.config;
  if (group.bans.length >= listedMax)
    return trackerError('TRACKER_LIMIT', { context: { max: listedMax, what: 'bans' } });
  const host = target === undefined || isLoopback(target.host) ? undefined : target.host;
  group.bans = [
    ...group.bans.filter((old) => old.folded !== folded),
    { nick: target?.nick ?? shown(command.nick), folded, key, host },
  ];
  group.invited.delete(folded);
  saveGroup(runtime, group);
  const removal = { reason: 'ban', by: byWhom(actor), text: safeReason(command.reason) } as const;
  for (const { session } of [...group.members.values()]) {
    // Whoever shares a house with the banned and holds an office is not meant.
    if (matchesBan(group, session) && rankOf(group, session.key) < 2) removeMember(runtime, group, session, removal);
  }
  commitViews(runtime, group);
  return {};
}

export function unban(runtime: Runtime, actor: Actor, { group: name, nick }: CommandBody<'unban'>): Reply {
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  const refusal = requireRank(group, actor, 'moderator');
  if (refusal !== undefined) return refusal;
  const folded = foldName(nick);
  const left = group.bans.filter((old) => old.folded !== folded);
  if (left.length === group.bans.length) return unknownMember(group);
  group.bans = left;
  saveGroup(runtime, group);
  return {};
}

export function invite(runtime: Runtime, actor: Actor, { group: name, nick }: CommandBody<'invite'>): Reply {
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  const refusal = requireRank(group, actor, group.policy.access === 'open' ? 'member' : 'moderator');
  if (refusal !== undefined) return refusal;
  const folded = foldName(nick);
  const { listedMax } = runtime.config;
  if (group.invited.size >= listedMax && !group.invited.has(folded)) {
    return trackerError('TRACKER_LIMIT', { context: { max: listedMax, what: 'invitations' } });
  }
  group.invited.add(folded);
  saveGroup(runtime, group);
  const guest = runtime.nicks.get(folded)?.session;
  if (guest !== undefined) runtime.notify(guest, 'invite', { group: group.name, by: byWhom(actor) });
  return { isHere: guest !== undefined };
}

export function claim(runtime: Runtime, actor: MemberActor, command: CommandBody<'claim'>): Reply {
  const group = runtime.groups.get(foldName(command.group));
  if (group === undefined || runtime.hash(command.ownerToken) !== group.ownerHash) {
    return trackerError('TRACKER_OWNER_TOKEN', { context: { group: shown(command.group) } });
  }
  for (const [key, held] of group.roles) if (held === 'owner') group.roles.set(key, 'moderator');
  return setRole(runtime, group, actor.session, 'owner') ?? {};
}

export function drop(runtime: Runtime, actor: Actor, { group: name }: CommandBody<'drop'>): Reply {
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  const refusal = requireRank(group, actor, 'owner');
  if (refusal !== undefined) return refusal;
  forgetGroup(runtime, group, byWhom(actor));
  return {};
}

/** A group ends: its members are put out, and its numbers are not used again. */
export function forgetGroup(runtime: Runtime, group: Group, by: string): void {
  for (const { session } of [...group.members.values(), ...group.joining.values()]) {
    removeMember(runtime, group, session, { reason: 'kick', by, text: 'the group has ended' });
  }
  for (const session of runtime.sessions.values()) session.groups.delete(group.folded);
  commitViews(runtime, group);
  runtime.groups.delete(group.folded);
  for (const key of [groupKey, viewKey, totalsKey]) runtime.persist(key(group.folded), undefined);
  runtime.deadlines.delete(`group/${group.folded}`);
  runtime.deadlines.delete(`view/${group.folded}`);
  runtime.viewFloor = Math.max(runtime.viewFloor, group.number);
  runtime.persist(floorKey, runtime.viewFloor);
  runtime.log('info', 'tracker.group-ended', { group: group.name });
}

interface GroupChange extends PolicyChange {
  readonly group: string;
  readonly order?: CommandBody<'create'>['order'];
  readonly topic?: string;
}

function makeGroup(
  runtime: Runtime,
  { session, connection, isAdmin }: Actor,
  { group: given, order = 'fifo', topic = '', ...change }: GroupChange,
): { readonly group: Group; readonly ownerToken: string } | GrpError {
  const name = checkName(given);
  if (typeof name === 'string') return trackerError('TRACKER_GROUP_INVALID', { context: { problem: name } });
  const known = runtime.groups.get(name.folded);
  if (known !== undefined && !(known.name === name.name && isUnused(known, session))) {
    return trackerError('TRACKER_GROUP_TAKEN', { context: { group: name.name } });
  }
  const { groupsMax, groupsPerHostPerHour, groupMembersMax } = runtime.config;
  if (known === undefined && runtime.groups.size >= groupsMax)
    return trackerError('TRACKER_BUSY', { context: { what: 'groups' } });
  if (!isAdmin && connection !== undefined) {
    const rate = { perSecond: groupsPerHostPerHour / 3_600, burst: groupsPerHostPerHour };
    const retryAfterMs = runtime.hosts.take(`groups/${connection.host}`, runtime.now, rate);
    if (retryAfterMs > 0) return trackerError('TRACKER_RATE', { context: { what: 'new groups', retryAfterMs } });
  }
  const ownerToken = runtime.secret();
  const group: Group = {
    ...{ name: name.name, folded: name.folded, order },
    ownerHash: runtime.hash(ownerToken),
    policy: {
      access: 'open',
      keyHash: undefined,
      allow: [],
      deny: [],
      limit: groupMembersMax,
      moderated: false,
      secret: false,
    },
    topic: sanitizeText(topic, { lengthMax: textLimits.topic }).trim(),
    roles: new Map(session === undefined ? [] : [[session.key, 'owner']]),
    bans: [],
    invited: new Set(),
    firstNumber: known?.firstNumber ?? runtime.viewFloor,
    number: known?.number ?? runtime.viewFloor,
    members: new Map(),
    joining: new Map(),
    leaving: new Map(),
    metrics: emptyTotals(),
    emptySince: runtime.nowWallMs,
  };
  const refusal = changePolicy(runtime, group, change);
  if (refusal !== undefined) return refusal;
  runtime.groups.set(group.folded, group);
  runtime.deadlines.set(`group/${group.folded}`, runtime.now + runtime.config.groupKeepMs);
  saveGroup(runtime, group);
  runtime.persist(viewKey(group.folded), { number: group.number });
  runtime.log('info', 'tracker.group', { group: group.name, order });
  return { group, ownerToken };
}

/**
 * A group that its owner made and nobody has joined: making it again is the same, so that a client whose answer was lost
 * with the tracker may ask once more.
 */
function isUnused(group: Group, session: Session | undefined): boolean {
  const isNew = group.number === group.firstNumber && group.joining.size === 0;
  return isNew && session !== undefined && group.roles.get(session.key) === 'owner';
}

/** All of it, or nothing when something is wrong with it. */
function changePolicy(runtime: Runtime, group: Group, change: PolicyChange): GrpError | undefined {
  const { key, ...rest } = change;
  const access = rest.access ?? (key === undefined ? group.policy.access : 'key');
  const keyHash = key === undefined ? group.policy.keyHash : hashGroupKey(runtime, group.folded, key);
  if (access === 'key' && keyHash === undefined) {
    return trackerError('TRACKER_COMMAND_INVALID', { context: { field: 'key', command: 'policy' } });
  }
  const limit = Math.min(rest.limit ?? group.policy.limit, runtime.config.groupMembersMax);
  const allow = rest.allow?.map(foldPattern) ?? group.policy.allow;
  const deny = rest.deny?.map(foldPattern) ?? group.policy.deny;
  group.policy = { ...group.policy, ...rest, access, keyHash, limit, allow, deny };
  return undefined;
}

function setRole(runtime: Runtime, group: Group, target: Session, to: GroupRole): GrpError | undefined {
  const { listedMax } = runtime.config;
  if (to === 'member') group.roles.delete(target.key);
  else if (group.roles.size >= listedMax && !group.roles.has(target.key)) {
    return trackerError('TRACKER_LIMIT', { context: { max: listedMax, what: 'roles' } });
  } else group.roles.set(target.key, to);
  saveGroup(runtime, group);
  const membership = group.members.get(target.id);
  if (membership === undefined) return undefined;
  const member = memberOf(group, target, membership.since);
  broadcast(runtime, group, encodeNotice('member', { group: group.name, member }));
  target.ticketsAt.delete(group.folded); // it names the role
  sendTickets(runtime, target);
  return undefined;
}

function requireRank(group: Group, { session, isAdmin }: Actor, role: GroupRole): GrpError | undefined {
  if (isAdmin) return undefined;
  const isInside = session !== undefined && (group.members.has(session.id) || rankOf(group, session.key) >= 2);
  if (isInside && rankOf(group, session.key) >= rankOfRole(role)) return undefined;
  return trackerError(isInside ? 'TRACKER_NOT_ALLOWED' : 'TRACKER_NOT_MEMBER', { context: { group: group.name } });
}

/** Nobody puts out an equal, except an owner. */
function requireAbove(group: Group, { session, isAdmin }: Actor, key: string): GrpError | undefined {
  const own = isAdmin || session === undefined ? 4 : rankOf(group, session.key);
  if (own > rankOf(group, key)) return undefined;
  return trackerError('TRACKER_NOT_ALLOWED', { context: { group: group.name } });
}

function findMember(runtime: Runtime, group: Group, nick: string): Session | GrpError {
  const session = runtime.nicks.get(foldName(nick))?.session;
  return session !== undefined && group.members.has(session.id) ? session : unknownMember(group);
}

function unknownMember(group: Group): GrpError {
  return trackerError('TRACKER_MEMBER_UNKNOWN', { context: { group: group.name } });
}

function knows(group: Group, { id, folded, key }: Session): boolean {
  return group.members.has(id) || group.invited.has(folded) || rankOf(group, key) >= 2;
}

function byWhom({ session }: Actor): string {
  return session?.nick ?? 'the tracker';
}

function shown(name: string): string {
  return sanitizeText(name, { lengthMax: 32 });
}

function foldPattern(pattern: string): string {
  return pattern.startsWith('key:') || pattern.startsWith('host:') ? pattern : foldName(pattern);
}

function first(items: readonly string[]): readonly string[] {
  return items.slice(0, 24).map((item) => item.slice(0, 80));
}
