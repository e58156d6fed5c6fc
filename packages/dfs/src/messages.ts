import type { Ack, BlobId, FileServer, FileSummary, Manifest, RepairStatus, ServerId, ServerView } from './model.ts';

/** A put or removal happens only if this holds when its entry is applied. */
export interface Conditions {
  /** The newest version must be this one; 0 means that the file does not exist. */
  readonly ifVersion?: number | undefined;
  /** The file must not exist, or its newest version must be a deletion marker. */
  readonly ifAbsent?: boolean | undefined;
}

/** Asks where to put the bytes. Costs no log entry; a client that keeps a `ServerView` can place by itself instead. */
export interface OpenPut extends Conditions {
  readonly kind: 'open-put';
  readonly name: string;
  readonly requestId: string;
  readonly replicas?: number | undefined;
  readonly keep?: number | undefined;
  readonly bytesHint?: number | undefined;
  /** Servers that just failed this client: not chosen while others are left. */
  readonly avoid: readonly ServerId[];
}

/** Makes a blob the newest version of a file. Answered only when the log holds it. */
export interface CommitPut extends Conditions {
  readonly kind: 'commit-put';
  readonly name: string;
  /** 1–64 bytes. The same id again answers with the version that it got the first time. */
  readonly requestId: string;
  readonly blob: BlobId;
  /** The epoch of the placement: `OpenPut`'s answer or the client's view. */
  readonly epoch: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly acks: readonly Ack[];
  readonly replicas?: number | undefined;
  /** Versions to keep of this file from now on, this one included. */
  readonly keep?: number | undefined;
}

/** Tells that a put will never commit this blob: it is tombstoned and its copies are collected. */
export interface AbandonPut {
  readonly kind: 'abandon-put';
  readonly blob: BlobId;
  readonly holders: readonly ServerId[];
}

/** Replicas that became durable after the commit. */
export interface AddHolders {
  readonly kind: 'add-holders';
  readonly items: readonly { readonly blob: BlobId; readonly ack: Ack }[];
}

export interface Lookup {
  readonly kind: 'lookup';
  readonly name: string;
  readonly version?: number | undefined;
}

