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
  readonly push: (input: Input) => void;
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

  /** Seeds that are addresses go out in this very call; names are resolved first. */
  join(seeds: readonly string[], options: JoinOptions): Promise<JoinResult> {
    const { resolve } = this.#options;
    if (resolve === undefined) return this.#join(seeds, resolveLiteral(seeds), options);
    return resolve(seeds).then((resolved) => {
      options.signal?.throwIfAborted();
      return this.#join(seeds, resolved, options);
    });
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
    return this.#ask<QueryResult>((ticket) => ({ type: 'ask', ticket, name, options }), {
      ...(options.signal && { signal: options.signal }),
    });
  }

  manageKeys(action: 'list' | 'install' | 'use' | 'remove', key: Uint8Array | undefined): Promise<KeyReport> {
    return this.#ask<KeyReport>((ticket) => ({ type: 'manage-keys', ticket, action, key }), {});
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

  async #join(
    seeds: readonly string[],
    { addresses, failures }: ResolvedSeeds,
    { timeoutMs, signal }: JoinOptions,
  ): Promise<JoinResult> {
    const { contacted, failed } = await this.#ask<Extract<Effect, { type: 'joined' }>>(
      (ticket) => ({ type: 'join', ticket, addresses }),
      {
        timeoutMs,
        onTimeout: () => swimError('SWIM_JOIN_FAILED', { context: { seeds: seeds.join(', ') } }),
        ...(signal && { signal }),
      },
    );
    const allFailed = [
      ...failures,
      ...failed.map(({ address, reason }) => ({ seed: address, code: 'SWIM_SEED', message: reason })),
    ];
    // A list of seeds that names only this node itself is fine: the first node of a cluster has no one to contact.
    if (contacted.length === 0 && allFailed.length > 0) {
      const told = allFailed.map(({ seed, message }) => `${seed} (${message})`);
      throw swimError('SWIM_JOIN_FAILED', { context: { seeds: told.join(', ') } });
    }
    return { contacted, failed: allFailed };
  }

  #ask<Result>(
    input: (ticket: number) => Input,
    limits: { timeoutMs?: number; onTimeout?: () => Error; signal?: AbortSignal },
  ): Promise<Result> {
    if (this.#waiting.size >= requestsMax) throw swimError('SWIM_BUSY', { context: { what: 'requests' } });
    const ticket = ++this.#ticket;
    return new Promise<Result>((resolve, reject) => {
      const { timeoutMs, onTimeout, signal } = limits;
      const { clock } = this.#options;
      const onAbort = (): void =>
        this.fail(ticket, signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      let cancelTimer: Cancel = () => {};
      if (timeoutMs !== undefined && onTimeout !== undefined) {
        cancelTimer = clock.wakeAt(clock.now() + timeoutMs, () => this.fail(ticket, onTimeout()));
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      const cleanUp = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#waiting.set(ticket, { resolve: (value) => resolve(value as Result), reject, cleanUp });
      this.#options.push(input(ticket));
    });
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    waiting?.cleanUp();
    return waiting;
  }
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
