import type { Command, Deletion, Result } from '../meta/commands.ts';
import type { MetaReply } from '../messages.ts';
import type { Ack, BlobId, FileServer, ServerId } from '../model.ts';
import type { MasterRequest } from '../service/requests.ts';

/** Why a copy failed: whose fault it is decides what is tried next. */
export type CopyProblem = 'source-bad' | 'source-unreachable' | 'target-unreachable' | 'target-full';

/** What a server found when it read its copy again. `unknown`: it did not say. */
export type CopyFinding = 'intact' | 'bad' | 'unknown';

/** What comes into the machine of the master. */
export type MasterInput =
  /** This node begins or ceases to lead. */
  | { readonly type: 'lead'; readonly leading: boolean; readonly wallMs: number }
  /** The file servers that are believed to run. */
  | { readonly type: 'up'; readonly servers: readonly ServerId[] }
  /** The copy of the metadata here has changed. */
  | { readonly type: 'applied' }
  | { readonly type: 'request'; readonly ticket: number; readonly request: MasterRequest }
  | { readonly type: 'result'; readonly ticket: number; readonly result: Result | undefined }
  | { readonly type: 'copied'; readonly copy: number; readonly ack: Ack }
  | { readonly type: 'not-copied'; readonly copy: number; readonly problem: CopyProblem }
  | { readonly type: 'verified'; readonly verification: number; readonly finding: CopyFinding }
  | { readonly type: 'deleted'; readonly deletion: number }
  | { readonly type: 'not-deleted'; readonly deletion: number };

/** `to` fetches the blob from `from`, verifies it, stores it durably under `epoch`, and acknowledges. */
export interface CopyOrder {
  readonly copy: number;
  readonly blob: BlobId;
  readonly bytes: number;
  readonly sha256: string;
  readonly from: FileServer;
  readonly to: FileServer;
  readonly epoch: number;
}

/** `at`, in the life that is named, deletes what it stored under an order not younger than each epoch. */
export interface DeletionOrder {
  readonly deletion: number;
  readonly at: FileServer;
  readonly items: readonly Deletion[];
}

/** `at` reads its copy of the blob again and compares it with the digest. */
export interface VerifyOrder {
  readonly verification: number;
  readonly blob: BlobId;
  readonly sha256: string;
  readonly at: FileServer;
}

/** What the machine of the master wants done, in order. */
export type MasterEffect =
  | { readonly type: 'propose'; readonly ticket: number; readonly command: Command }
  | { readonly type: 'reply'; readonly ticket: number; readonly reply: MetaReply }
  | { readonly type: 'copy'; readonly order: CopyOrder }
  | { readonly type: 'verify'; readonly order: VerifyOrder }
  | { readonly type: 'delete'; readonly order: DeletionOrder };
