import { constants } from 'node:os';
import { cliError } from './errors.ts';

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /**
   * That work which was asked for was not done, because of the first signal: exit code 130 or 143, and never 0, so that
   * `put && rm` removes nothing. `what` says what became of it.
   */
  readonly cutShort: (what: string, hint: string) => Error;
  /** Waits for the first signal. */
  readonly wait: () => Promise<void>;
  /** Gives the signals back. Idempotent. */
  readonly disarm: () => void;
}

/**
 * The first SIGINT or SIGTERM aborts `signal`, so that the caller ends gracefully (exit code 0); a second one runs
 * `onSecond` and exits at once with 128 + its number. Arm before printing that something is ready: whoever reads that
 * line may send the signal.
 */
export function armSignals(onSecond: () => void = () => {}): Interruption {
  const controller = new AbortController();
  let first: NodeJS.Signals = 'SIGINT';
  const handle = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      first = name;
      controller.abort();
      return;
    }
    try {
      onSecond();
    } finally {
      process.exit(exitCodeOfSignal(name));
    }
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    cutShort: (what, hint) => cliError('CLI_INTERRUPTED', { context: { signal: first, what }, hint }),
    wait: () =>
      new Promise((resolve) => {
        if (controller.signal.aborted) resolve();
        else controller.signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    disarm() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

/** As a shell has it: 128 and the signal's number. */
export function exitCodeOfSignal(name: string): number {
  return 128 + (constants.signals[name as NodeJS.Signals] ?? 0);
}
