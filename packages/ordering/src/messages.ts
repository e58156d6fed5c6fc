/**
 * Where a round stands in total order: by counter, then by the rank of the member that proposed it (ISIS). Two rounds of
 * one view never share a proposal; what a flush assigns may tie, and then sender and round number decide.
 */
export interface Key {
  readonly counter: number;
  /** A rank: the index of a member in the view. */
  readonly proposer: number;
}

/** Messages that a sender sent together: the unit of numbering, proposing and acknowledging. */
export interface RoundBody {
  /** From 1 in each view, for each sender. */
  readonly round: number;
  /** The sender's own number of the first payload, from 1 in its life. */
  readonly firstSequence: number;
  /** Total order: the sender's own proposal. Else 0. */
  readonly counter: number;
  /** Causal order: what the sender had delivered of each member, in rounds, by rank. Else empty. */
  readonly vector: readonly number[];
  readonly payloads: readonly Uint8Array[];
}

/** How far a receiver is with the rounds of the one it tells. */
export interface Marks {
  /** Received without a gap. */
  readonly have: number;
  /** With an agreed number, without a gap; equal to `have` in the other orders. */
  readonly decided: number;
  readonly delivered: number;
  /** Known to be delivered by all, and no longer kept. */
  readonly floor: number;
}

export interface DataMessage extends RoundBody {
  readonly type: 'data';
  readonly view: number;
  /** Own rounds that all members have delivered. */
  readonly stable: number;
}

/** The proposals of one receiver for consecutive rounds, and its marks. */
export interface ProposeMessage extends Marks {
  readonly type: 'propose';
  readonly view: number;
  readonly round: number;
  readonly counters: readonly number[];
}

/** Agreed numbers of consecutive rounds, told by their sender. */
export interface FinalMessage {
  readonly type: 'final';
  readonly view: number;
  readonly stable: number;
  readonly round: number;
  readonly keys: readonly Key[];
}

/** Marks by themselves. `ask` is the last round that is missed right now, or 0. */
export interface AckMessage extends Marks {
  readonly type: 'ack';
  readonly view: number;
  readonly ask: number;
}

export interface StableMessage {
  readonly type: 'stable';
  readonly view: number;
  readonly stable: number;
}

/** What a member knows of one sender of its last view, when it has stopped for the flush. */
export interface SenderState {
  readonly floor: number;
  readonly floorKey: Key;
  readonly have: number;
  readonly proposed: number;
  readonly decided: number;
  /** For the rounds floor+1 … proposed: the agreed key up to `decided`, its own proposal after that. */
  readonly keys: readonly Key[];
}

export interface StateMessage {
  readonly type: 'state';
  /** The view to come, in all messages of a flush. */
  readonly view: number;
  /** The last view installed here; 0: none. */
  readonly base: number;
  /** A view whose cut is held here in full, and that is not installed; 0: none. */
  readonly stored: number;
  /** Messages delivered by the group before `base`, and before `stored`; 0: not known here. */
  readonly position: number;
  readonly storedPosition: number;
  readonly clock: number;
  /** By rank in `base`. */
  readonly senders: readonly SenderState[];
}

export interface RequestMessage {
  readonly type: 'request';
  readonly view: number;
}

/** What the last view delivers of one sender. */
export interface SenderCut {
  /** Rounds up to here. */
  readonly count: number;
  /** A rank in the view to come: has them all. */
  readonly donor: number;
  /** The first round of `keys`: those before it are agreed on everywhere. */
  readonly firstKey: number;
  readonly keys: readonly Key[];
}

export interface PrepareMessage {
  readonly type: 'prepare';
  readonly view: number;
  /** The view that ends here; who is not in it, or lost touch, starts afresh. 0: nobody was anywhere. */
  readonly base: number;
  /** Messages delivered by the group before `base`. */
  readonly position: number;
  readonly clock: number;
  /** By rank in `base`; empty when `base` delivers nothing. */
  readonly senders: readonly SenderCut[];
}

export interface FetchMessage {
  readonly type: 'fetch';
  readonly view: number;
  readonly base: number;
  /** A rank in `base`. */
  readonly sender: number;
  readonly from: number;
  readonly to: number;
}

export interface RefillMessage {
  readonly type: 'refill';
  readonly view: number;
  readonly base: number;
  readonly sender: number;
  readonly rounds: readonly RoundBody[];
}

export interface ReadyMessage {
  readonly type: 'ready';
  readonly view: number;
  /** Messages delivered by the group at the end of the cut, as counted by a member of `base`; 0: not counted. */
  readonly position: number;
}

export interface InstallMessage {
  readonly type: 'install';
  readonly view: number;
  readonly position: number;
}

export type OrderMessage = DataMessage | ProposeMessage | FinalMessage | AckMessage | StableMessage;
export type FlushMessage =
  | StateMessage
  | RequestMessage
  | PrepareMessage
  | FetchMessage
  | RefillMessage
  | ReadyMessage
  | InstallMessage;
/** Anything that members say to each other. */
export type Message = OrderMessage | FlushMessage;
