import type { Entry, LogIndex, LogPosition, SnapshotInfo, Term } from './types.ts';

/** RequestVote (§5.2), and the same question without consequences: a pre-vote (Ongaro 2014, §9.6). */
export interface VoteRequest {
  readonly type: 'vote-request';
  /** The candidate's term; of a pre-vote, the term that it would begin. */
  readonly term: Term;
  readonly isPreVote: boolean;
  /** The leader itself asked for this election: its lease does not stand against it (Ongaro 2014, §3.10). */
  readonly isTransfer: boolean;
  readonly last: LogPosition;
  readonly priority: number;
}

export interface VoteResponse {
  readonly type: 'vote-response';
  /** The voter's term; of a granted pre-vote, the term that was asked for. */
  readonly term: Term;
  readonly isPreVote: boolean;
  readonly isGranted: boolean;
}

/** AppendEntries (§5.3); without entries it is a heartbeat, and news of the commit index. */
export interface AppendRequest {
  readonly type: 'append-request';
  readonly term: Term;
  readonly previous: LogPosition;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  /** Counts the leader's heartbeats; an answer to it proves leadership at the time when it began. */
  readonly round: number;
  /** How many voters besides the leader come before the receiver when the next leader is sought. */
  readonly rank: number;
  /** To a receiver that lost part of its log: it is whole again once it has everything up to here. */
  readonly recovery?: { readonly life: number; readonly through: LogIndex };
}

export interface AppendResponse {
  readonly type: 'append-response';
  readonly term: Term;
  /** The sender's log is durable and equal to the leader's up to here. */
  readonly match: LogIndex;
  /** The latest round heard of in this term. */
  readonly round: number;
  /** The request did not fit: where it was, and the last place where both logs may still agree. */
  readonly mismatch?: { readonly previous: LogIndex; readonly hint: LogPosition };
  /** This life of the sender has lost part of its log: `match` is true, and counts for nothing. */
  readonly recoveringLife?: number;
  /** The sender's disk is nearly full: it takes no entries. */
  readonly isLowOnSpace: boolean;
  readonly priority: number;
}

/** One piece of a snapshot (§7). */
export interface SnapshotRequest {
  readonly type: 'snapshot-request';
  readonly term: Term;
  readonly snapshot: SnapshotInfo;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly round: number;
}

export interface SnapshotResponse {
  readonly type: 'snapshot-response';
  readonly term: Term;
  readonly id: string;
  /** What comes next; it goes on from here after a pause, a loss, or another leader with the same snapshot. */
  readonly nextOffset: number;
  readonly round: number;
}

/** Asks the receiver to stand for election at once (Ongaro 2014, §3.10). */
export interface TimeoutNow {
  readonly type: 'timeout-now';
  readonly term: Term;
}

/** A follower asks how far it must have applied before it may answer a read (Ongaro 2014, §6.4). */
export interface ReadIndexRequest {
  readonly type: 'read-index-request';
  readonly term: Term;
  readonly ticket: number;
}

export interface ReadIndexResponse {
  readonly type: 'read-index-response';
  readonly term: Term;
  readonly ticket: number;
  /** Absent: the receiver does not lead, or cannot prove it. */
  readonly index?: LogIndex;
}

/** A server that lost part of its log asks what the others have. */
export interface RecoveryRequest {
  readonly type: 'recovery-request';
  readonly term: Term;
  readonly life: number;
}

export interface RecoveryResponse {
  readonly type: 'recovery-response';
  readonly term: Term;
  readonly life: number;
  readonly last: LogPosition;
  readonly isLeader: boolean;
}

/** Anything that servers say to each other. */
export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | SnapshotRequest
  | SnapshotResponse
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse
  | RecoveryRequest
  | RecoveryResponse;
