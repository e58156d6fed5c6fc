import type { NodeId } from '@grp/core';
import {
  flag,
  isObject,
  isWrong,
  listOf,
  nested,
  oneOf,
  optional,
  pair,
  readShape,
  text,
  whole,
} from '../wire/fields.ts';
import { addressField, idField, nameField, publicKeyField, roleField, secretField } from '../wire/messages.ts';
import type { Nick, Runtime } from './runtime.ts';
import { newSession } from './new-session.ts';
import { emptyTotals, type Group, type GroupTotals, type Membership, type Session } from './state.ts';

// Keys of the journal. Folded names have no slash.
export const sessionKey = (id: NodeId): string => `session/${id}`;
export const nickKey = (folded: string): string => `nick/${folded}`;
export const groupKey = (folded: string): string => `group/${folded}`;
export const viewKey = (folded: string): string => `view/${folded}`;
export const memberKey = (folded: string, id: NodeId): string => `member/${folded}/${id}`;
export const totalsKey = (folded: string): string => `totals/${folded}`;
export const floorKey = 'floor';
export const motdKey = 'motd';

const sessionShape = {
  id: idField,
  nick: nameField,
  folded: text(512, 1),
  key: publicKeyField,
  tokenHash: secretField,
  address: addressField,
  reflexive: optional(addressField),
  away: optional(text(256)),
  host: text(64),
  back: listOf(text(512, 1), 1_000),
  hasEnded: optional(flag),
};

const nickShape = { nick: nameField, tokenHash: secretField, key: publicKeyField, usedAt: whole() };

const groupShape = {
  name: nameField,
  order: oneOf(['fifo', 'total']),
  ownerHash: secretField,
  firstNumber: whole(),
  topic: text(1_000),
  access: oneOf(['open', 'key', 'invite', 'allow']),
  keyHash: optional(text(64)),
  allow: listOf(text(512), 64),
  deny: listOf(text(512), 64),
  limit: whole(),
  moderated: flag,
  secret: flag,
  roles: listOf(pair(publicKeyField, roleField), 8_192),
  bans: listOf(nested({ nick: nameField, folded: text(512), key: text(64), host: optional(text(64)) }), 4_096),
  invited: listOf(text(512), 4_096),
  emptySince: optional(whole()),
};

const totalsShape = {
  reports: whole(),
  sent: whole(),
  received: whole(),
  bytesSent: whole(),
  bytesReceived: whole(),
  durationMs: whole(),
  latency: listOf(pair(whole(1_023), whole()), 256),
};

const memberShape = { since: whole() };

export function saveSession(runtime: Runtime, session: Session): void {
  const { id, nick, folded, key, tokenHash, address, reflexive, away, host } = session;
  const back = session.state === 'lost' ? [...session.groups.keys()] : [];
  const hasEnded = !runtime.sessions.has(id);
  // A session that has ended stays known as long as views name it: they must be the same after a restart.
  const record = { id, nick, folded, key, tokenHash, address, reflexive, away, host, back, hasEnded };
  runtime.persist(sessionKey(id), hasEnded && session.viewCount === 0 ? undefined : record);
}

export function saveNick(runtime: Runtime, folded: string, { nick, reserved }: Nick): void {
  runtime.persist(nickKey(folded), reserved === undefined ? undefined : { nick, ...reserved });
}

export function saveGroup(runtime: Runtime, group: Group): void {
  const { name, folded, order, ownerHash, firstNumber, topic, policy, roles, bans, invited, emptySince } = group;
  runtime.persist(groupKey(folded), {
    ...{ name, order, ownerHash, firstNumber, topic, ...policy, bans, emptySince },
    roles: [...roles],
    invited: [...invited],
  });
}

export function saveTotals(runtime: Runtime, { folded, metrics }: Group): void {
  runtime.persist(totalsKey(folded), metrics);
}

/**
 * Fills an empty runtime from what the journal holds. Sessions count as heard just now: their clients have the usual time
 * to come back. Values that make no sense are left out and their keys returned: the journal's checksums were good, so
 * they are ours, of another version.
 */
