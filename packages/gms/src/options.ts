import type { Cancel, Clock, Logger, NodeId, Random } from '@grp/core';
import type { DeliveryLevel, Group, StateTransfer } from './api.ts';
import type { DeliveredBatch } from './batch.ts';
import type { GmsConfig } from './config.ts';
import type { FailureDetector, Links } from './ports.ts';
import type { QuorumRule } from './rules.ts';

/** What a member needs from the world. */
export interface GroupPorts {
  readonly links: Links;
  readonly detector: FailureDetector;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /**
   * Calls back at the end of this turn of the event loop (`setImmediate` in Node), so that all that comes in one turn
   * shares frames. Default: each message by itself, at once.
   */
  readonly defer?: (callback: () => void) => void;
}

/** Who a member is, which group it is in, and what that group promises. */
export interface GroupOptions {
  /** Shown to people; default: the address. */
  readonly name?: string;
  /** This life; what the failure detector calls it. Default: the name, `#`, and the time. */
  readonly id?: NodeId;
  /** Groups with different names never mix (default `default`). */
  readonly group?: string;
  /** The same for all members (default `agreed`). */
  readonly delivery?: DeliveryLevel;
  /** `none` lets every side of a partition go on: right only with a failure detector that is never wrong. */
  readonly quorum?: QuorumRule;
  readonly state?: StateTransfer;
  readonly config?: Partial<GmsConfig>;
}

/** A group, with what tests, metrics and fast applications want besides. */
export interface GroupHandle extends Group {
  /** Hears of deliveries batch by batch, before the listeners of `message`. */
  onBatch(listener: (batch: DeliveredBatch) => void): Cancel;
  /** Bytes that wait, and messages that were dropped, by why. */
  figures(): {
    readonly rowBytes: number;
    readonly ownBytes: number;
    readonly earlyBytes: number;
    readonly outboxBytes: number;
    readonly dropped: Readonly<Record<string, number>>;
  };
  /**
   * Fault injection: calls `crash` in the middle of a multicast, after the leader has sent frames of the row to `count`
   * more members (0: now). Nothing is sent after that.
   */
  crashAfterSends(count: number, crash: () => void): void;
}
