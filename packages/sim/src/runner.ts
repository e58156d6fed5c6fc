import { GrpError, invariant, type Millis } from '@grp/core';
import { simError } from './errors.ts';
import type { Engine } from './engine.ts';
import { hostTurns } from './turn.ts';

/** How long a world runs until something holds. */
export interface UntilOptions {
  /** Virtual ms (default 60,000). */
  readonly withinMs?: Millis;
  /** How often the condition is looked at, in virtual ms (default 10); 0: after each event. */
  readonly everyMs?: Millis;
  /** What is waited for, for the message. */
  readonly what?: string;
}

/** Lets virtual time pass, with and without promises. */
export class Runner {
  readonly #engine: Engine;
  readonly #eachEvent: boolean;
  #busy = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(engine: Engine, promises: 'each-event' | 'settled') {
    this.#engine = engine;
    this.#eachEvent = promises === 'each-event';
  }

  /** Something went wrong outside of an event: the next step says so. */
  fail(cause: unknown): void {
    this.#failure ??= { cause };
  }

  runSync(until: Millis): void {
    const engine = this.#engine;
    this.#exclusively(() => {
      engine.runTo(until);
      this.#throwFailure();
      if (engine.diskSettled) throw simError('SIM_NEEDS_ASYNC');
    });
  }

  async run(until: Millis): Promise<void> {
    await this.#withTurns(async (settle) => {
      const engine = this.#engine;
      while (engine.queue.nextAt <= until) {
        this.#exclusively(() => engine.step(until));
        if (this.#mustSettle()) await settle();
      }
      engine.now = until;
    });
  }

  /** Virtual ms that it took. @throws GrpError SIM_TIMEOUT */
  async until(condition: () => boolean, options: UntilOptions = {}): Promise<Millis> {
    const engine = this.#engine;
    const startedAt = engine.now;
    const { withinMs = 60_000, everyMs = 10 } = options;
    const deadline = startedAt + withinMs;
    await this.#withTurns(async (settle) => {
      while (!condition()) {
        if (engine.now >= deadline) throw this.#timeout(options, withinMs);
        const lookAt = Math.min(everyMs === 0 ? engine.queue.nextAt : engine.now + everyMs, deadline);
        while (engine.queue.nextAt <= lookAt) {
          this.#exclusively(() => engine.step(lookAt));
          if (this.#mustSettle()) await settle();
          if (everyMs === 0) break;
        }
        if (engine.queue.nextAt > lookAt) engine.now = lookAt;
      }
    });
    return engine.now - startedAt;
  }

  /** As `until`, without promises. */
  untilSync(condition: () => boolean, options: UntilOptions = {}): Millis {
    const engine = this.#engine;
    const startedAt = engine.now;
    const { withinMs = 60_000, everyMs = 10 } = options;
    const deadline = startedAt + withinMs;
    while (!condition()) {
      if (engine.now >= deadline) throw this.#timeout(options, withinMs);
      if (everyMs === 0 && engine.queue.nextAt <= deadline) this.#exclusively(() => engine.step(deadline));
      else this.runSync(Math.min(engine.now + (everyMs === 0 ? withinMs : everyMs), deadline));
    }
    return engine.now - startedAt;
  }

  async #withTurns(body: (settle: () => Promise<void>) => Promise<void>): Promise<void> {
    const turns = hostTurns();
    const engine = this.#engine;
    const settle = async (): Promise<void> => {
      engine.called = false;
      engine.settled = false;
      engine.diskSettled = false;
      await turns.next();
      this.#throwFailure();
    };
    try {
      await settle(); // what the test itself has begun
      await body(settle);
      await settle();
    } finally {
      turns.close();
    }
  }

  #mustSettle(): boolean {
    const { called, settled } = this.#engine;
    return settled || (called && this.#eachEvent);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failed(this.#failure.cause);
  }

  #exclusively(work: () => void): void {
    invariant(!this.#busy, 'a world runs in one place at a time');
    this.#busy = true;
    try {
      work();
    } catch (cause) {
      throw this.#failed(cause);
    } finally {
      this.#busy = false;
      this.#engine.running = undefined;
    }
  }

  // Says which node threw, and when. What the test's own functions throw stays as it is.
  #failed(cause: unknown): unknown {
    const { running, now, seed } = this.#engine;
    if (running === undefined || (cause instanceof GrpError && cause.code === 'SIM_NODE_FAILED')) return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return simError('SIM_NODE_FAILED', { context: { node: running, now, seed, reason }, cause });
  }

  #timeout({ what = 'the condition' }: UntilOptions, withinMs: Millis): Error {
    const { now, seed } = this.#engine;
    return simError('SIM_TIMEOUT', { context: { withinMs, what, now, seed } });
  }
}
