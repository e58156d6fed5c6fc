import type { Address, NodeId } from '@grp/core';
import type { ViewChange } from './api.ts';
import type { HashState } from './hash.ts';
import type { GroupMessage, JoinRefusal } from './messages.ts';
import type { Batch } from './row.ts';

/** What a group member's machine takes. */
export type Input =
  | { readonly type: 'message'; readonly from: Address; readonly message: GroupMessage }
  /** The links to this peer began anew: what was under way may be lost. */
  | { readonly type: 'reset'; readonly peer: Address }
  /** The links see trouble with this peer. */
  | { readonly type: 'trouble'; readonly peer: Address }
  | { readonly type: 'suspect'; readonly member: NodeId }
  | { readonly type: 'trust'; readonly member: NodeId }
  /** Founds a group when there are no seeds. */
  | { readonly type: 'join'; readonly seeds: readonly Address[] }
  | { readonly type: 'leave' }
  /** Gives up a join or a leave. */
  | { readonly type: 'abandon' }
  /** Own messages wait in the queue. */
  | { readonly type: 'flush' }
  /** The next piece of a captured state, for a joiner; `failed` when there is none to be had. */
  | { readonly type: 'chunk'; readonly donation: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly type: 'capture-failed'; readonly donation: number }
  /** The application has taken so many bytes of the state. */
  | { readonly type: 'consumed'; readonly transfer: number; readonly bytes: number }
  | { readonly type: 'restored'; readonly transfer: number; readonly isOk: boolean; readonly reason: string };

export type JoinFailure =
  | { readonly kind: 'refused'; readonly reason: JoinRefusal }
  | { readonly kind: 'state'; readonly reason: string };

/** What it wants done, in this order. */
export type Effect =
  /** `isRetry`: of no use when older messages to this peer still wait. */
  | { readonly type: 'send'; readonly to: Address; readonly message: GroupMessage; readonly isRetry?: boolean }
  | { readonly type: 'fan-out'; readonly to: readonly Address[]; readonly message: GroupMessage }
  | { readonly type: 'deliver'; readonly batch: Batch }
  | { readonly type: 'view'; readonly change: ViewChange }
  | { readonly type: 'stable'; readonly sequence: number }
  | { readonly type: 'blocked'; readonly reason: 'flush' | 'minority' | 'flow' }
  | { readonly type: 'unblocked' }
  | { readonly type: 'excluded'; readonly view: number }
  | { readonly type: 'joined' }
  | { readonly type: 'join-failed'; readonly failure: JoinFailure }
  | { readonly type: 'left' }
  /** Own requests before this one are in the state that was received, or were delivered. */
  | { readonly type: 'covered'; readonly next: number }
  | { readonly type: 'hint'; readonly member: NodeId }
  | { readonly type: 'watch'; readonly members: ViewChange['view']['members'] }
  | { readonly type: 'forget'; readonly peer: Address }
  /** Captures the application's state as it is now. */
  | { readonly type: 'capture'; readonly donation: number }
  | { readonly type: 'draw'; readonly donation: number }
  | { readonly type: 'end-capture'; readonly donation: number }
  /** Begins, feeds and ends the restoring of a state; a new `restore` replaces an older one. */
  | { readonly type: 'restore'; readonly transfer: number }
  | { readonly type: 'restore-chunk'; readonly transfer: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly type: 'restore-abort'; readonly transfer: number }
  /** From here on the row goes on after this state. */
  | { readonly type: 'state'; readonly sequence: number; readonly view: number; readonly hash: HashState }
  | { readonly type: 'log'; readonly event: string; readonly fields: Readonly<Record<string, string | number>> };
