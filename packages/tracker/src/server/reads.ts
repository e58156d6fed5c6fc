import { GrpError } from '@grp/core';
import { trackerError } from '../errors.ts';
import { foldName } from '../names/names.ts';
import type { CommandBody } from '../wire/messages.ts';
import { groupInfo } from './group-info.ts';
import { findGroup } from './groups.ts';
import { memberOf, pack, sendSnapshot } from './membership.ts';
import { rankOf } from './policy.ts';
import type { Actor, MemberActor, Reply } from './reply.ts';
import type { Runtime } from './runtime.ts';

/** Groups by name, a page at a time: `next` is what to ask `after`. */
export function groups(runtime: Runtime, { session, isAdmin }: Actor, { after }: CommandBody<'groups'>): Reply {
  const start = after === undefined ? '' : foldName(after);
  const visible = [...runtime.groups.values()]
    .filter((group) => group.folded > start)
    .filter(({ policy, members, roles }) => {
      if (!policy.secret || isAdmin || session === undefined) return true;
      return members.has(session.id) || roles.has(session.key);
    })
    .toSorted((a, b) => (a.folded < b.folded ? -1 : 1));
  const infos = visible.map((group) => groupInfo(group));
  const [page = []] = pack(infos);
  const isLast = page.length === infos.length;
  return { groups: page, ...(!isLast && { next: page.at(-1)?.group ?? '' }) };
}

/**
 * Who is in a group, oldest stay first, a page at a time. To those outside only nicks and roles: where to find a member
 * is for members.
 */
export function members(runtime: Runtime, actor: Actor, { group: name, after }: CommandBody<'members'>): Reply {
  const group = findGroup(runtime, actor, name);
  if (group instanceof GrpError) return group;
  const { session, isAdmin } = actor;
  const isInside =
    isAdmin || (session !== undefined && (group.members.has(session.id) || rankOf(group, session.key) > 1));
  const all = [...group.members.values()];
  const from = after === undefined ? 0 : all.findIndex((member) => member.session.id === after) + 1;
  const listed = all.slice(from).map((membership) => {
    const member = memberOf(group, membership.session, membership.since);
    if (isInside) return { ...member, idleMs: Math.round(Math.max(0, runtime.now - membership.session.heardAt)) };
    const { id, nick, role, since, away } = member;
    return { id, nick, role, since, ...(away !== undefined && { away }) };
  });
  const [page = []] = pack(listed);
  const isLast = page.length === listed.length;
  return { group: group.name, number: group.number, members: page, ...(!isLast && { next: page.at(-1)?.id ?? '' }) };
}

/** The whole view once more, for a client that lost the thread. */
export function view(runtime: Runtime, { session }: MemberActor, { group: name }: CommandBody<'view'>): Reply {
  const group = session.groups.get(foldName(name));
  if (group === undefined || !group.members.has(session.id))
    return trackerError('TRACKER_NOT_MEMBER', { context: { group: '' } });
  sendSnapshot(runtime, group, session);
  return { number: group.number };
}
