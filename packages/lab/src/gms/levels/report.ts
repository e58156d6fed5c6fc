import type { Violation } from '@grp/sim';
import type { SpaceTimeEvent } from '../../spacetime/events.ts';
import type { Divergence } from './divergence.ts';
import type { ColourChange } from './messages.ts';

/** One worker at the end. */
export interface WorkerReport {
  readonly node: string;
  readonly state: 'running' | 'paused' | 'crashed';
  /** The last view it installed. */
  readonly view: { readonly id: number; readonly members: readonly string[] } | undefined;
  readonly leads: boolean;
  /** `#rrggbb`. */
  readonly colour: string;
  /** Changes that made the colour, those in a received state included. */
  readonly count: number;
}

/** What a run gives back. */
export interface LabReport {
  readonly level: string;
  readonly seed: number;
  /** SHA-256, in hex: a replay must reproduce it. */
  readonly traceHash: string;
  readonly violations: readonly Violation[];
  readonly workers: readonly WorkerReport[];
  /** Undefined: all workers that live have seen the same row. */
  readonly divergence: Divergence | undefined;
  readonly figures: {
    readonly sent: number;
    /** Of the living, never delivered by their own sender. */
    readonly lostOwn: number;
    readonly crashes: number;
    readonly transmitted: number;
  };
  readonly events: readonly SpaceTimeEvent[];
}

/** A row of deliveries of one worker. */
export interface WorkerRow {
  readonly node: string;
  readonly isLiving: boolean;
  /** Changes in the state that it began with. */
  readonly base: number;
  readonly messages: readonly ColourChange[];
}
