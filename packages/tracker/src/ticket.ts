import type { NodeId } from '@grp/core';
import { fromBase64, statement, toBase64, utf8 } from './encoding.ts';
import type { Signer, TrackerCrypto } from './ports.ts';
import { isWrong, readShape, text, whole, type ValueOf } from './wire/fields.ts';
import { decodeLine } from './wire/lines.ts';
import { addressField, idField, nameField, publicKeyField, roleField } from './wire/messages.ts';

const domain = 'grp-tracker-ticket-1';

const ticketShape = {
  group: nameField,
  id: idField,
  nick: nameField,
  /** The member's public key, base64url: it signs for itself when it shows the ticket. */
  key: publicKeyField,
  /** Where its datagrams come from, as it says itself. */
  address: addressField,
  /** As the tracker sees that address from outside; empty when nobody told. */
  reflexive: text(96),
  role: roleField,
  /** The number of the group's view when the ticket was signed: the bearer is in it. */
  view: whole(),
  /** Wall-clock ms since 1970, by the tracker's clock. */
  expiresAt: whole(),
};

/** What the tracker vouches for: this key is this member of this group, from this view on and for a short time. */
export type Ticket = ValueOf<typeof ticketShape>;

/** Signs a ticket: payload and signature, base64url, with a dot between them. */
export function signTicket(ticket: Ticket, signer: Signer): string {
  const payload = utf8(JSON.stringify(ticket));
  return `${toBase64(payload)}.${toBase64(signer.sign(statement(domain, [payload])))}`;
}

/** What a ticket is verified with. */
export interface VerifyTicketOptions {
  readonly crypto: TrackerCrypto;
  /** Of the tracker: 32 bytes. */
  readonly trackerKey: Uint8Array;
  /** As the group is written in the view. */
  readonly group: string;
  /** Wall-clock ms by the tracker's clock: `client.trackerWallMs()`. */
  readonly wallMs: number;
  /** The last view that the verifier knows. */
  readonly view: {
    readonly number: number;
    readonly members: readonly { readonly id: NodeId; readonly key: string }[];
  };
}

/** Why a ticket lets nobody in. */
export type TicketProblem = 'malformed' | 'signature' | 'group' | 'expired' | 'not-in-view' | 'other-key';

/**
 * What a peer checks before it talks to somebody in a group's name. A ticket is good when the tracker signed it, it has
 * not expired, and its bearer is in the verifier's view with the same key; or when the ticket is of a later view than the
 * verifier's, which is then on its way. So a member that was put out is refused by everyone who knows the view without
 * it, although its ticket has not expired. The bearer still has to prove that it holds the key. Never throws.
 */
export function verifyTicket(
  encoded: string,
  options: VerifyTicketOptions,
): Ticket | { readonly problem: TicketProblem } {
  const { crypto, trackerKey, group, wallMs, view } = options;
  const ticket = openTicket(encoded, crypto, trackerKey);
  if ('problem' in ticket) return ticket;
  if (ticket.group !== group) return { problem: 'group' };
  if (ticket.expiresAt <= wallMs) return { problem: 'expired' };
  const member = view.members.find(({ id }) => id === ticket.id);
  if (member !== undefined) return member.key === ticket.key ? ticket : { problem: 'other-key' };
  return ticket.view > view.number ? ticket : { problem: 'not-in-view' };
}

/** Reads a ticket and checks the signature alone. Never throws. */
export function openTicket(
  encoded: string,
  crypto: TrackerCrypto,
  trackerKey: Uint8Array,
): Ticket | { readonly problem: 'malformed' | 'signature' } {
  if (encoded.length > 2_000) return { problem: 'malformed' };
  const [left = '', right = '', ...rest] = encoded.split('.');
  const [payload, signature] = [fromBase64(left), fromBase64(right)];
  if (payload === undefined || signature?.length !== 64 || rest.length > 0) return { problem: 'malformed' };
  if (!crypto.verify(trackerKey, statement(domain, [payload]), signature)) return { problem: 'signature' };
  const ticket = readShape(ticketShape, decodeLine(payload) ?? {});
  return isWrong(ticket) ? { problem: 'malformed' } : ticket;
}
