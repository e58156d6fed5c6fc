import { invariant } from './errors.ts';
import { wake, type Machine, type Wake } from './machine.ts';
import type { Cancel, Clock, Millis } from './ports.ts';

/** A machine, and what it is driven with. */
export interface DriveOptions<Input, Effect> {
  readonly machine: Machine<Input, Effect>;
  readonly clock: Clock;
  /** Carries out one effect. It may push inputs: they are queued for the next step, never re-entered. */
  readonly perform: (effect: Effect) => void;
  /** The machine or an effect threw, which is a bug. The driver is then dead and says nothing more. */
  readonly onFatal: (cause: unknown) => void;
  /** Inputs waiting for a step; one more is dropped and counted (default 65,536). */
  readonly inboxMax?: number;
  /**
   * Calls back at the end of this turn of the event loop, so that one step takes everything that arrived in it
   * (`setImmediate` in Node). Default: step at once.
   */
  readonly defer?: (callback: () => void) => void;
}

/** A machine that is being driven. */
export interface Driver<Input> {
  /** Hands the machine an input. False: dropped, because the inbox is full or the driver has stopped. */
  push(input: Input): boolean;
  /** Drops what waits, cancels the timer and ends the driver. Idempotent. */
  stop(): void;
  /** Inputs dropped since the start because the inbox was full. */
  readonly droppedCount: number;
}

/**
 * Runs one machine: takes what arrived, steps, performs the effects in order, re-arms the one timer. It never awaits:
 * what takes time comes back as an input.
 */
export function drive<Input, Effect>(options: DriveOptions<Input, Effect>): Driver<Input> {
  const { machine, clock, perform, onFatal, defer, inboxMax = 65_536 } = options;
  let inbox: (Input | Wake)[] = [];
  let state: 'idle' | 'scheduled' | 'busy' | 'stopped' = 'idle';
  let droppedCount = 0;
  let armedAt: Millis | undefined;
  let cancelTimer: Cancel = () => {};

  // A function, because TypeScript would otherwise believe that `state` is still 'busy' after `perform`.
  const isStopped = (): boolean => state === 'stopped';

  function accept(input: Input | Wake): boolean {
    if (state === 'stopped') return false;
    if (inbox.length >= inboxMax) {
      droppedCount++;
      return false;
    }
    inbox.push(input);
    if (state === 'idle') {
      if (defer === undefined) run();
      else {
        state = 'scheduled';
        defer(run);
      }
    }
    return true;
  }

  function run(): void {
    if (state === 'stopped') return;
    state = 'busy';
    try {
      while (inbox.length > 0) {
        const inputs = inbox;
        inbox = [];
        for (const effect of machine.step(inputs, clock.now())) {
          perform(effect); // the order is the contract
          if (isStopped()) return;
        }
      }
      if (isStopped()) return;
      arm(machine.nextDeadline());
      state = 'idle';
    } catch (cause) {
      stop();
      onFatal(cause);
    }
  }

  function arm(at: Millis | undefined): void {
    if (at === armedAt) return;
    cancelTimer();
    armedAt = at;
    if (at === undefined) return;
    invariant(!Number.isNaN(at), 'a deadline is a number');
    cancelTimer = clock.wakeAt(at, () => {
      armedAt = undefined;
      accept(wake);
    });
  }

  function stop(): void {
    state = 'stopped';
    inbox = [];
    cancelTimer();
    armedAt = undefined;
  }

  arm(machine.nextDeadline());
  return {
    push: accept,
    stop,
    get droppedCount() {
      return droppedCount;
    },
  };
}
