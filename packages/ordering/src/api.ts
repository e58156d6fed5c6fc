import type { Address, Cancel, NodeId } from '@grp/core';

/**
 * `fifo`: messages of one sender in the order in which it sent them. `causal`: also no message before one that its
 * sender had delivered before sending it. `total`: also the same order at every member (ISIS).
 */
export type Order = 'fifo' | 'causal' | 'total';

/** One life of one member. A restart is a new `id`, also at the same address. */
export interface OrderingMember {
  readonly id: NodeId;
  readonly address: Address;
}

/** The members that agree with each other from here on. It comes from outside, and the flush makes it true. */
export interface OrderingView {
  /** From 1, rises; the same number means the same members in the same order. Numbers may be left out. */
  readonly number: number;
  /** The first one leads the flush. */
  readonly members: readonly OrderingMember[];
}

/** One message in its place. */
export interface Delivery {
  /** The view in which every member that delivers it does so. */
  readonly view: number;
  readonly sender: NodeId;
  /** From 1 for each life of a sender, without gaps as long as that life stays a member. */
  readonly sequence: number;
  /** How many messages the group has delivered with this one; in total order the same at every member. */
  readonly position: number;
  /** The receiver's to keep. */
  readonly payload: Uint8Array;
}

/**
 * `idle` has no view yet; `flushing` settles with the others what the last view delivered (what is sent meanwhile
 * waits); `excluded` is not in the last view it was told; `closed` is final.
 */
export type OrderingStatus = 'idle' | 'active' | 'flushing' | 'excluded' | 'closed';

/** A view as it is installed, and from where on its messages count. */
export interface InstalledView {
  readonly view: OrderingView;
  /** Messages that the group had delivered before: what a late joiner has missed. */
  readonly position: number;
  /** It comes from nowhere: what the group delivered before never reaches this member. */
  readonly isFresh: boolean;
  /**
   * Own messages that were under way, or waited, when this member was left out of a view, or missed one: delivered by the
   * others, or not, and not sent again.
   */
  readonly unknownCount: number;
}

/** Messages of a sender that are missing here while later ones wait. */
export interface Gap {
  readonly view: number;
  readonly sender: NodeId;
  /** `open` for long, `filled` after that, or `unfilled`: no survivor has them, and what came after them is dropped. */
  readonly state: 'open' | 'filled' | 'unfilled';
  /** Rounds, as the sender numbers them in this view; both included. */
  readonly from: number;
  readonly to: number;
}

/** Listeners run after the step that caused the event, in order, and may call the group. */
export interface OrderingEvents {
  /** In order; several at a time, so that a busy group costs less. */
  readonly deliver: readonly Delivery[];
  readonly view: InstalledView;
  readonly flush: { readonly number: number };
  readonly excluded: { readonly number: number };
  readonly gap: Gap;
  /** Everything sent so far has been delivered by every member. */
  readonly settled: { readonly sequence: number };
  /** A bug: this member says nothing more. */
  readonly failed: { readonly cause: unknown };
}

/** How a member is doing, for people and for metrics. */
export interface OrderingStatistics {
  readonly order: Order;
  readonly status: OrderingStatus;
  readonly view: number;
  readonly memberCount: number;
  /** Messages sent and delivered by this member, in all views; own ones are delivered, too. */
  readonly sent: number;
  readonly delivered: number;
  readonly position: number;
  /** Own messages that wait to be sent. */
  readonly outbox: { readonly messages: number; readonly bytes: number };
  /** Received and not delivered. */
  readonly holdBack: {
    readonly rounds: number;
    readonly messages: number;
    readonly bytes: number;
    /** Rounds without an agreed number (total order) or behind a missing message. */
    readonly undeliverableRounds: number;
    /** Rounds behind a gap of their sender. */
    readonly aheadRounds: number;
    /** The most rounds that were held at any time. */
    readonly roundsMax: number;
  };
  /** Delivered here, and kept because somebody may still need them. */
  readonly unstable: { readonly rounds: number; readonly bytes: number };
  /** ISIS: the last number proposed here and the greatest agreed number; 0 in the other orders. */
  readonly numbers: { readonly proposed: number; readonly agreed: number };
  readonly rounds: { readonly sent: number; readonly received: number; readonly resent: number };
  readonly gaps: { readonly open: number; readonly filled: number; readonly unfilled: number };
  /** Rounds that a flush dropped, because what came before them was lost with their sender. */
  readonly droppedRounds: number;
  readonly flushes: { readonly count: number; readonly lastMs: number };
  /** Whom this member waits for: to deliver own messages, or to end a flush. */
  readonly waitingFor: readonly NodeId[];
  /** Refused, by reason: broken, stale or forged. */
  readonly refused: Readonly<Record<string, number>>;
}

/** One member of one ordered group, in this process. */
export interface Ordering {
  readonly self: OrderingMember;
  readonly order: Order;
  readonly status: OrderingStatus;
  /** The last view installed here. */
  readonly view: OrderingView | undefined;
  /**
   * Sends to all members, itself included. False: too much waits already, nothing was taken; `settled` or time helps.
   * Without a view it waits for the first one.
   * @throws GrpError ORDERING_PAYLOAD_TOO_LARGE, ORDERING_CLOSED
   */
  send(payload: Uint8Array): boolean;
  /**
   * Tells the next view. The members settle the old one among themselves; a view that comes meanwhile restarts that.
   * A number that is not greater than the last one is ignored.
   * @throws GrpError ORDERING_VIEW_INVALID, ORDERING_CLOSED
   */
  setView(view: OrderingView): void;
  on<Name extends keyof OrderingEvents>(event: Name, listener: (value: OrderingEvents[Name]) => void): Cancel;
  /** Resolves when every member has delivered everything sent so far. @throws GrpError ORDERING_EXCLUDED, ORDERING_CLOSED */
  settled(): Promise<void>;
  statistics(): OrderingStatistics;
  /** Ends at once; the links stay open. Idempotent. */
  close(): void;
}
