import { constants } from 'node:os';

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
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
  const handle = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      controller.abort();
      return;
    }
    try {
      onSecond();
    } finally {
      process.exit(128 + (constants.signals[name] ?? 0));
    }
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
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
