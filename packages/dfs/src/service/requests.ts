import type { Command, Result } from '../meta/commands.ts';
import type { MetaReply, MetaRequest } from '../messages.ts';

/** Why the log did not take, or did not answer, a proposal or a read barrier. */
export type LogFailure = 'not-leader' | 'no-quorum' | 'unknown' | 'busy';

/** Requests that only the master answers: they concern what it knows and no log does. */
export type MasterRequest = Extract<
  MetaRequest,
  { readonly kind: 'heartbeat' | 'hold-report' | 'rot-report' | 'repair-status' }
>;

/** What comes into the machine of requests. */
export type RequestInput =
  | { readonly type: 'request'; readonly ticket: number; readonly request: MetaRequest; readonly wallMs: number }
  /** A command of the master of this very node. */
  | { readonly type: 'command'; readonly ticket: number; readonly command: Command }
  | { readonly type: 'proposed'; readonly entry: number; readonly answer: Uint8Array }
  | { readonly type: 'not-proposed'; readonly entry: number; readonly failure: LogFailure }
  /** The barrier holds: the copy here has everything that was committed before it was asked for. */
  | { readonly type: 'barrier'; readonly barrier: number; readonly failure: LogFailure | undefined }
  | {
      readonly type: 'standing';
      readonly leading: boolean;
      readonly serving: boolean;
      readonly leader: string | undefined;
    };

/** What the machine of requests wants done, in order. */
export type RequestEffect =
  | { readonly type: 'reply'; readonly ticket: number; readonly reply: MetaReply }
  /** What became of a command of the master; undefined: unknown or not done. */
  | { readonly type: 'result'; readonly ticket: number; readonly result: Result | undefined }
  | { readonly type: 'propose'; readonly entry: number; readonly bytes: Uint8Array }
  | { readonly type: 'barrier'; readonly barrier: number }
  | { readonly type: 'master'; readonly ticket: number; readonly request: MasterRequest };