export interface List {
  readonly kind: 'list';
  readonly prefix: string;
  /** Names after this one, in code-point order. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Versions {
  readonly kind: 'versions';
  readonly name: string;
  readonly limit: number;
}

export interface Remove {
  readonly kind: 'remove';
  readonly name: string;
  readonly requestId: string;
  readonly ifVersion?: number | undefined;
}

export interface Stat {
  readonly kind: 'stat';
  readonly name: string;
}

export interface Servers {
  readonly kind: 'servers';
}

export interface RepairStatusRequest {
  readonly kind: 'repair-status';
}

/**
 * What a life of a server holds: after a join that kept its blobs, and now and then. Answered by what it may delete. All
 * blobs of the server with `after` < id ≤ `through` are in it: what the log says it holds there, and it does not, is lost.
 */
export interface HoldReport {
  readonly kind: 'hold-report';
  readonly node: ServerId;
  readonly incarnation: number;
  /** The epoch that a heartbeat or join answered before the server looked: later changes are not judged by this report. */
  readonly asOf: number;
  /** Absent: from the first id on. */
  readonly after?: BlobId | undefined;
  /** Absent: to the last id. */
  readonly through?: BlobId | undefined;
  /** At most 10,000. */
  readonly blobs: readonly HeldBlob[];
}

/** A blob that a file server reports to have. */
export interface HeldBlob {
  readonly blob: BlobId;
  readonly epoch: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A server's copy of a blob is missing or altered: it holds it no longer, and is told to delete what is left. */
export interface RotReport {
  readonly kind: 'rot-report';
  readonly node: ServerId;
  readonly incarnation: number;
  readonly blob: BlobId;
}

/** A life of a server begins. The answer's incarnation goes into every acknowledgement of that life. */
export interface Join {
  readonly kind: 'join';
  readonly node: ServerId;
  /** Drawn at random once per process: the same life that asks again gets the same incarnation. */
  readonly life: string;
  readonly address: string;
  readonly zone: string;
  readonly freeBytes: number;
}

/** A server tells the leader that it lives and how much room it has. Costs no log entry. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly node: ServerId;
  readonly incarnation: number;
  readonly freeBytes: number;
}

/** What a client, or a file server, asks the metadata service. Any node may be asked. */
export type MetaRequest =
  | OpenPut
  | CommitPut
  | AbandonPut
  | AddHolders
  | Lookup
  | List
  | Versions
  | Remove
  | Stat
  | Servers
  | RepairStatusRequest
  | HoldReport
  | RotReport
  | Join
  | Heartbeat;

/** Where to put the bytes of one attempt: `targets` in order of preference, done once `writeQuorum` acknowledged. */
export interface Placement {
  readonly kind: 'placement';
  readonly blob: BlobId;
  readonly epoch: number;
  readonly targets: readonly FileServer[];
  readonly writeQuorum: number;
}

export interface Committed {
  readonly kind: 'committed';
  readonly version: number;
  readonly holders: readonly ServerId[];
  /** When this is above the epoch of the client's view, its view of the servers is out of date. */
  readonly serversChangedAt: number;
}

/** `ifVersion` or `ifAbsent` did not hold. */
export interface Conflict {
  readonly kind: 'conflict';
  /** The newest version at that moment; 0 when the file does not exist. */
  readonly version: number;
  /** True when that version is a deletion marker. */
  readonly deleted: boolean;
}

/** Too few of the acknowledgements are of current lives: place again, get more, and commit again. */
export interface StaleEpoch {
  readonly kind: 'stale-epoch';
  readonly view: ServerView;
  /** Servers whose acknowledgement still counts. */
  readonly valid: readonly ServerId[];
}

/** The blob was given up before this commit: nothing happened, and the bytes must be sent again under a fresh id. */
export interface Tombstoned {
  readonly kind: 'tombstoned';
}

/** This node does not lead; ask `leader` when it is known. */
export interface NotLeader {
  readonly kind: 'not-leader';
  readonly leader?: string | undefined;
}

/** The request failed; `outcomeUnknown` tells that it may still happen: ask again with the same request id. */
export interface Failed {
  readonly kind: 'failed';
  /** A code of dfs's table of errors. */
  readonly code: string;
  readonly message: string;
  readonly outcomeUnknown: boolean;
}

export interface Found {
  readonly kind: 'found';
  readonly manifest: Manifest;
  /** The holders that are up. */
  readonly holders: readonly FileServer[];
}

export interface NotFound {
  readonly kind: 'not-found';
  /** The deletion marker's version, when that is the reason. */
  readonly deletedAt?: number | undefined;
}

export interface Listed {
  readonly kind: 'listed';
  readonly files: readonly FileSummary[];
  readonly more: boolean;
}

export interface VersionsListed {
  readonly kind: 'versions-listed';
  /** Newest first, deletion markers included. */
  readonly versions: readonly Manifest[];
}

export interface ServersListed {
  readonly kind: 'servers-listed';
  readonly view: ServerView;
}

export interface RepairStatusReply {
  readonly kind: 'repair-status-reply';
  readonly status: RepairStatus;
}

/** Done; nothing to tell. */
export interface Done {
  readonly kind: 'done';
}

/** To a hold report: blobs that nobody wants from this server; it deletes those stored at or below `epoch`. */
export interface Unwanted {
  readonly kind: 'unwanted';
  readonly epoch: number;
  readonly blobs: readonly BlobId[];
}

export interface Joined {
  readonly kind: 'joined';
  readonly incarnation: number;
}

/** To a heartbeat. */
export interface Alive {
  readonly kind: 'alive';
  /** The log index up to which the leader has applied. */
  readonly epoch: number;
}

/** This life was declared dead: wipe (or keep the blobs and report them) and join again. */
export interface Expelled {
  readonly kind: 'expelled';
}

/** What the metadata answers. */
export type MetaReply =
  | Placement
  | Committed
  | Conflict
  | StaleEpoch
  | Tombstoned
  | NotLeader
  | Failed
  | Found
  | NotFound
  | Listed
  | VersionsListed
  | ServersListed
  | RepairStatusReply
  | Done
  | Unwanted
  | Joined
  | Alive
  | Expelled;
