import { nextColour, type Colour } from '@grp/gms';

/** A change of colour, as a worker asks for it. */
export interface ColourChange {
  /** `n3-2`: the second of n3. */
  readonly id: string;
  readonly sender: string;
  /** Among those of its sender, from 1. */
  readonly count: number;
  /** What is added to the colour, 1 … 255. */
  readonly change: number;
}

/** What a worker is: its colour, and how many changes have made it so. */
export interface WorkerState {
  readonly colour: Colour;
  readonly count: number;
  /** How many of them each sender has sent. */
  readonly bySender: ReadonlyMap<string, number>;
}

/** A worker before the first change. */
export const freshWorker: WorkerState = { colour: [0, 0, 0], count: 0, bySender: new Map() };

/** The worker after one change more. */
export function changed({ colour, count, bySender }: WorkerState, message: ColourChange): WorkerState {
  return {
    colour: nextColour(colour, message.change),
    count: count + 1,
    bySender: new Map(bySender).set(message.sender, message.count),
  };
}

/** Members in the order of joining; the first one leads. */
export interface LevelView {
  /** Counted by the leaders for the checkers; the levels themselves have no such number. */
  readonly id: number;
  readonly members: readonly string[];
}

/** What the members of gms1 … gms4 tell each other. */
export type Wire =
  | { readonly type: 'request'; readonly message: ColourChange }
  | { readonly type: 'join'; readonly node: string }
  | Numbered
  | { readonly type: 'ack'; readonly upTo: number };

/** What a leader multicasts. Levels below gms3 leave `number` at 0 and ignore it. */
export type Numbered =
  | { readonly type: 'message'; readonly number: number; readonly message: ColourChange }
  /** `state` is for a joiner: that of the leader's worker when it made the view. */
  | { readonly type: 'view'; readonly number: number; readonly view: LevelView; readonly state: WorkerState };

export type LevelInput =
  | { readonly type: 'multicast'; readonly message: ColourChange }
  | { readonly type: 'receive'; readonly from: string; readonly wire: Wire }
  | { readonly type: 'down'; readonly member: string }
  | { readonly type: 'join'; readonly contact: string };

export type LevelEffect =
  /** `inMulticast`: one of several, and the leader may be made to crash after it. */
  | { readonly type: 'send'; readonly to: string; readonly wire: Wire; readonly inMulticast: boolean }
  | { readonly type: 'order'; readonly message: ColourChange; readonly view: number }
  | {
      readonly type: 'deliver';
      readonly message: ColourChange;
      readonly view: number;
      readonly number: number;
      readonly worker: WorkerState;
    }
  | { readonly type: 'install'; readonly view: LevelView; readonly number: number; readonly state?: WorkerState };

/** How a message is called in a trace. */
export function labelOf(wire: Wire): string {
  switch (wire.type) {
    case 'request':
      return `?${wire.message.id}`;
    case 'message':
      return wire.message.id;
    case 'view':
      return `view ${wire.view.id}`;
    case 'join':
      return `join ${wire.node}`;
    default:
      return `ack ${wire.upTo}`;
  }
}
