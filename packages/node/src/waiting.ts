import type { Clock } from '@grp/core';

/** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.wakeAt(clock.now() + ms, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/**
 * Waits for `work` at most `ms`, or until `signal` aborts. True: it ended well in time. What it throws is thrown; what it
 * throws too late is nobody's any more.
 */
export async function settlesWithin(
  clock: Clock,
  work: Promise<unknown>,
  limit: { readonly ms: number; readonly signal?: AbortSignal },
): Promise<boolean> {
  const given = new AbortController();
  const giveUp = (): void => given.abort();
  limit.signal?.addEventListener('abort', giveUp, { once: true });
  if (limit.signal?.aborted === true) giveUp();
  work.catch(() => {});
  try {
    return await Promise.race([work.then(() => true), sleep(clock, limit.ms, given.signal).then(() => false)]);
  } finally {
    given.abort(); // takes the timer back
    limit.signal?.removeEventListener('abort', giveUp);
  }
}
