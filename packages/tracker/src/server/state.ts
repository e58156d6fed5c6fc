import type { Address, GrpError, Millis, NodeId } from '@grp/core';
import { LatencyHistogram } from '../histogram.ts';
import type { GroupAccess, GroupOrder, GroupReport, GroupRole, LeaveReason } from '../wire/messages.ts';
import type { NoticeLog } from './notice-log.ts';
import type { TokenBucket } from './token-bucket.ts';

/** One accepted connection. */
export interface Connection {
  readonly number: number;
  readonly peer: Address;
  /** The peer without its port; of IPv6 the first 64 bits. */
  readonly host: string;
  readonly nonce: Uint8Array;
  session: Session | undefined;
  /** Lines that wait for a record to be durable, in order. */
  readonly held: { readonly after: number; readonly line: string | undefined }[];
}

/** `here`: heard lately, connected or not. `lost`: out of its views, may still come back. */
export type SessionState = 'here' | 'lost';

/** One registered client: it outlives its connections, and the tracker. */
export interface Session {
  readonly id: NodeId;
  readonly nick: string;
  readonly folded: string;
  /** Base64url. */
  readonly key: string;
  /** Base64url of the SHA-256 of its token. */
  readonly tokenHash: string;
  address: Address;
  reflexive: Address | undefined;
  away: string | undefined;
  state: SessionState;
  host: string;
  connection: Connection | undefined;
  heardAt: Millis;
  isAdmin: boolean;
  /** Views in force that it is in. */
  viewCount: number;
  /** Groups that it is in, or comes back to. */
  readonly groups: Map<string, Group>;
  readonly notices: NoticeLog;
  /** Answers to commands that change something, so that a repeated command is not done twice. */
  readonly answers: Map<number, string>;
  /** Changing commands that are under way. */
  readonly pending: Set<number>;
  readonly reports: Map<string, GroupReport>;
  readonly ticketsAt: Map<string, Millis>;
  readonly joins: TokenBucket;
  readonly changes: TokenBucket;
  readonly reads: TokenBucket;
  readonly relays: TokenBucket;
}

/** One stay of a session in a group. */
export interface Membership {
  readonly session: Session;
  readonly since: number;
}

export interface Ban {
  readonly nick: string;
  readonly folded: string;
  readonly key: string;
  /** Absent for this host itself: it would ban everyone on it. */
  readonly host: string | undefined;
}

export interface Policy {
  access: GroupAccess;
  /** Base64url of a salted SHA-256. */
  keyHash: string | undefined;
  allow: readonly string[];
  deny: readonly string[];
  limit: number;
  moderated: boolean;
  secret: boolean;
}

export interface Group {
  readonly name: string;
  readonly folded: string;
  readonly order: GroupOrder;
  readonly ownerHash: string;
  policy: Policy;
  topic: string;
  /** By public key, so that a role follows the person and not the nick. */
  readonly roles: Map<string, GroupRole>;
  bans: readonly Ban[];
  /** Folded nicks. */
  readonly invited: Set<string>;
  /** What `number` was before the first view. */
  readonly firstNumber: number;
  /** Of the view in force. */
  number: number;
  /** The view in force, oldest stay first. */
  readonly members: Map<NodeId, Membership>;
  /** What the next view changes. */
  readonly joining: Map<NodeId, Joining>;
  readonly leaving: Map<NodeId, Leaving>;
  readonly metrics: GroupTotals;
  /** Wall-clock ms since which it is empty. */
  emptySince: number | undefined;
}

export interface Joining {
  readonly session: Session;
  readonly isBack: boolean;
  /** Tells whoever asked that it is in, or why it is not. */
  readonly done: ((refusal?: GrpError) => void)[];
}

export interface Leaving {
  readonly reason: LeaveReason;
  readonly by: string;
  readonly text: string;
  readonly done: (() => void)[];
}

/** What sessions that ended have measured, added up. */
export interface GroupTotals {
  reports: number;
  sent: number;
  received: number;
  bytesSent: number;
  bytesReceived: number;
  durationMs: number;
  readonly latency: LatencyHistogram;
}

export function emptyTotals(): GroupTotals {
  return {
    reports: 0,
    sent: 0,
    received: 0,
    bytesSent: 0,
    bytesReceived: 0,
    durationMs: 0,
    latency: new LatencyHistogram(),
  };
}
