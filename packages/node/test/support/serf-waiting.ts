import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks again and again until the answer is not undefined, and gives it.
 * @throws Error that names what was waited for, with what was seen last
 */
export async function until<Found>(
  what: string,
  look: () => Found | undefined | Promise<Found | undefined>,
  { timeoutMs = 20_000, everyMs = 50 }: WaitOptions = {},
  seen?: () => unknown,
): Promise<Found> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() >= deadline) break;
    await pause(everyMs);
  }
  const last = seen === undefined ? '' : `; last seen: ${JSON.stringify(await seen())}`;
  throw new Error(`waited ${timeoutMs} ms in vain: ${what}${last}`);
}

/** As `until`, for a condition. */
export async function untilTrue(
  what: string,
  holds: () => boolean | Promise<boolean>,
  options?: WaitOptions,
  seen?: () => unknown,
): Promise<void> {
  await until(what, async () => ((await holds()) ? true : undefined), options, seen);
}
