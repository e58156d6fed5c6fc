import type { Address, NodeId } from '@grp/core';
import {
  base64,
  flag,
  listOf,
  nested,
  oneOf,
  optional,
  pair,
  text,
  whole,
  type Field,
  type ValueOf,
} from './fields.ts';

/** The `v` of every line. */
export const protocolVersion = 1;
/** A line without its newline. */
export const lineBytesMax = 8_192;

/** `fifo`: messages of one sender in its order. `total`: also one order at every member. */
export type GroupOrder = 'fifo' | 'total';
/** Who may join: all; whoever knows the key; whoever was invited; whoever is on the list. */
export type GroupAccess = 'open' | 'key' | 'invite' | 'allow';
/** In a moderated group only `voice` and above may speak. */
export type GroupRole = 'owner' | 'moderator' | 'voice' | 'member';
/** Why a member left a view: by itself, with its last goodbye, silent, or put out. */
export type LeaveReason = 'leave' | 'quit' | 'lost' | 'kick' | 'ban' | 'reclaimed' | 'agreed';

const leaveReasons = ['leave', 'quit', 'lost', 'kick', 'ban', 'reclaimed', 'agreed'] as const;
const orders = ['fifo', 'total'] as const;
const accesses = ['open', 'key', 'invite', 'allow'] as const;
const roles = ['owner', 'moderator', 'voice', 'member'] as const;

export const nameField = text(256, 1);
export const idField = text(64, 1) as Field<NodeId>;
export const addressField = text(96, 1) as Field<Address>;
export const publicKeyField = base64(32);
export const signatureField = base64(64);
export const secretField = base64(32);
export const reasonField = text(256);
export const numberField = whole();
const orderField: Field<GroupOrder> = oneOf(orders);
const accessField: Field<GroupAccess> = oneOf(accesses);
export const roleField: Field<GroupRole> = oneOf(roles);
/** What a list names: a nick, `key:` and a public key, or `host:` and an address. */
const patternsField = listOf(text(256, 1), 64);

/** The bounds of texts, in UTF-16 units, after they were made safe. */
export const textLimits = { topic: 400, reason: 120, away: 80, motd: 1_000 } as const;

export const policyShape = {
  access: optional(accessField),
  key: optional(text(128, 1)),
  allow: optional(patternsField),
  deny: optional(patternsField),
  limit: optional(whole(1_000_000, 1)),
  moderated: optional(flag),
  secret: optional(flag),
};

/** Changes of a policy: what is left out stays. */
export type PolicyChange = ValueOf<typeof policyShape>;

export const reportShape = {
  group: nameField,
  sent: numberField,
  received: numberField,
  bytesSent: numberField,
  bytesReceived: numberField,
  durationMs: numberField,
  latency: listOf(pair(whole(1_023), numberField), 256),
};

/** What one member measured in one group since it began. `latency` is `LatencyHistogram.toJSON()`. */
export type GroupReport = ValueOf<typeof reportShape>;

/** Every command with its fields. A nick or group is checked by the machine, so that the answer says what is wrong. */
export const commandShapes = {
  hello: {
    nick: nameField,
    key: publicKeyField,
    proof: signatureField,
    address: addressField,
    nickToken: optional(secretField),
    reserve: optional(flag),
    yields: optional(flag),
  },
  resume: { session: idField, token: secretField, proof: signatureField, seen: numberField },
  beat: { seen: numberField },
  bye: { reason: optional(reasonField) },
  groups: { after: optional(nameField) },
  members: { group: nameField, after: optional(idField) },
  create: { group: nameField, order: optional(orderField), topic: optional(text(2_000)), ...policyShape },
  join: {
    group: nameField,
    key: optional(text(128)),
    create: optional(flag),
    order: optional(orderField),
    access: optional(accessField),
    after: optional(numberField),
  },
  leave: { group: nameField, reason: optional(reasonField) },
  view: { group: nameField },
  policy: { group: nameField, ...policyShape },
  topic: { group: nameField, text: optional(text(2_000)) },
  role: { group: nameField, nick: nameField, role: roleField },
  kick: { group: nameField, nick: nameField, reason: optional(reasonField) },
  ban: { group: nameField, nick: nameField, reason: optional(reasonField) },
  unban: { group: nameField, nick: nameField },
  invite: { group: nameField, nick: nameField },
  claim: { group: nameField, ownerToken: secretField },
  drop: { group: nameField },
  away: { text: optional(text(500)) },
  address: { reflexive: addressField },
  relay: { group: nameField, to: idField, payload: text(lineBytesMax) },
  adopt: {
    group: nameField,
    base: numberField,
    number: numberField,
    removed: listOf(idField, 256),
    round: numberField,
    signatures: listOf(pair(idField, signatureField), 256),
  },
  report: { groups: listOf(nested(reportShape), 16) },
  admin: { token: text(256, 1) },
  motd: { text: text(4_000) },
  metrics: { after: optional(nameField) },
} as const;

/** The name of a command. */
export type CommandName = keyof typeof commandShapes;
/** What a command of this name carries. */
export type CommandBody<Name extends CommandName> = ValueOf<(typeof commandShapes)[Name]>;
/** A decoded command. */
export type Command = { [Name in CommandName]: { readonly do: Name } & CommandBody<Name> }[CommandName];

export const memberShape = {
  id: idField,
  nick: nameField,
  key: publicKeyField,
  address: addressField,
  reflexive: optional(addressField),
  since: numberField,
  role: roleField,
  away: optional(text(256)),
};

/** A member as the others of its group see it. */
export type TrackerMember = ValueOf<typeof memberShape>;

export const groupInfoShape = {
  group: nameField,
  order: orderField,
  access: accessField,
  moderated: flag,
  secret: flag,
  limit: numberField,
  members: numberField,
  topic: text(1_000),
};

/** A group as everyone who may know of it sees it. */
export type GroupInfo = ValueOf<typeof groupInfoShape>;

export const leaverShape = {
  id: idField,
  nick: nameField,
  reason: oneOf(leaveReasons),
  text: optional(text(256)),
};

/** Every notice with its fields. Those that are repeated after a resume carry a number `n`. */
export const noticeShapes = {
  greeting: { nonce: secretField, key: publicKeyField, beatMs: whole(60_000, 100), motd: text(4_000) },
  view: {
    group: nameField,
    number: numberField,
    base: numberField,
    joined: listOf(nested({ member: nested(memberShape), back: flag }), 256),
    left: listOf(nested(leaverShape), 256),
  },
  members: {
    group: nameField,
    number: numberField,
    part: whole(100_000),
    parts: whole(100_000, 1),
    members: listOf(nested(memberShape), 256),
  },
  ticket: { group: nameField, ticket: text(2_000) },
  member: { group: nameField, member: nested(memberShape) },
  topic: { group: nameField, text: text(1_000), by: text(256) },
  policy: { group: nameField, info: nested(groupInfoShape) },
  invite: { group: nameField, by: text(256) },
  removed: { group: nameField, reason: oneOf(leaveReasons), by: text(256), text: text(256) },
  relay: { group: nameField, from: idField, payload: text(lineBytesMax) },
  motd: { text: text(4_000) },
  gap: {},
  bye: { reason: text(64) },
} as const;

export type NoticeName = keyof typeof noticeShapes;
export type Notice = { [Name in NoticeName]: { readonly on: Name } & ValueOf<(typeof noticeShapes)[Name]> }[NoticeName];
