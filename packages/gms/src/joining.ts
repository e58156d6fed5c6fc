import type { Address, Cancel, Clock, GrpError } from '@grp/core';
import type { MulticastOptions, View } from './api.ts';
import type { GmsConfig } from './config.ts';
import type { Effect, Input, JoinFailure } from './effects.ts';
import { gmsError } from './errors.ts';

export interface JoiningOptions {
  readonly clock: Clock;
  readonly config: GmsConfig;
  readonly push: (input: Input) => void;
  readonly view: () => View | undefined;
}

interface Waiting<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (cause: unknown) => void;
}

const refusalTexts = {
  'not-a-member': 'nobody there is a member',
  'other-group': 'its name is another one',
  'other-delivery': 'its delivery level is another one',
  full: 'it is full',
} as const;

/** The promises of `join()` and `leave()`, with their deadlines. */
export class Joining {
  readonly #options: JoiningOptions;
  #join: Waiting<View> | undefined;
  #leave: Waiting<void> | undefined;

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  get isLeaving(): boolean {
    return this.#leave !== undefined;
  }

  join(seeds: readonly Address[], { signal, timeoutMs }: MulticastOptions): Promise<View> {
    const view = this.#options.view();
    if (this.#join !== undefined) return this.#join.promise;
    if (view !== undefined) return Promise.resolve(view);
    const waiting = waitFor<View>();
    this.#join = waiting;
    const ms = timeoutMs ?? this.#options.config.joinTimeoutMs;
    const giveUp = (cause: unknown): void => {
      if (this.#join !== waiting) return;
      this.#join = undefined;
      this.#options.push({ type: 'abandon' });
      waiting.reject(cause);
    };
    const context = { timeoutMs: ms, seeds: seeds.join(', ') };
    this.#bound(waiting.promise, signal, ms, giveUp, () => gmsError('GMS_JOIN_TIMEOUT', { context }));
    this.#options.push({ type: 'join', seeds });
    return waiting.promise;
  }

  /** Resolves in any case: a leave that nobody confirms ends like a close. */
  leave({ signal, timeoutMs = 0 }: MulticastOptions): Promise<void> {
    if (this.#leave !== undefined) return this.#leave.promise;
    const waiting = waitFor<void>();
    this.#leave = waiting;
    this.#bound(
      waiting.promise,
      signal,
      timeoutMs,
      () => this.#options.push({ type: 'abandon' }),
      () => undefined,
    );
    this.#options.push({ type: 'leave' });
    return waiting.promise;
  }

  onEffect(effect: Extract<Effect, { type: 'joined' | 'join-failed' | 'left' }>): void {
    if (effect.type === 'joined') this.#settleJoin();
    else if (effect.type === 'join-failed') this.#failJoin(failureOf(effect.failure));
    else {
      this.#failJoin(gmsError('GMS_CLOSED'));
      this.#leave?.resolve();
    }
  }

  failAll(cause: GrpError): void {
    this.#failJoin(cause);
    this.#leave?.resolve();
  }

  #settleJoin(): void {
    const view = this.#options.view();
    if (view !== undefined) this.#join?.resolve(view);
    this.#join = undefined;
  }

  #failJoin(cause: GrpError): void {
    this.#join?.reject(cause);
    this.#join = undefined;
  }

  #bound(
    promise: Promise<unknown>,
    signal: AbortSignal | undefined,
    ms: number,
    giveUp: (cause: unknown) => void,
    timeout: () => GrpError | undefined,
  ): void {
    const { clock } = this.#options;
    const onAbort = (): void => giveUp(signal?.reason);
    const cancel: Cancel = clock.wakeAt(clock.now() + ms, () => giveUp(timeout()));
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const cleanUp = (): void => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    promise.then(cleanUp, cleanUp);
  }
}

function failureOf(failure: JoinFailure): GrpError {
  if (failure.kind === 'state') return gmsError('GMS_STATE_REFUSED', { context: { reason: failure.reason } });
  return gmsError('GMS_JOIN_REFUSED', { context: { reason: refusalTexts[failure.reason] } });
}

function waitFor<Value>(): Waiting<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  return { promise, resolve, reject };
}
