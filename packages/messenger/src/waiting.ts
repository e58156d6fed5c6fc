import type { Clock, Millis } from '@grp/core';

/** Resolves with the promise, whatever becomes of it, or after so long. */
export function untilOrAfter(clock: Clock, promise: Promise<unknown>, ms: Millis): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.wakeAt(clock.now() + ms, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    promise.then(done, done);
  });
}
