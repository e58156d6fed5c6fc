import type { Clock, Logger } from '@grp/core';
import { scrub, type BlobStore } from '@grp/dfs/node';
import { sleep } from '../waiting.ts';
import type { ServerLife } from './server-life.ts';

export interface ScrubberOptions {
  readonly store: BlobStore;
  readonly life: ServerLife;
  readonly intervalMs: number;
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So fast goes a pass that somebody asked for. */
const askedBytesPerSecond = 1_073_741_824;

/** Reads everything a node holds, now and then, slowly; and tells the metadata what it holds, which finds what is missing. */
export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #stop = new AbortController();
  #next = new AbortController();
  #passes = 0;
  #errors = 0;
  #bytes = 0;
  #scrubbing: Promise<void> | undefined;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  get counts(): { readonly passes: number; readonly errors: number; readonly bytes: number } {
    return { passes: this.#passes, errors: this.#errors, bytes: this.#bytes };
  }

  start(): void {
    this.#scrubbing ??= this.#run();
  }

  /** The next pass begins now, and does not hold back. */
  hurry(): void {
    this.#next.abort();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#next.abort();
    await this.#scrubbing;
  }

  async #run(): Promise<void> {
    const { clock, intervalMs, bytesPerSecond, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(clock, intervalMs, this.#next.signal);
      const isAsked = this.#next.signal.aborted;
      if (isAsked) this.#next = new AbortController();
      if (signal.aborted) return;
      try {
        await this.#pass(isAsked ? askedBytesPerSecond : bytesPerSecond);
      } catch (cause) {
        logger.log('warn', 'dfs.scrub-failed', { problem: cause instanceof Error ? cause.message : String(cause) });
      }
    }
  }

  async #pass(bytesPerSecond: number): Promise<void> {
    const { store, life, logger } = this.#options;
    const onDamaged = (blob: string): void => {
      this.#errors++;
      life.damaged(blob);
    };
    const { blobs, bytes, damaged } = await scrub(store, { bytesPerSecond, onDamaged, signal: this.#stop.signal });
    this.#bytes += bytes;
    if (this.#stop.signal.aborted) return;
    await life.report();
    this.#passes++;
    logger.log(damaged > 0 ? 'warn' : 'debug', 'dfs.scrubbed', { blobs, bytes, damaged });
  }
}
