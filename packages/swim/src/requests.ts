import { formatAddress, tryParseAddress, type Address, type Cancel, type Clock } from '@grp/core';
import type { JoinResult, KeyReport, QueryOptions, QueryResult } from './api.ts';
import type { Effect, Input } from './effects.ts';
import { swimError } from './errors.ts';
import type { ResolvedSeeds, SeedResolver } from './ports.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly cleanUp: () => void;
}

interface JoinOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface RequestsOptions {
  readonly clock: Clock;
  /** False: there is no room for it. */
  readonly push: (input: Input) => boolean;
  readonly resolve?: SeedResolver;
}

const requestsMax = 1_024;
/** The default port of memberlist, for seeds without one. */
const defaultPort = 7_946;

/** Promises of the application that wait for the machine: each has a deadline, and there are never too many. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #waiting = new Map<number, Waiting>();
  #ticket = 0;
  #onLeft: () => void = () => {};

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Seeds that are addresses go out in this very call; names are resolved first. All of it within `timeoutMs`. */
  async join(seeds: readonly string[], options: JoinOptions): Promise<JoinResult> {
    const { resolve } = this.#options;
    let failures: ResolvedSeeds['failures'] = [];
    const outcome = await this.#ask<Extract<Effect, { type: 'joined' }>>(
      (ticket) => {
        const dial = (resolved: ResolvedSeeds): void => {
          failures = resolved.failures;
          // Whoever gave up while names were looked up joins nobody any more.
          if (this.#waiting.has(ticket)) this.#push({ type: 'join', ticket, addresses: resolved.addresses });
        };
        if (resolve === undefined) dial(resolveLiteral(seeds));
        else void resolve(seeds).then(dial, (cause: Error) => this.fail(ticket, cause));
      },
      { ...options, onTimeout: () => joinFailed(seeds) },
    );
    return this.#joined(outcome, failures);
  }

  /** Resolves when the machine says that the news is out, or after `timeoutMs`. */
  leave(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.wakeAt(this.#options.clock.now() + timeoutMs, resolve);
      this.#onLeft = () => {
        cancel();
        resolve();
      };
    });
  }

  onLeft(): void {
    this.#onLeft();
  }

  query(name: string, options: QueryOptions): Promise<QueryResult> {
    return this.#ask<QueryResult>((ticket) => this.#push({ type: 'ask', ticket, name, options }), {
      ...(options.signal && { signal: options.signal }),
    });
  }

  manageKeys(action: 'list' | 'install' | 'use' | 'remove', key: Uint8Array | undefined): Promise<KeyReport> {
    return this.#ask<KeyReport>((ticket) => this.#push({ type: 'manage-keys', ticket, action, key }), {});
  }

  /** Keeps the promise made for this ticket; unknown tickets have timed out. */
  settle(ticket: number, value: unknown): void {
    const waiting = this.#take(ticket);
    waiting?.resolve(value);
  }

  fail(ticket: number, error: Error): void {
    this.#take(ticket)?.reject(error);
  }

  failAll(error: Error): void {
    for (const { reject, cleanUp } of this.#waiting.values()) {
      cleanUp();
      reject(error);
    }
    this.#waiting.clear();
    this.#onLeft();
  }

  #joined({ contacted, failed }: Extract<Effect, { type: 'joined' }>, failures: ResolvedSeeds['failures']): JoinResult {
    const allFailed = [
      ...failures,
      ...failed.map(({ address, reason }) => ({ seed: address, code: 'SWIM_SEED', message: reason })),
    ];
    // A list of seeds that names only this node itself is fine: the first node of a cluster has no one to contact.
    if (contacted.length === 0 && allFailed.length > 0) {
      throw joinFailed(allFailed.map(({ seed, message }) => `${seed} (${message})`));
    }
    return { contacted, failed: allFailed };
  }

  /** Makes a promise and hands its ticket to `send`, which asks the machine now or later. */
  #ask<Result>(
    send: (ticket: number) => void,
    { timeoutMs, onTimeout, signal }: { timeoutMs?: number; onTimeout?: () => Error; signal?: AbortSignal },
  ): Promise<Result> {
    if (this.#waiting.size >= requestsMax) throw swimError('SWIM_BUSY', { context: { what: 'requests' } });
    const ticket = ++this.#ticket;
    return new Promise<Result>((resolve, reject) => {
      const { clock } = this.#options;
      const onAbort = (): void =>
        this.fail(ticket, signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      let cancelTimer: Cancel = () => {};
      const cleanUp = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#waiting.set(ticket, { resolve: (value) => resolve(value as Result), reject, cleanUp });
      if (signal?.aborted === true) return onAbort();
      if (timeoutMs !== undefined && onTimeout !== undefined) {
        cancelTimer = clock.wakeAt(clock.now() + timeoutMs, () => this.fail(ticket, onTimeout()));
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      return send(ticket);
    });
  }

  #push(input: Extract<Input, { type: 'join' | 'ask' | 'manage-keys' }>): void {
    if (!this.#options.push(input)) this.fail(input.ticket, swimError('SWIM_BUSY', { context: { what: 'inputs' } }));
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    waiting?.cleanUp();
    return waiting;
  }
}

function joinFailed(seeds: readonly string[]): Error {
  return swimError('SWIM_JOIN_FAILED', { context: { seeds: seeds.join(', ') } });
}

function resolveLiteral(seeds: readonly string[]): ResolvedSeeds {
  const addresses: Address[] = [];
  const failures: ResolvedSeeds['failures'][number][] = [];
  for (const seed of seeds) {
    const parsed = tryParseAddress(seed, defaultPort);
    if (parsed === undefined) failures.push({ seed, code: 'ADDRESS_INVALID', message: 'is not host:port' });
    else addresses.push(formatAddress(parsed.host, parsed.port));
  }
  return { addresses, failures };
}
