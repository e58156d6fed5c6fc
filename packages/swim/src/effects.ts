import type { Address, Millis, StreamEnd } from '@grp/core';
import type { Message, StreamMessage } from '@grp/memberlist-wire';
import type { Member, QueryOptions } from './api.ts';
import type { SerfOutput } from './serf/context.ts';

/** What comes into the machine. `ticket` names one exchange or request; its maker chooses it. */
export type Input =
  | { readonly type: 'start' }
  /** One datagram, opened and decoded; `bytes` is its size without seal and label. */
  | { readonly type: 'datagram'; readonly from: Address; readonly bytes: number; readonly messages: readonly Message[] }
  /** The reply to an `exchange` effect, or why there is none. */
  | { readonly type: 'reply'; readonly ticket: number; readonly message: StreamMessage }
  | { readonly type: 'no-reply'; readonly ticket: number; readonly reason: StreamEnd | 'malformed' }
  /** Somebody opened a stream and asks; an `answer` or `hang-up` effect with this ticket follows. */
  | { readonly type: 'request'; readonly ticket: number; readonly from: Address; readonly message: StreamMessage }
  | { readonly type: 'join'; readonly ticket: number; readonly addresses: readonly Address[] }
  | { readonly type: 'leave' }
  | { readonly type: 'set-meta'; readonly meta: Uint8Array }
  /** A name, or the id of a life. */
  | { readonly type: 'hint'; readonly member: string }
  | { readonly type: 'send-event'; readonly name: string; readonly payload: Uint8Array; readonly coalesce: boolean }
  | { readonly type: 'ask'; readonly ticket: number; readonly name: string; readonly options: QueryOptions }
  | { readonly type: 'respond'; readonly queryKey: string; readonly payload: Uint8Array }
  | {
      readonly type: 'manage-keys';
      readonly ticket: number;
      readonly action: 'list' | 'install' | 'use' | 'remove';
      readonly key: Uint8Array | undefined;
    };

export type MemberEventKind = 'join' | 'alive' | 'suspect' | 'down' | 'leave' | 'update' | 'forget';

/** What the machine wants done, in order. */
export type Effect =
  /** Parts already fit one datagram. */
  | { readonly type: 'send'; readonly to: Address; readonly parts: readonly Uint8Array[]; readonly crc: boolean }
  /** Dial, write, wait for one message, close. */
  | {
      readonly type: 'exchange';
      readonly ticket: number;
      readonly to: Address;
      readonly message: StreamMessage;
      readonly timeoutMs: Millis;
    }
  | { readonly type: 'answer'; readonly ticket: number; readonly message: StreamMessage }
  | { readonly type: 'hang-up'; readonly ticket: number }
  | { readonly type: 'member'; readonly kind: MemberEventKind; readonly member: Member }
  | { readonly type: 'output'; readonly output: SerfOutput }
  | {
      readonly type: 'joined';
      readonly ticket: number;
      readonly contacted: readonly Address[];
      readonly failed: readonly { readonly address: Address; readonly reason: string }[];
    }
  | { readonly type: 'left' }
  /** An older living member has this node's name. The machine is silent from here on. */
  | { readonly type: 'conflict'; readonly address: Address }
  /** Something from a peer was refused. */
  | { readonly type: 'drop'; readonly reason: string };
