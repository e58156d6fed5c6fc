import type { Ack, BlobId, ServerId } from '../model.ts';
import type { Conditions } from '../messages.ts';

/** A blob becomes the newest version of a file. */
export interface PutCommand extends Conditions {
  readonly kind: 'put';
  readonly name: string;
  readonly requestId: string;
  readonly blob: BlobId;
  readonly epoch: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly acks: readonly Ack[];
  readonly replicas: number;
  readonly keep: number | undefined;
  readonly at: number;
}

export interface RemoveCommand {
  readonly kind: 'remove';
  readonly name: string;
  readonly requestId: string;
  readonly ifVersion?: number | undefined;
  readonly at: number;
}

/** A blob that no version has will never have one. */
export interface TombstoneCommand {
  readonly kind: 'tombstone';
  readonly blob: BlobId;
  /** Servers that may have bytes of it. */
  readonly holders: readonly ServerId[];
}

export interface AddHoldersCommand {
  readonly kind: 'add-holders';
  readonly items: readonly { readonly blob: BlobId; readonly ack: Ack }[];
}

/** A server shall hold a blob no longer, nor have bytes of it; the last holder is never dropped. */
export interface DropHolderCommand {
  readonly kind: 'drop-holder';
  readonly blob: BlobId;
  readonly node: ServerId;
  readonly incarnation: number;
  /** Only while more servers hold it than are wanted; otherwise its copy is bad and goes in any case. */
  readonly onlyExcess: boolean;
  /** For what a report did not contain: only if the holders have not changed since. 0: in any case. */
  readonly asOf: number;
}

/** A server has deleted what it was told to. */
export interface DeletedCommand {
  readonly kind: 'deleted';
  readonly node: ServerId;
  readonly incarnation: number;
  readonly items: readonly Deletion[];
}

export interface Deletion {
  readonly blob: BlobId;
  /** The position of the drop that asks for it: copies stored under a later order stay. */
  readonly epoch: number;
}

/** A life of a server begins; all that an earlier one held is gone. */
export interface JoinCommand {
  readonly kind: 'join';
  readonly node: ServerId;
  readonly life: string;
  readonly address: string;
  readonly zone: string;
}

/** A life of a server is over ("fail notice"). */
export interface DownCommand {
  readonly kind: 'down';
  readonly node: ServerId;
  readonly incarnation: number;
}

/** A file whose newest version is this deletion marker is forgotten, with all its versions. */
export interface PurgeCommand {
  readonly kind: 'purge';
  readonly name: string;
  readonly version: number;
}

/** What the metadata log carries. One entry holds one or more of them. */
export type Command =
  | PutCommand
  | RemoveCommand
  | TombstoneCommand
  | AddHoldersCommand
  | DropHolderCommand
  | DeletedCommand
  | JoinCommand
  | DownCommand
  | PurgeCommand;

/** What a command came to; the same on every copy. */
export type Result =
  | { readonly kind: 'committed'; readonly version: number; readonly holders: readonly ServerId[] }
  | { readonly kind: 'conflict'; readonly version: number; readonly deleted: boolean }
  | { readonly kind: 'stale'; readonly valid: readonly ServerId[] }
  | { readonly kind: 'tombstoned' }
  | { readonly kind: 'full'; readonly problem: string }
  | { readonly kind: 'joined'; readonly incarnation: number }
  | { readonly kind: 'done' };
