import type { NodeId } from '@grp/core';
import type { DeliveryLevel, GroupMember } from './api.ts';

/** Orders rival flushes of one view: by round, then by the proposer's rank, so that no two proposers share one. */
export interface Ballot {
  readonly round: number;
  readonly rank: number;
}

/** A member of a proposed view. */
export interface Place extends GroupMember {
  /** The number of its first request after the cut: what came before has been delivered. */
  readonly nextRequest: number;
  /** It comes with this view, and has no state yet. */
  readonly isJoiner: boolean;
}

/** A view that follows another, and where the row of messages is cut between the two. */
export interface Proposal {
  readonly epoch: number;
  readonly places: readonly Place[];
  /** Sequence of the last message of the view before. */
  readonly cut: number;
}

export interface RequestCount {
  readonly id: NodeId;
  /** The number of the first request of this life that has not been delivered. */
  readonly next: number;
}

export type JoinRefusal = 'not-a-member' | 'other-group' | 'other-delivery' | 'full';

/** What is said rarely, in Protocol Buffers. */
export type ControlBody =
  | {
      readonly kind: 'join';
      readonly member: GroupMember;
      readonly nextRequest: number;
      readonly group: string;
      readonly delivery: DeliveryLevel;
      readonly isForwarded: boolean;
    }
  | { readonly kind: 'join-refused'; readonly reason: JoinRefusal }
  /** `isGone`: it is no member any more in its own eyes, and answers nothing. */
  | { readonly kind: 'leave'; readonly id: NodeId; readonly isGone: boolean }
  | { readonly kind: 'propose'; readonly ballot: Ballot; readonly received: number; readonly current: Proposal }
  | {
      readonly kind: 'promise';
      readonly ballot: Ballot;
      readonly received: number;
      readonly accepted: AcceptedProposal | undefined;
      readonly isSettled: boolean;
    }
  | { readonly kind: 'reject'; readonly promised: Ballot }
  | { readonly kind: 'sync'; readonly ballot: Ballot; readonly proposal: Proposal }
  | { readonly kind: 'accepted'; readonly ballot: Ballot }
  | { readonly kind: 'install'; readonly proposal: Proposal }
  | { readonly kind: 'need'; readonly received: number }
  | { readonly kind: 'resend'; readonly nextRequest: number }
  | { readonly kind: 'excluded'; readonly size: number; readonly leader: NodeId }
  | { readonly kind: 'state-request'; readonly transfer: number }
  | {
      readonly kind: 'state-head';
      readonly transfer: number;
      readonly sequence: number;
      readonly hash: readonly [high: number, low: number];
      readonly requests: readonly RequestCount[];
    }
  | {
      readonly kind: 'state-chunk';
      readonly transfer: number;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
    }
  | { readonly kind: 'state-credit'; readonly transfer: number; readonly bytes: number }
  | { readonly kind: 'state-refused'; readonly transfer: number; readonly isFinal: boolean };

export interface AcceptedProposal {
  readonly ballot: Ballot;
  readonly proposal: Proposal;
}

/** Every message says which group it is of, and which view its sender is in. */
export interface Stamp {
  readonly lineage: number;
  readonly epoch: number;
}

/** Own messages on their way to the leader. */
export interface RequestMessage extends Stamp {
  readonly kind: 'request';
  /** The sender holds everything up to here. */
  readonly received: number;
  /** Number of the first message in it. */
  readonly first: number;
  readonly count: number;
  /** All of it as it is on the wire. */
  readonly frame: Uint8Array;
}

/** A piece of the row, from the leader. */
export interface OrderedMessage extends Stamp {
  readonly kind: 'ordered';
  /** Sequence of the first message in it. */
  readonly first: number;
  readonly count: number;
  /** All members hold everything up to here. */
  readonly stable: number;
  readonly frame: Uint8Array;
}

/** A member holds everything up to `received`. */
export interface AckMessage extends Stamp {
  readonly kind: 'ack';
  readonly received: number;
}

/** The leader says how much all hold, and how much there is. */
export interface StableMessage extends Stamp {
  readonly kind: 'stable';
  readonly stable: number;
  readonly last: number;
}

export type ControlMessage = ControlBody & Stamp;
export type HotMessage = RequestMessage | OrderedMessage | AckMessage | StableMessage;
export type GroupMessage = HotMessage | ControlMessage;
