import type { Address } from '@grp/core';
import type { Endpoint } from '../messages.ts';

/** What an agent knows of a member, as the answer to `_serf_conflict` has it. */
export interface SerfMember {
  readonly name: string;
  readonly address: Address;
  readonly tags: Readonly<Record<string, string>>;
  readonly status: 'none' | 'alive' | 'leaving' | 'left' | 'failed';
  /** Protocol min, max, current, then the delegate's: six bytes, or none. */
  readonly versions: Uint8Array;
}

/** User events of one lamport time. */
export interface SerfEvents {
  readonly time: number;
  readonly events: readonly { readonly name: string; readonly payload: Uint8Array }[];
}

/**
 * What Serf says inside user messages, push-pull user states and query payloads. Times are lamport times, 0 … 2⁵³−1.
 * Payloads are copies unless said otherwise.
 */
export type SerfMessage =
  /** `prune`: forget the node as soon as it has left. */
  | { readonly type: 'leave'; readonly time: number; readonly node: string; readonly prune: boolean }
  | { readonly type: 'join'; readonly time: number; readonly node: string }
  | {
      readonly type: 'push-pull';
      readonly time: number;
      /** Node → the time of its last intent. */
      readonly statusTimes: ReadonlyMap<string, number>;
      readonly leftMembers: readonly string[];
      readonly eventTime: number;
      /** Recent events. Agents send 512 slots, most of them nil: those are left out here. */
      readonly events: readonly SerfEvents[];
      readonly queryTime: number;
    }
  | {
      readonly type: 'user-event';
      readonly time: number;
      readonly name: string;
      readonly payload: Uint8Array;
      /** Of several events of this name only the last need be handled. */
      readonly coalesce: boolean;
    }
  | {
      readonly type: 'query';
      readonly time: number;
      /** 0 … 2³²−1; with `time` it names the query. */
      readonly id: number;
      /** Who asks, and where answers go. */
      readonly source: Endpoint;
      /** See `decodeFilter`; views into the body. All must hold. */
      readonly filters: readonly Uint8Array[];
      /** 1: acknowledge. 2: do not pass on. */
      readonly flags: number;
      /** 0 … 255. */
      readonly relayCount: number;
      /** On the wire in whole nanoseconds; at most 2⁵³−1 of them. */
      readonly timeoutMs: number;
      readonly name: string;
      readonly payload: Uint8Array;
    }
  | {
      readonly type: 'query-response';
      readonly time: number;
      readonly id: number;
      readonly from: string;
      /** 1: an acknowledgement, not an answer. */
      readonly flags: number;
      readonly payload: Uint8Array;
    }
  /** `member` undefined: the answerer does not know the name. */
  | { readonly type: 'conflict'; readonly member: SerfMember | undefined }
  | { readonly type: 'key-request'; readonly key: Uint8Array }
  | {
      readonly type: 'key-response';
      readonly result: boolean;
      readonly message: string;
      /** Base64. */
      readonly keys: readonly string[];
      /** Base64; agents before 0.9 do not say. */
      readonly primaryKey?: string | undefined;
    }
  /** Pass `body`, a Serf message with its type byte, on to `to`. A view. */
  | { readonly type: 'relay'; readonly to: Address; readonly toName: string; readonly body: Uint8Array };

export const serfTypes = {
  leave: 0,
  join: 1,
  'push-pull': 2,
  'user-event': 3,
  query: 4,
  'query-response': 5,
  conflict: 6,
  'key-request': 7,
  'key-response': 8,
  relay: 9,
} as const satisfies Record<SerfMessage['type'], number>;

/** In the order of their codes on the wire. */
export const serfStatuses = ['none', 'alive', 'leaving', 'left', 'failed'] as const;

/** A timeout is in nanoseconds on the wire. */
export const nanosecondsPerMs = 1_000_000;
