import { base64, listOf, nested, optional, text, whole, flag, type Field, type ValueOf } from './fields.ts';
import { addressField, groupInfoShape, idField, nameField, roleField, type CommandName } from './messages.ts';

const memberInListShape = {
  id: idField,
  nick: nameField,
  role: roleField,
  since: whole(),
  key: optional(base64(32)),
  address: optional(addressField),
  reflexive: optional(addressField),
  away: optional(text(256)),
  idleMs: optional(whole()),
};

/** A member in a list: to those outside without key and address. */
export type ListedMember = ValueOf<typeof memberInListShape>;

const anything: Field<unknown> = { read: (value) => value };

/** What the tracker answers, by command; fields that are not named here are ignored. */
export const resultShapes = {
  hello: {
    session: idField,
    nick: nameField,
    observed: addressField,
    wallMs: whole(),
    proof: base64(64),
    token: base64(32),
    n: whole(),
    nickToken: optional(base64(32)),
  },
  resume: {
    session: idField,
    nick: nameField,
    observed: addressField,
    wallMs: whole(),
    proof: base64(64),
  },
  beat: { wallMs: whole() },
  bye: {},
  groups: { groups: listOf(nested(groupInfoShape), 1_000), next: optional(nameField) },
  members: {
    group: nameField,
    number: whole(),
    members: listOf(nested(memberInListShape), 1_000),
    next: optional(idField),
  },
  create: { ...groupInfoShape, ownerToken: base64(32) },
  join: { ...groupInfoShape, number: whole(), ownerToken: optional(base64(32)) },
  leave: {},
  view: { number: whole() },
  policy: {
    ...groupInfoShape,
    allow: optional(listOf(text(256), 64)),
    deny: optional(listOf(text(256), 64)),
    bans: optional(listOf(text(256), 64)),
  },
  topic: { topic: text(1_000) },
  role: {},
  kick: {},
  ban: {},
  unban: {},
  invite: { isHere: flag },
  claim: {},
  drop: {},
  away: {},
  address: {},
  relay: {},
  adopt: { isAdopted: flag, number: whole() },
  report: { taken: whole() },
  admin: {},
  motd: {},
  metrics: { health: optional(anything), groups: listOf(anything, 1_000), next: optional(nameField) },
} as const satisfies Record<CommandName, Readonly<Record<string, Field<unknown>>>>;

/** What a command of this name is answered with. */
export type ResultOf<Name extends CommandName> = ValueOf<(typeof resultShapes)[Name]>;
