import type { Millis } from '@grp/core';

interface InLane {
  /** Virtual ms. */
  readonly at: Millis;
  /** Whose lane: a process. */
  readonly lane: string;
}

/** A message leaves one process for another. */
export interface Departure extends InLane {
  readonly type: 'departure';
  readonly to: string;
  /** Finds its arrival; a departure without one was lost. */
  readonly serial: number;
  readonly label: string;
  /** Its place in the row, where the protocol numbers what it sends. */
  readonly number?: number;
  /** For leaving out what would hide the story, such as acknowledgements. */
  readonly kind: string;
}

export interface Arrival extends InLane {
  readonly type: 'arrival';
  readonly from: string;
  readonly serial: number;
}

/** Something that happens in one process alone. */
export interface Mark extends InLane {
  readonly type: 'mark';
  readonly mark: 'send' | 'deliver' | 'view' | 'state' | 'crash' | 'suspect' | 'trouble';
  readonly label: string;
  /** `deliver` and `state`: what the process shows from now on. */
  readonly worker?: { readonly colour: string; readonly count: number };
  /** `view`: what was installed. Its first member leads. */
  readonly view?: { readonly id: number; readonly members: readonly string[] };
}

/** What a space-time diagram shows (Lamport 1978): processes side by side, time downwards. */
export type SpaceTimeEvent = Departure | Arrival | Mark;
