import type { GrpError } from '@grp/core';
import type { Succession } from '../succession.ts';
import type { DecodedReply } from '../wire/decode.ts';
import type { Command } from '../wire/messages.ts';
import type { TrackerEvent, TrackerSession } from './api.ts';

/** What comes into the client's machine. `ticket` names a promise of the application. */
export type ClientInput =
  | { readonly type: 'start' }
  | { readonly type: 'line'; readonly connection: number; readonly decoded: DecodedReply }
  | { readonly type: 'closed'; readonly connection: number; readonly reason: string }
  | { readonly type: 'request'; readonly ticket: number; readonly command: Command; readonly timeoutMs: number }
  | { readonly type: 'cancel'; readonly ticket: number }
  | { readonly type: 'adopt'; readonly succession: Succession }
  /** Goodbye; the answer to `ticket` says that the tracker knows. */
  | { readonly type: 'bye'; readonly ticket: number; readonly reason: string };

/** What the client's machine wants done, in order. */
export type ClientEffect =
  | { readonly type: 'dial'; readonly connection: number }
  | { readonly type: 'write'; readonly connection: number; readonly line: string }
  | { readonly type: 'hang-up'; readonly connection: number }
  | { readonly type: 'resolve'; readonly ticket: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: 'reject'; readonly ticket: number; readonly error: GrpError }
  /** The first welcome; later ones are events. */
  | { readonly type: 'ready'; readonly session: TrackerSession }
  /** The tracker refused the first hello, or is another one: nothing to try again. */
  | { readonly type: 'fatal'; readonly error: GrpError }
  | { readonly type: 'event'; readonly event: TrackerEvent };
