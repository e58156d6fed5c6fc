import type { Millis } from '@grp/core';

/** An entry as checkers see it. Payloads are compared by identity: equal text, or the same object. */
export interface LoggedEntry {
  readonly index: number;
  readonly term: number;
  readonly payload: unknown;
}

interface Happened {
  readonly at: Millis;
  readonly node: string;
}

/** What the servers of one Raft cluster do, in the world's one time. */
export type RaftEvent = Happened &
  (
    | {
        /** A life begins, with this log from its disk: entries after `base`, if they could be read. */
        readonly type: 'start';
        readonly base: { readonly index: number; readonly term: number };
        readonly entries: readonly LoggedEntry[];
      }
    /** The log changed: cut from `truncateFrom` on, then entries appended. */
    | { readonly type: 'log'; readonly truncateFrom?: number; readonly entries: readonly LoggedEntry[] }
    /** A server took another role, or another term. */
    | {
        readonly type: 'role';
        readonly role: 'follower' | 'candidate' | 'leader';
        readonly term: number;
        /** The term of an entry of its log; undefined where its log does not reach. */
        readonly termAt: (index: number) => number | undefined;
        readonly firstIndex: number;
      }
    | { readonly type: 'apply'; readonly entry: LoggedEntry }
    /** The state machine was set to a snapshot of everything up to `index`; 0: to its beginning. */
    | { readonly type: 'restore'; readonly index: number }
  );
