import { fraction, GrpError, type Address, type Clock, type Logger, type Random } from '@grp/core';
import type { Group } from '@grp/gms';
import type { NodeConfig } from '../config.ts';
import { sleep } from '../waiting.ts';

export interface GroupJoinerOptions {
  readonly group: Pick<Group, 'join'>;
  /** Found the group when nobody can be asked; otherwise wait until somebody can. */
  readonly founder: boolean;
  /** Where to ask, looked up anew before each attempt. */
  readonly seeds: () => Promise<readonly Address[]>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: Pick<NodeConfig, 'joinTimeoutMs' | 'joinRetryMinMs' | 'joinRetryMaxMs'>;
  readonly onJoined: () => void;
  readonly onFatal: (error: unknown) => void;
}

/**
 * Brings a node into its group. A node that was given no seeds founds the group when it knows of nobody; all others only
 * ever join, so that two nodes that start together do not found two groups. After that the group looks after itself.
 */
export class GroupJoiner {
  readonly #options: GroupJoinerOptions;
  readonly #abort = new AbortController();
  #joined = false;

  constructor(options: GroupJoinerOptions) {
    this.#options = options;
  }

  get joined(): boolean {
    return this.#joined;
  }

  /** Resolves when the first attempt is over, whatever came of it; the next ones follow by themselves. */
  async start(): Promise<void> {
    if (await this.#attempt(1)) return;
    void this.#retry().catch((cause: unknown) => this.#options.onFatal(cause));
  }

  /** Ends an attempt under way and all further ones. Idempotent. */
  stop(): void {
    this.#abort.abort();
  }

  async #retry(): Promise<void> {
    const { clock, random, config } = this.#options;
    let pauseMs: number = config.joinRetryMinMs;
    for (let attempt = 2; ; attempt++) {
      await sleep(clock, pauseMs * (0.5 + fraction(random) / 2), this.#abort.signal);
      if (await this.#attempt(attempt)) return;
      pauseMs = Math.min(pauseMs * 2, config.joinRetryMaxMs);
    }
  }

  /** True: there is nothing more to try. */
  async #attempt(attempt: number): Promise<boolean> {
    const { group, founder, config, logger, onJoined, onFatal } = this.#options;
    const { signal } = this.#abort;
    if (signal.aborted) return true;
    try {
      const seeds = await this.#options.seeds();
      if (seeds.length === 0 && !founder) throw new Error('no member of the group is known yet');
      const view = await group.join(seeds, { timeoutMs: config.joinTimeoutMs, signal });
      logger.log('info', 'gms.joined', { view: view.id, members: view.members.length, attempt });
      this.#joined = true;
      onJoined();
      return true;
    } catch (cause) {
      if (signal.aborted) return true;
      if (cause instanceof GrpError && (cause.kind === 'conflict' || cause.kind === 'usage')) {
        onFatal(cause);
        return true;
      }
      const message = cause instanceof Error ? cause.message : String(cause);
      logger.log(attempt > 3 ? 'warn' : 'debug', 'gms.join-failed', { attempt, message });
      return false;
    }
  }
}
