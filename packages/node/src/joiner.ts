import { fraction, GrpError, type Clock, type Logger, type Random } from '@grp/core';
import type { Swim } from '@grp/swim';
import type { NodeConfig } from './config.ts';
import { sleep } from './waiting.ts';

export interface JoinerOptions {
  readonly swim: Pick<Swim, 'join' | 'members'>;
  /** What the user gave: the node is not ready before one of them, or of `remembered`, has answered. */
  readonly seeds: readonly string[];
  /** Addresses from the last life. Alone they are tried in the background, and nobody waits for them. */
  readonly remembered: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: Pick<NodeConfig, 'joinTimeoutMs' | 'joinRetryMinMs' | 'joinRetryMaxMs'>;
  readonly onJoined: () => void;
  /** Trying again cannot help: the name is taken, or a seed is nonsense. */
  readonly onFatal: (error: GrpError) => void;
}

/**
 * Joins, and tries again with growing pauses until it has worked. After that it looks now and then whether the node is
 * alone: swim itself seeks only members that are down, and would never find a seed that left and came back.
 */
export class Joiner {
  readonly #options: JoinerOptions;
  readonly #abort = new AbortController();
  #started = false;
  #joined = false;

  constructor(options: JoinerOptions) {
    this.#options = options;
  }

  /** True once a seed has answered; for a node without seeds, once it is started. */
  get ready(): boolean {
    return this.#joined || (this.#started && this.#options.seeds.length === 0);
  }

  /** Resolves when the first attempt with the user's seeds is over, whatever came of it; the next ones follow by themselves. */
  async start(): Promise<void> {
    if (this.#started || this.#abort.signal.aborted) return;
    this.#started = true;
    const { seeds, remembered } = this.#options;
    if (seeds.length === 0) this.#options.onJoined();
    if (seeds.length + remembered.length === 0) return;
    const first = this.#attempt(1);
    void first.then((again) => (again ? this.#retry() : undefined)).then(() => this.#watch());
    if (seeds.length > 0) await first;
  }

  /** The node has joined in another way. */
  noteJoined(): void {
    if (this.#joined) return;
    this.#joined = true;
    this.#options.onJoined();
  }

  /** Ends an attempt under way and all further ones. Idempotent. */
  stop(): void {
    this.#abort.abort();
  }

  async #retry(): Promise<void> {
    const { clock, random, config } = this.#options;
    let pauseMs: number = config.joinRetryMinMs;
    for (let attempt = 2; ; attempt++) {
      // Between half and all of it, so that nodes started together do not ask together.
      await sleep(clock, pauseMs * (0.5 + fraction(random) / 2), this.#abort.signal);
      if (this.#abort.signal.aborted || this.#joined || this.#foundMeanwhile()) return;
      if (!(await this.#attempt(attempt))) return;
      pauseMs = Math.min(pauseMs * 2, config.joinRetryMaxMs);
    }
  }

  /** Asks the user's seeds again whenever nobody else is alive. Not being answered is no news then. */
  async #watch(): Promise<void> {
    const { swim, seeds, clock, config, logger } = this.#options;
    const { signal } = this.#abort;
    while (seeds.length > 0 && this.#joined) {
      await sleep(clock, config.joinRetryMaxMs, signal);
      if (signal.aborted) return;
      if (swim.members().some(({ status }, index) => index > 0 && (status === 'alive' || status === 'suspect')))
        continue;
      const result = await swim.join(seeds, { timeoutMs: config.joinTimeoutMs, signal }).catch(() => undefined);
      if (result !== undefined && result.contacted.length > 0) {
        logger.log('info', 'node.rejoined', { through: result.contacted.join(',') });
      }
    }
  }

  /** A node that only remembers peers need not look for them once somebody is there. */
  #foundMeanwhile(): boolean {
    const { seeds, swim } = this.#options;
    return seeds.length === 0 && swim.members().filter(({ status }) => status === 'alive').length > 1;
  }

  /** True: it failed, and another attempt makes sense. */
  async #attempt(attempt: number): Promise<boolean> {
    const { swim, seeds, remembered, logger, config } = this.#options;
    const { signal } = this.#abort;
    try {
      const result = await swim.join([...seeds, ...remembered], { timeoutMs: config.joinTimeoutMs, signal });
      logger.log('info', 'node.joined', { through: result.contacted.join(','), attempt });
      this.noteJoined();
      return false;
    } catch (cause) {
      if (signal.aborted) return false;
      const kind = cause instanceof GrpError ? cause.kind : 'failure';
      if (cause instanceof GrpError && (kind === 'conflict' || (kind === 'usage' && seeds.length > 0))) {
        this.#options.onFatal(cause);
        return false;
      }
      const message = cause instanceof Error ? cause.message : String(cause);
      logger.log(seeds.length > 0 ? 'warn' : 'info', 'node.join-failed', { attempt, message });
      return !(cause instanceof GrpError && cause.code === 'SWIM_STOPPED');
    }
  }
}
