import type { Address, Millis } from '@grp/core';
import type { KeyReport, MemberStatus, QueryResult, Tags } from '../api.ts';

/** A member, as far as the Serf layer looks at it. */
export interface SerfMember {
  readonly name: string;
  readonly address: Address;
  readonly status: MemberStatus;
  readonly tags: Tags;
  /** Protocol min, max, current, then the delegate's: six bytes, or none when it did not say. */
  readonly versions: Uint8Array;
}

/** What leaves the Serf layer for the application. */
export type SerfOutput =
  | {
      readonly type: 'user-event';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly time: number;
      /** The sender allows that of several events of this name only the last is handled. Lost in a push-pull, as in Serf. */
      readonly coalesce: boolean;
    }
  /** A query that this node should answer: `respond(queryKey, payload)` does. Internal `_serf_…` queries never show. */
  | {
      readonly type: 'query';
      readonly queryKey: string;
      readonly name: string;
      readonly payload: Uint8Array;
      readonly from: string;
    }
  /** The query asked with `ticket` is over: its deadline has come, or everyone who could answer has. */
  | { readonly type: 'query-result'; readonly ticket: number; readonly result: QueryResult }
  /** The same for the key request made with `ticket`. */
  | { readonly type: 'key-report'; readonly ticket: number; readonly report: KeyReport }
  /** Nothing was asked: the query takes `bytes` bytes encoded, or too many are open. No result follows. */
  | {
      readonly type: 'refused';
      readonly ticket: number;
      readonly reason: 'query-too-long' | 'busy';
      readonly bytes: number;
    }
  /** Something from a peer was refused. */
  | { readonly type: 'dropped'; readonly reason: string };

/** What the Serf layer asks of the machine around it. Everything happens inside one `step`. */
export interface SerfContext {
  readonly name: string;
  readonly address: Address;
  now(): Millis;
  /** Live members, this one included. */
  memberCount(): number;
  /** Every member known, gone ones and this one included. */
  members(): Iterable<SerfMember>;
  member(name: string): SerfMember | undefined;
  memberAt(address: Address): SerfMember | undefined;
  /** Gossips a user message; a newer one with the same key replaces an older one that is still queued. */
  broadcast(body: Uint8Array, key: string): void;
  /** One user message straight to an address, unreliable. */
  sendTo(address: Address, body: Uint8Array): void;
  output(output: SerfOutput): void;
  /**
   * A leave intent for another member: its coming death counts as a leave, and one that is down already has left. With
   * `prune` it is also forgotten as soon as it has left.
   */
  leaveIntended(name: string, prune: boolean): void;
  /** A newer join intent: the member stays after all, so its death would be a failure again. */
  leaveWithdrawn(name: string): void;
}
