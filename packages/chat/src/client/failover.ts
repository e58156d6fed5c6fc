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

/** A password takes a server some hundred milliseconds when it is busy: silence means less then. */
const heavyFactor = 4;

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** It costs a server much, so that others are asked later. */
  readonly isHeavy?: boolean;
}

interface RaceOptions {
  readonly deadline: number;
  readonly isHeavy: boolean;
  readonly signal: AbortSignal | undefined;
  readonly noteSetback: (setback: Setback) => void;
}

interface Ended<Answer> {
  readonly server: string;
  readonly outcome: Answer | Setback;
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
  async call<Answer>(attempt: Attempt<Answer>, { timeoutMs, signal, isHeavy = false }: CallLimits): Promise<Answer> {
    const { clock, backoffMinMs, backoffMaxMs, random } = this.#options;
    const deadline = clock.now() + timeoutMs;
    let pauseMs = backoffMinMs;
    let problem = 'none was asked';
    let isMinority = false;
    const noteSetback = (setback: Setback): void => {
      // What a server says tells more than the silence of others.
      if (setback.noQuorum === true || !isMinority) problem = setback.problem;
      isMinority ||= setback.noQuorum === true;
      this.#learn(setback);
    };
    for (let tried = 0; ; tried++) {
      const outcome = await this.#race(attempt, { deadline, signal, isHeavy, noteSetback });
      if (!isSetback(outcome)) return outcome;
      signal?.throwIfAborted();
      noteSetback(outcome);
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

  /**
   * One server, and others beside it while it is silent: one after `hedgeMs`, another when that one has a setback or is
   * silent, too. The first answer counts; a setback only when nobody is left who may answer.
   */
  async #race<Answer>(
    attempt: Attempt<Answer>,
    { deadline, signal, isHeavy, noteSetback }: RaceOptions,
  ): Promise<Answer | Setback> {
    const { backoffMinMs } = this.#options;
    const hedgeMs = this.#options.hedgeMs * (isHeavy ? heavyFactor : 1);
    let pauseMs = backoffMinMs;
    const over = new AbortController();
    const limit = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    const asked = new Map<string, Promise<Ended<Answer>>>();
    const ask = (server: string): void => {
      const ended = attempt(server, limit).then((outcome) => ({ server, outcome }));
      ended.catch(() => {}); // when another one was faster
      asked.set(server, ended);
    };
    const timers = new Timers(this.#options.clock);
    const expired = timers.after(deadline - this.#options.clock.now(), 'expired' as const);
    ask(this.preferred);
    let rivalAt = timers.after(hedgeMs, 'rival' as const);
    try {
      for (;;) {
        const first = await Promise.race([...asked.values(), rivalAt, expired]);
        if (first === 'expired') return silence([...asked.keys()]);
        if (first === 'rival') {
          const rival = this.#rivalOf(asked);
          if (rival !== undefined) ask(rival);
          rivalAt = timers.after(hedgeMs, 'rival' as const);
          continue;
        }
        const { server, outcome } = first;
        if (!isSetback(outcome)) {
          this.#leader = server;
          return outcome;
        }
        asked.delete(server);
        if (asked.size === 0) return outcome;
        // Somebody else is still silent: in the meantime others are asked, and asked again.
        noteSetback(outcome);
        rivalAt = timers.after(Math.max(outcome.retryAfterMs, pauseMs), 'rival' as const);
        pauseMs = Math.min(2 * pauseMs, hedgeMs / 3);
      }
    } finally {
      timers.cancel();
      over.abort();
    }
  }

  /** Somebody to ask besides those who are asked already. */
  #rivalOf(asked: ReadonlyMap<string, unknown>): string | undefined {
    if (this.#leader !== undefined && !asked.has(this.#leader)) return this.#leader;
    const { servers } = this.#options;
    for (let step = 0; step < servers.length; step++) {
      const server = this.#turn();
      if (!asked.has(server)) return server;
    }
    return undefined;
  }

  #turn(): string {
    const { servers } = this.#options;
    return servers[this.#next++ % servers.length] as string;
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

/** Nobody has answered in time. */
function silence(servers: readonly string[]): Setback {
  return { type: 'setback', problem: `${servers.join(' and ')} did not answer in time`, retryAfterMs: 0 };
}

/** Timers that end together. */
class Timers {
  readonly #clock: Clock;
  readonly #cancels: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after<Word>(ms: number, word: Word): Promise<Word> {
    return new Promise((resolve) => {
      this.#cancels.push(this.#clock.wakeAt(this.#clock.now() + ms, () => resolve(word)));
    });
  }

  cancel(): void {
    for (const cancel of this.#cancels) cancel();
  }
}

function isSetback(outcome: unknown): outcome is Setback {
  return typeof outcome === 'object' && outcome !== null && (outcome as { type?: unknown }).type === 'setback';
}
