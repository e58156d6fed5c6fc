import type { Address, Cancel, FifoTransport, NodeId } from '@grp/core';
import type { GroupMember } from './api.ts';

/**
 * What gms asks of the links below it; `@grp/link` fits. Messages between two lives arrive exactly once and in order,
 * or a reset is told on both sides that live.
 */
export interface Links extends FifoTransport {
  /** A message of at most this size travels in one datagram. */
  readonly frameBytes: number;
  /** False: the queue to this peer is full and nothing was queued; `onWritable` tells when there is room. */
  send(to: Address, message: Uint8Array): boolean;
  /** Sends what is queued, now and not at the end of this turn. */
  flush?(): void;
  onWritable(listener: (peer: Address) => void): Cancel;
  /** The peer's port was refused, or nothing has been acknowledged for long: a reason to look, never a verdict. */
  onTrouble(listener: (peer: Address, reason: 'refused' | 'silent') => void): Cancel;
  /** Drops everything kept for a peer that is gone for good. */
  forget(peer: Address): void;
}

/** What gms asks of a failure detector; swim fits, and `createHeartbeatDetector` does without swim. */
export interface FailureDetector {
  /** Members are lives: a verdict on an earlier life never touches a later one. */
  onSuspect(listener: (member: NodeId) => void): Cancel;
  onTrust(listener: (member: NodeId) => void): Cancel;
  /** Something looks wrong with this member: look now. Never excludes by itself. */
  hint(member: NodeId): void;
  /**
   * Whom the group depends on from now on. A detector that knows the whole cluster anyway does without; one that watches
   * only these takes back its suspicion of those that it does not watch any more, or they could never come back.
   */
  watch?(members: readonly GroupMember[]): void;
}
