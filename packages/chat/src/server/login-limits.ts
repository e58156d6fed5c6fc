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

/** What a guess goes against. */
export interface GuessKeys {
  /** Whose password it is; or the session in which it is asked for. */
  readonly name: string;
  /** Where it comes from. */
  readonly address: string;
}

const keysMax = 100_000;
/** A guess is judged within this. */
const judgingMs = 200;

/**
 * Slows down whoever guesses passwords: after so many failures in a window, a name, or an address, has to wait for its end.
 * The right password has to wait as well, so that waiting says nothing. Kept by each server for itself.
 */
export class LoginLimits {
  readonly #options: LoginLimitsOptions;
  /** In the order in which the windows began. */
  readonly #windows = new Map<string, Window>();
  /** Guesses by name that are not judged yet: as long as they may all be wrong, they count as such. */
  readonly #open = new Map<string, number>();

  constructor(options: LoginLimitsOptions) {
    this.#options = options;
  }

  /**
   * Lets someone say a password, who is wrong when `work` throws CHAT_LOGIN_REFUSED.
   * @throws GrpError CHAT_BUSY when there were too many wrong ones, or may be
   */
  async guess<Value>({ name, address }: GuessKeys, work: () => Promise<Value>): Promise<Value> {
    const byName = `name ${name.slice(0, 64).toLowerCase()}`;
    const keys = [byName, `address ${address}`];
    for (const key of keys) this.#check(key);
    this.#open.set(byName, (this.#open.get(byName) ?? 0) + 1);
    try {
      return await work();
    } catch (cause) {
      if ((cause as { readonly code?: unknown }).code === 'CHAT_LOGIN_REFUSED') this.#failed(keys);
      throw cause;
    } finally {
      const left = (this.#open.get(byName) ?? 1) - 1;
      if (left > 0) this.#open.set(byName, left);
      else this.#open.delete(byName);
    }
  }

  #check(key: string): void {
    const { now, failuresMax } = this.#options;
    const window = this.#windows.get(key);
    const waitMs = (window?.endsAt ?? 0) - now();
    const failures = window === undefined || waitMs <= 0 ? 0 : window.failures;
    if (failures >= failuresMax) throw chatError('CHAT_BUSY', { context: { retryAfterMs: Math.ceil(waitMs) } });
    if (failures + (this.#open.get(key) ?? 0) >= failuresMax)
      throw chatError('CHAT_BUSY', { context: { retryAfterMs: judgingMs } });
  }

  #failed(keys: readonly string[]): void {
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
