import type { Address, Cancel, IterateOptions, NodeId } from '@grp/core';

/** One life of one member. A restart is a new `id`, also at the same address. */
export interface GroupMember {
  readonly id: NodeId;
  readonly name: string;
  /** Where its group port listens. */
  readonly address: Address;
}

/** The members everyone agrees on. `members` is in join order and the first one leads: it numbers the messages. */
export interface View {
  /** Rises with every view; the same id means the same members in the same order. */
  readonly id: number;
  readonly members: readonly GroupMember[];
}

/**
 * `agreed`: delivered in total order as soon as it is contiguous. `safe`: delivered once every member of the view is
 * known to hold it, so that even what a dying member delivered is delivered by all who go on.
 */
export type DeliveryLevel = 'agreed' | 'safe';

/**
 * `joining` looks for the group; `joined` delivers; `blocked` sits on the minority side, or waits for a flush to end;
 * `excluded` was left out by the others and is on its way back; `left` and `closed` are final.
 */
export type GroupStatus = 'joining' | 'joined' | 'blocked' | 'excluded' | 'left' | 'closed';

/** One message in its place. `payload` is the receiver's to keep. */
export interface Delivery {
  /** From 1, without gaps, one row across all views of the group. */
  readonly sequence: number;
  /** The view in which every member that delivers it does so. */
  readonly view: number;
  readonly sender: NodeId;
  readonly payload: Uint8Array;
}

/** Where the delivered row ends, and a hash over all of it: equal hashes mean equal rows. */
export interface DeliveredMark {
  readonly sequence: number;
  /** 16 hexadecimal digits over (sequence, sender, payload) of every message since the group began. */
  readonly orderHash: string;
}

/** What `multicast` resolves with, once this member has delivered the message itself at the group's level. */
export interface Receipt {
  readonly sequence: number;
  readonly view: number;
}

/** A view as it is installed, and how it differs from the one before. */
export interface ViewChange {
  readonly view: View;
  readonly joined: readonly GroupMember[];
  readonly gone: readonly GroupMember[];
}

/** The typed events of a group. Listeners run after the step that caused them, in order, and may call the group. */
export interface GroupEvents {
  readonly view: ViewChange;
  readonly message: Delivery;
  /** Every member of the view has everything up to here. */
  readonly stable: { readonly sequence: number };
  readonly blocked: { readonly reason: 'flush' | 'minority' | 'flow' };
  readonly unblocked: { readonly view: View };
  readonly excluded: { readonly view: number };
}

/**
 * The application's state, for those who join. `capture` is called between two deliveries and must describe exactly
 * what was delivered so far; its chunks are drawn while later messages are already being delivered, so a mutable state
 * must be copied or versioned. `restore` is called before the first delivery.
 */
export interface StateTransfer {
  capture(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Instead of `restore`, for a state that is taken in at once, without promises. The first chunk of an attempt begins
   * anew; the last may be empty. What it throws refuses the state.
   */
  restoreChunk?(chunk: Uint8Array, place: { readonly isFirst: boolean; readonly isLast: boolean }): void;
}

/** How long a multicast waits for its delivery. */
export interface MulticastOptions {
  /** Gives up waiting. The message may still be delivered: what has been sent cannot be called back. */
  readonly signal?: AbortSignal;
  /** As `signal`, after so many ms. */
  readonly timeoutMs?: number;
}

/** One member of one group, in this process. */
export interface Group {
  readonly self: GroupMember;
  readonly status: GroupStatus;
  /** The last view installed here. */
  readonly view: View | undefined;
  readonly delivered: DeliveredMark;
  /**
   * Founds the group when there are no seeds, else joins it through whichever seed answers, and resolves in its first
   * view with the state restored. @throws GrpError GMS_JOIN_TIMEOUT, GMS_STATE_REFUSED, GMS_CLOSED
   */
  join(seeds?: readonly Address[], options?: MulticastOptions): Promise<View>;
  /**
   * Sends to all members, itself included. Resolves when delivered here.
   * @throws GrpError GMS_PAYLOAD_TOO_LARGE, GMS_NOT_JOINED, GMS_NO_QUORUM, GMS_BUSY (the queue is full), GMS_TIMEOUT,
   * GMS_OUTCOME_UNKNOWN (this member was excluded or closed before it knew)
   */
  multicast(payload: Uint8Array, options?: MulticastOptions): Promise<Receipt>;
  /** As `multicast` without a receipt and without a promise, for streams of messages. False: the queue is full. */
  post(payload: Uint8Array): boolean;
  on<Name extends keyof GroupEvents>(event: Name, listener: (value: GroupEvents[Name]) => void): Cancel;
  /** Deliveries from now on, in order; a reader that falls behind by more than the limit is told so by an error. */
  messages(options?: IterateOptions): AsyncIterableIterator<Delivery>;
  /** Goes in good order: what was sent before is delivered first. Resolves when the others have a view without us. */
  leave(options?: MulticastOptions): Promise<void>;
  /** Ends at once, as a crash would look to the others, within a second. Idempotent. */
  close(): Promise<void>;
}
