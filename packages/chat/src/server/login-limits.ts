import { chatError } from '../errors.ts';

export interface LoginLimitsOptions {
  readonly failuresMax: number;
  readonly windowMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

interface Window {
  failures: number;
  endsAt: number;
}

const keysMax = 100_000;

/**
 * Slows down whoever guesses passwords: after so many failures in a window, a name, or an address, has to wait for its end.
 * The right password has to wait as well, so that waiting says nothing. Kept by each server for itself.
 */
export class LoginLimits {
  readonly #options: LoginLimitsOptions;
  /** In the order in which the windows began. */
  readonly #windows = new Map<string, Window>();

  constructor(options: LoginLimitsOptions) {
    this.#options = options;
  }

  /** @throws GrpError CHAT_BUSY */
  check(...keys: readonly string[]): void {
    const now = this.#options.now();
    for (const key of keys) {
      const window = this.#windows.get(key);
      if (window === undefined || window.failures < this.#options.failuresMax || window.endsAt <= now) continue;
      throw chatError('CHAT_BUSY', { context: { retryAfterMs: Math.ceil(window.endsAt - now) } });
    }
  }

  failed(...keys: readonly string[]): void {
    const now = this.#options.now();
    for (const key of keys) {
      const window = this.#windows.get(key);
      if (window !== undefined && window.endsAt > now) {
        window.failures++;
        continue;
      }
      this.#windows.delete(key);
      this.#windows.set(key, { failures: 1, endsAt: now + this.#options.windowMs });
    }
    this.#forget(now);
  }

  /** What has ended goes; and when an attacker uses very many names, the oldest. */
  #forget(now: number): void {
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt > now && this.#windows.size <= keysMax) return;
      this.#windows.delete(key);
    }
  }
}