export function restore(runtime: Runtime, entries: ReadonlyMap<string, unknown>): readonly string[] {
  const refused: string[] = [];
  const each = (prefix: string, take: (rest: string, value: Readonly<Record<string, unknown>>) => boolean): void => {
    for (const [key, value] of entries) {
      if (key.startsWith(prefix) && !(isObject(value) && take(key.slice(prefix.length), value))) refused.push(key);
    }
  };
  const floor = whole().read(entries.get(floorKey));
  runtime.viewFloor = floor ?? 0;
  const motd = entries.get(motdKey);
  if (typeof motd === 'string') runtime.motd = motd;
  each('group/', (folded, value) => restoreGroup(runtime, folded, value));
  each('nick/', (folded, value) => restoreNick(runtime, folded, value));
  const ended = new Map<NodeId, Session>();
  each('session/', (_, value) => restoreSession(runtime, ended, value));
  each('view/', (folded, value) => restoreView(runtime, folded, value));
  each('member/', (rest, value) => restoreMember(runtime, ended, rest, value));
  each('totals/', (folded, value) => restoreTotals(runtime, folded, value));
  for (const group of runtime.groups.values()) {
    sortMembers(group);
    finishRemovals(runtime, group);
  }
  return refused;
}

function restoreGroup(runtime: Runtime, folded: string, value: Readonly<Record<string, unknown>>): boolean {
  const read = readShape(groupShape, value);
  if (isWrong(read)) return false;
  const { name, order, ownerHash, firstNumber, topic, access, keyHash, allow, deny, limit, moderated, secret } = read;
  runtime.groups.set(folded, {
    ...{ name, folded, order, ownerHash, firstNumber, topic },
    policy: { access, keyHash, allow, deny, limit, moderated, secret },
    roles: new Map(read.roles),
    bans: read.bans.map((ban) => ({ ...ban, host: ban.host })),
    invited: new Set(read.invited),
    number: firstNumber,
    members: new Map(),
    joining: new Map(),
    leaving: new Map(),
    metrics: emptyTotals(),
    emptySince: read.emptySince,
  });
  return true;
}

function restoreNick(runtime: Runtime, folded: string, value: Readonly<Record<string, unknown>>): boolean {
  const read = readShape(nickShape, value);
  if (isWrong(read)) return false;
  const { nick, ...reserved } = read;
  runtime.nicks.set(folded, { nick, session: undefined, reserved });
  return true;
}

function restoreSession(
  runtime: Runtime,
  ended: Map<NodeId, Session>,
  value: Readonly<Record<string, unknown>>,
): boolean {
  const read = readShape(sessionShape, value);
  if (isWrong(read)) return false;
  const session = newSession(runtime, { ...read, connection: undefined });
  if (read.hasEnded === true) ended.set(session.id, session);
  session.reflexive = read.reflexive;
  session.away = read.away;
  if (read.back.length > 0) session.state = 'lost';
  for (const folded of read.back) {
    const group = runtime.groups.get(folded);
    if (group !== undefined) session.groups.set(folded, group);
  }
  return true;
}

function restoreView(runtime: Runtime, folded: string, value: Readonly<Record<string, unknown>>): boolean {
  const group = runtime.groups.get(folded);
  const number = whole().read(value['number']);
  if (number === undefined || group === undefined) return false;
  group.number = number;
  return true;
}

function restoreMember(
  runtime: Runtime,
  ended: ReadonlyMap<NodeId, Session>,
  rest: string,
  value: Readonly<Record<string, unknown>>,
): boolean {
  const slash = rest.lastIndexOf('/');
  const group = runtime.groups.get(rest.slice(0, slash));
  const id = rest.slice(slash + 1) as NodeId;
  const session = runtime.sessions.get(id) ?? ended.get(id);
  const read = readShape(memberShape, value);
  if (isWrong(read) || group === undefined || session === undefined) return false;
  group.members.set(session.id, { session, since: read.since });
  session.viewCount++;
  session.groups.set(group.folded, group);
  return true;
}

function restoreTotals(runtime: Runtime, folded: string, value: Readonly<Record<string, unknown>>): boolean {
  const group = runtime.groups.get(folded);
  const read = readShape(totalsShape, value);
  if (isWrong(read) || group === undefined) return false;
  const { latency, ...sums } = read;
  Object.assign(group.metrics, sums satisfies Omit<GroupTotals, 'latency'>);
  group.metrics.latency.merge(latency);
  return true;
}

/** Those that were leaving when the tracker stopped: the view without them was not made. */
function finishRemovals(runtime: Runtime, group: Group): void {
  for (const { session } of group.members.values()) {
    const hasEnded = !runtime.sessions.has(session.id);
    if (!hasEnded && session.state === 'here') continue;
    if (hasEnded) session.groups.delete(group.folded);
    group.leaving.set(session.id, { reason: 'lost', by: '', text: '', done: [] });
    runtime.deadlines.set(`view/${group.folded}`, runtime.now);
  }
}

/** Oldest stay first; those of one view stay as they were. */
function sortMembers(group: Group): void {
  const sorted: [NodeId, Membership][] = [...group.members].toSorted(([, a], [, b]) => a.since - b.since);
  group.members.clear();
  for (const [id, membership] of sorted) group.members.set(id, membership);
}
