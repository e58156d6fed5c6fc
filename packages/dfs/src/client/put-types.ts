import type { Random } from '@grp/core';
import type { ClientConfig } from '../config.ts';
import type { Conditions, MetaReply, MetaRequest } from '../messages.ts';
import type { Ack, BlobId, FileServer, ServerId, ServerView } from '../model.ts';
import type { Failure } from './failure.ts';

/** What a put is made with. */
export interface PutOptions extends Conditions {
  readonly name: string;
  /** Drawn once per put; a put that is tried again by its caller gives the same. */
  readonly requestId: string;
  readonly replicas: number;
  readonly keep?: number | undefined;
  readonly bytesHint?: number | undefined;
  /** The source can be read again from its beginning, for a target that is taken later. */
  readonly replayable: boolean;
  /** What is known of the servers: spares the round trip that asks for a placement. */
  readonly view?: ServerView | undefined;
  readonly reserveBytes: number;
  readonly config: ClientConfig;
  /** Blob ids come from it. */
  readonly random: Random;
}

/** Why the stream of a put to one server has ended. */
export type StreamProblem = 'unreachable' | 'refused' | 'full' | 'not-replayable';

/** What comes into the machine of a put. */
export type PutInput =
  | { readonly type: 'start' }
  | { readonly type: 'reply'; readonly call: number; readonly reply: MetaReply }
  /** No node answered the request in time. */
  | { readonly type: 'unanswered'; readonly call: number }
  /** The target has taken so many bytes since the beginning. */
  | { readonly type: 'moved'; readonly stream: number; readonly bytes: number }
  /** The target has the whole blob in stable storage. */
  | { readonly type: 'stored'; readonly stream: number; readonly ack: Ack }
  | { readonly type: 'stream-failed'; readonly stream: number; readonly problem: StreamProblem }
  /** So many bytes have been read from the source. */
  | { readonly type: 'source'; readonly bytes: number }
  | { readonly type: 'source-ended'; readonly bytes: number; readonly sha256: string }
  | { readonly type: 'source-failed'; readonly problem: string }
  | { readonly type: 'abort' };

/** What the machine of a put wants done, in order. */
export type PutEffect =
  /** Ask the metadata service; follow `not-leader`, and come back with any other reply. */
  | { readonly type: 'request'; readonly call: number; readonly request: MetaRequest }
  /** Send the blob from its first byte on. */
  | {
      readonly type: 'open-stream';
      readonly stream: number;
      readonly to: FileServer;
      readonly blob: BlobId;
      readonly epoch: number;
    }
  /** Give it up; the server forgets what it has of the blob. */
  | { readonly type: 'close-stream'; readonly stream: number }
  /** The source may be read up to this offset. */
  | { readonly type: 'demand'; readonly bytes: number }
  /** The version is there for everybody. */
  | {
      readonly type: 'done';
      readonly version: number;
      readonly holders: readonly ServerId[];
      readonly serversChangedAt: number;
    }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** A replica came after the commit: tell the log, together with others of these milliseconds. */
  | { readonly type: 'late'; readonly blob: BlobId; readonly ack: Ack }
  /** Nothing follows. */
  | { readonly type: 'closed' };

/** One replica that is being written. */
export interface PutStream {
  readonly stream: number;
  readonly to: FileServer;
  moved: number;
  movedAt: number;
  /** How long the source has waited for this one alone. */
  blockedMs: number;
  blockedSince: number | undefined;
  ack: Ack | undefined;
}
