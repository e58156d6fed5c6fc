import type { GroupInfo } from '../wire/messages.ts';
import type { Group } from './state.ts';

/** What everyone who may know of a group may know about it. */
export function groupInfo({ name, order, policy, topic, members }: Group): GroupInfo {
  const { access, moderated, secret, limit } = policy;
  return { group: name, order, access, moderated, secret, limit, members: members.size, topic };
}
