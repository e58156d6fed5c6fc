import { fraction, type Clock, type Random } from '@grp/core';
import { chatError } from '../errors.ts';

/** How an attempt at one server ended without an answer: another server, or a later time, may do better. */
export interface Setback {
  readonly type: 'setback';
  readonly problem: string;
  /** Who leads, in the words of the server asked. */
  readonly leader?: string | undefined;
  /** It works itself, but finds no majority of the servers. */
  readonly noQuorum?: boolean;
  /** Not before so long; 0: at once, elsewhere. */
  readonly retryAfterMs: number;
}

export interface Attempt<Answer> {
  (server: string, signal: AbortSignal): Promise<Answer | Setback>;
}

export interface FailoverOptions {
  /** `host:port` of every server. */
  readonly servers: readonly string[];
  /** Further ones that a server may name as the leader, but that are not tried otherwise. */
  readonly leaders?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** A server that has not answered after this gets a rival: the same request goes to the next one as well. */
  readonly hedgeMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/**
 * Finds a server that does what is asked: the leader first if anybody has named one, then each in turn, with a jittered
 * pause between rounds, and a rival for a server that is slow. Whatever is attempted must be safe to do twice.
 */
export class Failover {
  readonly #options: FailoverOptions;
  #leader: string | undefined;
  #next: number;

  constructor(options: FailoverOptions) {
    this.#options = options;
    // Clients that start together do not all begin at the same server.
    this.#next = Math.floor(fraction(options.random) * options.servers.length);
  }

  /** The server to begin with. */
  get preferred(): string {
    return this.#leader ?? this.#turn();
  }

  /** @throws GrpError CHAT_UNREACHABLE or CHAT_NO_QUORUM after `timeoutMs`; whatever an attempt threw; the signal's reason */
  async call<Answer>(
    attempt: Attempt<Answer>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    const { clock, backoffMinMs, backoffMaxMs, random } = this.#options;
    const deadline = clock.now() + timeoutMs;
    let pauseMs = backoffMinMs;
    let problem = 'none was asked';
    let isMinority = false;
    for (let tried = 0; ; tried++) {
      const outcome = await this.#race(attempt, deadline, signal);
      if (!isSetback(outcome)) return outcome;
      // What a server says tells more than the silence of others.
      if (outcome.noQuorum === true || !isMinority) problem = outcome.problem;
      isMinority ||= outcome.noQuorum === true;
      signal?.throwIfAborted();
      this.#learn(outcome);
      // A named leader is asked at once; a round that went through all servers in vain makes the next one wait.
      const hasTriedAll = (tried + 1) % this.#options.servers.length === 0;
      const waitMs = Math.max(outcome.retryAfterMs, hasTriedAll ? pauseMs * (0.5 + fraction(random) / 2) : 0);
      if (hasTriedAll) pauseMs = Math.min(pauseMs * 2, backoffMaxMs);
      if (clock.now() + waitMs >= deadline)
        throw chatError(isMinority ? 'CHAT_NO_QUORUM' : 'CHAT_UNREACHABLE', { context: { timeoutMs, problem } });
      if (waitMs > 0) await this.#sleep(waitMs, signal);
    }
  }

  /** A stream that worked, or did not, tells the same as a call. */
  learn(setback: Setback): void {
    this.#learn(setback);
  }

  #learn({ leader }: Setback): void {
    const { servers, leaders = [] } = this.#options;
    const known = leader !== undefined && leader !== this.#leader && [...servers, ...leaders].includes(leader);
    this.#leader = known ? leader : undefined;
  }

  /** One server, and a second one when the first is slow. The first answer counts; a setback only if both have one. */
  async #race<Answer>(
    attempt: Attempt<Answer>,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer | Setback> {
    const { clock, hedgeMs, servers } = this.#options;
    const over = new AbortController();
    const limit = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    const first = this.preferred;
    const run = async (server: string): Promise<Answer | Setback> => {
      const outcome = await attempt(server, limit);
      if (!isSetback(outcome)) this.#leader = server;
      return outcome;
    };
    const cancels: (() => void)[] = [];
    const expired = new Promise<Setback>((resolve) => {
      const problem = `${first} did not answer in time`;
      cancels.push(clock.wakeAt(deadline, () => resolve({ type: 'setback', problem, retryAfterMs: 0 })));
    });
    try {
      const one = run(first);
      one.catch(() => {});
      if (servers.length === 1) return await Promise.race([one, expired]);
      const slow = new Promise<'slow'>((resolve) => {
        cancels.push(clock.wakeAt(clock.now() + hedgeMs, () => resolve('slow')));
      });
      const early = await Promise.race([one, slow, expired]);
      if (early !== 'slow') return early;
      const two = run(this.#turn(first));
      two.catch(() => {});
      return await Promise.race([better(one, two), expired]);
    } finally {
      for (const cancel of cancels) cancel();
      over.abort();
    }
  }

  #turn(except?: string): string {
    const { servers } = this.#options;
    for (let step = 0; step < 2; step++) {
      const server = servers[this.#next++ % servers.length] as string;
      if (server !== except) return server;
    }
    return servers[0] as string;
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = clock.wakeAt(clock.now() + ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** The first answer or refusal of two; when both met a setback, the second one's, which is newer. */
async function better<Answer>(
  one: Promise<Answer | Setback>,
  two: Promise<Answer | Setback>,
): Promise<Answer | Setback> {
  const answered = async (
    outcome: Promise<Answer | Setback>,
    other: Promise<Answer | Setback>,
  ): Promise<Answer | Setback> => {
    const value = await outcome;
    return isSetback(value) ? other : value;
  };
  return Promise.race([answered(one, two), answered(two, one)]);
}

function isSetback(outcome: unknown): outcome is Setback {
  return typeof outcome === 'object' && outcome !== null && (outcome as { type?: unknown }).type === 'setback';
}
