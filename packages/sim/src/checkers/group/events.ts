import type { Millis } from '@grp/core';
import type { CalmEvent } from '../liveness.ts';

/** What a member says about its view. */
export interface GroupView {
  readonly id: number;
  /** Lives of processes, in the order that all must agree on. */
  readonly members: readonly string[];
  /** Who numbers the messages, when the protocol has such a member. */
  readonly leader?: string;
}

interface AtNode {
  /** Virtual ms. */
  readonly at: Millis;
  /** One life of one process: a restart has another name. */
  readonly node: string;
}

/** A process began; from now on it wants to be a member. */
export interface StartEvent extends AtNode {
  readonly type: 'start';
}

/** A message was accepted from the application; a refused one is not an event. */
export interface SendEvent extends AtNode {
  readonly type: 'send';
  /** Unique in the run. */
  readonly message: string;
  /** A hash of its bytes, compared with those that are delivered. */
  readonly payload?: number | string;
}

/** A message was given to the application. */
export interface DeliverEvent extends AtNode {
  readonly type: 'deliver';
  readonly message: string;
  readonly sender: string;
  /** The view in which it was delivered. */
  readonly view: number;
  /** Its place in the row, when the protocol numbers messages. */
  readonly sequence?: number;
  readonly payload?: number | string;
  /** The state of the application after it (`orderHash`, a colour), for the cut of a state transfer. */
  readonly digest?: string;
}

/** A view was given to the application, between two messages. */
export interface InstallEvent extends AtNode {
  readonly type: 'install';
  readonly view: GroupView;
  /** Its place in the row, for protocols that number views among the messages. */
  readonly sequence?: number;
}

/** A joiner took over the state of the others. */
export interface StateEvent extends AtNode {
  readonly type: 'state';
  readonly view: number;
  /** The last message in it. */
  readonly sequence: number;
  readonly digest?: string;
}

/** A member numbered a message, or did whatever only the leader of the view may do. */
export interface OrderEvent extends AtNode {
  readonly type: 'order';
  readonly view: number;
}

/**
 * A life is over: the process crashed or was closed; it asked to leave (recorded when it asks); or it learned that the
 * others go on without it. After `exclude` the process may come back under the same name: that counts as a new life.
 */
export interface EndEvent extends AtNode {
  readonly type: 'crash' | 'leave' | 'exclude';
}

/** All that the checkers of group communication look at, in the order in which it happened. */
export type GroupEvent =
  | StartEvent
  | SendEvent
  | DeliverEvent
  | InstallEvent
  | StateEvent
  | OrderEvent
  | EndEvent
  | CalmEvent;

/** `agreed`: what a process delivers in a view that it does not survive binds nobody. `safe`: it binds all. */
export type GroupDelivery = 'agreed' | 'safe';
