import type { BlobId, ServerId } from '../model.ts';
import type { Result } from './commands.ts';

/** One version of a file. One that is no deletion marker is the record of its blob, too: nothing is there twice. */
export interface VersionRecord {
  readonly version: number;
  /** Undefined in a deletion marker. */
  readonly blob: BlobId | undefined;
  readonly bytes: number;
  readonly sha256: string;
  readonly replicas: number;
  readonly at: number;
}

export interface FileRecord {
  readonly name: string;
  /** Oldest first; never empty. Replaced, not changed: an array that has grown has room for many more. */
  versions: readonly VersionRecord[];
  keep: number;
}

/** A blob that a version has. */
export interface BlobRecord extends VersionRecord {
  readonly blob: BlobId;
  readonly name: string;
  /** Servers whose current life holds it. Shared with other blobs: replaced, never changed. */
  holders: readonly ServerId[];
  /** Position of the last change of `holders`. */
  changedAt: number;
}

export interface ServerRecord {
  readonly id: ServerId;
  readonly incarnation: number;
  /** What the process drew when it started. */
  readonly life: string;
  readonly address: string;
  readonly zone: string;
  up: boolean;
  heldBytes: number;
  readonly held: Set<BlobId>;
  /** What it shall delete, and the position of the entry that says so. */
  readonly deletions: Map<BlobId, number>;
  /**
   * Blobs that others hold and that this life was told to delete, with the position of the last time: copies that were
   * ordered before it do not count, because the deletion may still reach them.
   */
  readonly dropped: Map<BlobId, number>;
}

/** Which unsafe shortcuts are taken. Only the simulator takes any, to show that its checkers see what comes of it. */
export interface MetaRules {
  /** Acknowledgements of an earlier life of a server do not count (default true). */
  readonly fencesLives: boolean;
  /** A life that begins, or ends, holds nothing of what the one before held (default true). */
  readonly clearsLives: boolean;
  /** A copy that was ordered before the server was last told to delete the blob does not count (default true). */
  readonly fencesDrops: boolean;
}

/** The rules as they must be; others are for showing what goes wrong without them. */
export const safeRules: MetaRules = { fencesLives: true, clearsLives: true, fencesDrops: true };

/** How many durable copies a put needs: a majority of the replicas that it wants. */
export function writeQuorumOf(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** What a request came to, for retries with the same id. */
export type Remembered = Extract<Result, { kind: 'committed' | 'conflict' }>;
