import type { Message } from './messages.ts';
import type {
  Command,
  Configuration,
  Entry,
  HardState,
  LogIndex,
  LogPosition,
  RoleName,
  ServerId,
  SnapshotInfo,
  Term,
} from './types.ts';

/** Names what a caller waits for, or what the host was asked to fetch; chosen by whoever asks, never reused. */
export type Ticket = number;

/** What a client may put into the log. */
export type ClientPayload = Command | { readonly type: 'register' };

/** One step of a change of the configuration; several given together are one joint change. */
export type MembershipStep =
  | { readonly type: 'add-learner' | 'add-voter'; readonly id: ServerId; readonly address?: string }
  | { readonly type: 'promote' | 'demote' | 'remove'; readonly id: ServerId };

/** What comes into the machine. */
export type Input =
  /** First of all, once. */
  | { readonly type: 'start' }
  | { readonly type: 'receive'; readonly from: ServerId; readonly message: Message }
  | { readonly type: 'propose'; readonly ticket: Ticket; readonly payload: ClientPayload }
  /** A linearizable read: by a round of heartbeats, or by the lease when there is one. */
  | { readonly type: 'read'; readonly ticket: Ticket; readonly mode: 'read-index' | 'lease' }
  /** The state machine has been read for a `read-ready` that must be confirmed. */
  | { readonly type: 'read-done'; readonly ticket: Ticket }
  | { readonly type: 'change'; readonly ticket: Ticket; readonly steps: readonly MembershipStep[] }
  /** Hands leadership over, to the best voter unless one is named. */
  | { readonly type: 'transfer'; readonly ticket: Ticket; readonly to?: ServerId }
  /** All `persist` effects up to this number survive a power cut. */
  | { readonly type: 'durable'; readonly number: number }
  /** The disk failed. Never retried: this server stops. */
  | { readonly type: 'persist-failed'; readonly reason: string }
  | { readonly type: 'space'; readonly isLow: boolean }
  /** Take a snapshot as soon as possible, however little was applied since the last one. */
  | { readonly type: 'snapshot' }
  /** Answers `read-log`; undefined: those entries are gone, or cannot be read now. */
  | { readonly type: 'log-read'; readonly ticket: Ticket; readonly entries: readonly Entry[] | undefined }
  | { readonly type: 'applied'; readonly index: LogIndex }
  /** Answers `take-snapshot`; it is durable. Undefined: not now. */
  | { readonly type: 'snapshot-taken'; readonly snapshot: SnapshotInfo | undefined }
  /** Answers `read-snapshot`; undefined: there is no such snapshot any more. */
  | { readonly type: 'snapshot-read'; readonly ticket: Ticket; readonly bytes: Uint8Array | undefined }
  /** Answers `save-chunk`. False: what has arrived of this snapshot is not kept. */
  | { readonly type: 'chunk-saved'; readonly id: string; readonly isSaved: boolean }
  /** Answers `install-snapshot`. False: what came together was not the snapshot; it is asked for again. */
  | { readonly type: 'snapshot-installed'; readonly id: string; readonly isWhole: boolean }
  /** There is a connection to a peer, and the host tells when it breaks. */
  | { readonly type: 'connected'; readonly peer: ServerId }
  /** The connection to a peer broke: what was on its way is lost. */
  | { readonly type: 'disconnected'; readonly peer: ServerId };

/** Why something was refused. The first two mean: somewhere else, or a little later. */
export type Refusal =
  | 'not-leader'
  | 'transferring'
  | 'overloaded'
  | 'low-on-space'
  | 'stopped'
  | 'change-pending'
  | 'no-change'
  | 'not-caught-up'
  | 'unknown-server'
  | 'no-voter-left';

/** What the machine wants done, in order. */
export type Effect =
  /** In this order, as one unit: cut the log, append, replace the hard state. Comes back as `durable`. */
  | {
      readonly type: 'persist';
      readonly number: number;
      /** All entries from here on are removed first. */
      readonly truncateFrom?: LogIndex;
      /** All entries are removed first, and the log begins after this place. */
      readonly reset?: LogPosition;
      readonly entries: readonly Entry[];
      readonly hardState?: HardState;
      /** A hint for the next start: all up to here is committed. Need not be durable. */
      readonly commit: LogIndex;
    }
  | { readonly type: 'send'; readonly to: ServerId; readonly message: Message }
  /** To the state machine, in order, each entry once in a life. Comes back as `applied`. */
  | { readonly type: 'apply'; readonly entries: readonly Entry[] }
  /** Fetches `from` … `to`, both included, or the first of them: at least one, `bytesMax` at most. */
  | {
      readonly type: 'read-log';
      readonly ticket: Ticket;
      readonly from: LogIndex;
      readonly to: LogIndex;
      readonly bytesMax: number;
    }
  /** The proposal is in the log; it is done when this index is applied with this term, and surely not with another. */
  | { readonly type: 'accepted'; readonly ticket: Ticket; readonly index: LogIndex; readonly term: Term }
  | {
      readonly type: 'refused';
      readonly ticket: Ticket;
      readonly reason: Refusal;
      readonly leader: ServerId | undefined;
    }
  /** The state machine may be read now; the answer counts at once, or after `read-done` and `read-confirmed`. */
  | { readonly type: 'read-ready'; readonly ticket: Ticket; readonly mustConfirm: boolean }
  | { readonly type: 'read-confirmed'; readonly ticket: Ticket }
  | {
      readonly type: 'role';
      readonly role: RoleName;
      readonly term: Term;
      readonly leader: ServerId | undefined;
    }
  | { readonly type: 'configuration'; readonly index: LogIndex; readonly configuration: Configuration }
  | { readonly type: 'transferred'; readonly ticket: Ticket; readonly isDone: boolean }
  /** Takes a snapshot of the state machine, which has applied exactly up to `index`. */
  | {
      readonly type: 'take-snapshot';
      readonly index: LogIndex;
      readonly term: Term;
      readonly configuration: Configuration;
    }
  /** Entries up to here, included, will not be asked for again. */
  | { readonly type: 'compact'; readonly through: LogIndex }
  | {
      readonly type: 'read-snapshot';
      readonly ticket: Ticket;
      readonly id: string;
      readonly offset: number;
      readonly bytesMax: number;
    }
  /** Keeps a piece of a snapshot that is arriving; offset 0 begins anew. One at a time: comes back as `chunk-saved`. */
  | {
      readonly type: 'save-chunk';
      readonly snapshot: SnapshotInfo;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** Checks the pieces, makes them durable with an empty log after them, and restores the state machine from them. */
  | { readonly type: 'install-snapshot'; readonly snapshot: SnapshotInfo }
  /** What the disk had lost is settled; until then the host tells each new life of the damage. */
  | { readonly type: 'recovered' }
  /** This server says nothing more. */
  | { readonly type: 'stopped'; readonly reason: string }
  /** A message that was of no use, for the counters. */
  | { readonly type: 'drop'; readonly reason: string };
