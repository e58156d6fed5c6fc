import type { Millis } from './ports.ts';

/** Tells a machine that its deadline has come. */
export interface Wake {
  readonly type: 'wake';
}

/** The input of a machine whose deadline has come. */
export const wake: Wake = { type: 'wake' };

/**
 * The shape of every protocol core: input and time go in, effects come out. A machine reads no clock, draws chance only
 * from the `Random` it was built with, and touches no network or disk. The same inputs at the same times with the same
 * seed give the same effects.
 */
export interface Machine<Input, Effect> {
  /** Takes all inputs of one turn, in order. The effects are performed in order before the next step. */
  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[];
  /** When the machine wants a `wake` if nothing else happens; undefined: never. May lie in the past. */
  nextDeadline(): Millis | undefined;
}
