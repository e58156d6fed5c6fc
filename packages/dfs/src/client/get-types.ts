import type { ClientConfig } from '../config.ts';
import type { MetaReply, MetaRequest } from '../messages.ts';
import type { BlobId, FileServer, Manifest, ServerId } from '../model.ts';
import type { Failure } from './failure.ts';

/** What a get is made with. */
export interface GetOptions {
  readonly name: string;
  /** Absent: the newest. */
  readonly version?: number | undefined;
  /** In bytes; `length` absent: to the end. Absent: everything. */
  readonly range?: { readonly offset: number; readonly length?: number | undefined } | undefined;
  /** The digest of everything is checked; for no range. */
  readonly isWhole: boolean;
  /** Servers in the order in which they are asked, the nearest first. */
  readonly prefer: readonly ServerId[];
  readonly config: ClientConfig;
}

/** `missing`: the holder has no such blob. `bad`: its bytes do not fit their checksum. */
export type ReadProblem = 'unreachable' | 'missing' | 'bad';

/** What comes into the machine of a get. */
export type GetInput =
  | { readonly type: 'start' }
  | { readonly type: 'reply'; readonly call: number; readonly reply: MetaReply }
  | { readonly type: 'unanswered'; readonly call: number }
  /** Bytes that fit their checksum were handed to the consumer, in order: so many of this read so far. */
  | { readonly type: 'data'; readonly read: number; readonly bytes: number }
  | { readonly type: 'read-failed'; readonly read: number; readonly problem: ReadProblem }
  /** The consumer takes nothing for now; its time is not the holder's. */
  | { readonly type: 'paused'; readonly paused: boolean }
  /** SHA-256 of everything that was handed over, asked for by `digest-whole`. */
  | { readonly type: 'whole'; readonly sha256: string }
  | { readonly type: 'checked'; readonly check: number; readonly sha256: string }
  | { readonly type: 'check-failed'; readonly check: number; readonly problem: ReadProblem }
  | { readonly type: 'abort' };

/** What the machine of a get wants done, in order. */
export type GetEffect =
  | { readonly type: 'request'; readonly call: number; readonly request: MetaRequest }
  /** What will be read: `length` bytes from `offset` on. It may come again, for a newer version, as long as nothing was handed over. */
  | { readonly type: 'found'; readonly manifest: Manifest; readonly offset: number; readonly length: number }
  | {
      readonly type: 'read';
      readonly read: number;
      readonly from: FileServer;
      readonly blob: BlobId;
      readonly offset: number;
      readonly length: number;
    }
  /** Nothing of this read may be handed over any more. */
  | { readonly type: 'cancel'; readonly read: number }
  /** Ask a second holder for the digest of its copy, computed from its bytes as they are now. */
  | { readonly type: 'check'; readonly check: number; readonly at: FileServer; readonly blob: BlobId }
  /** Everything is handed over: tell its SHA-256. */
  | { readonly type: 'digest-whole' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** Nothing follows. */
  | { readonly type: 'closed' };
