import { NodeClient } from '../client/http-client.ts';
import type { NodeEvent } from '../client/events.ts';
import { News } from './news.ts';

export interface Observed {
  /** The node whose list it is. */
  readonly observer: string;
  /** When the news arrived here, in ms of this process's monotonic clock. */
  readonly at: number;
  readonly event: NodeEvent;
}

export interface SeenOptions {
  readonly observers: readonly string[];
  readonly since: number;
  readonly timeoutMs: number;
  readonly matches: (event: NodeEvent) => boolean;
}

/** Listens to the event streams of several nodes and notes when each piece of news arrived. */
export class Observers {
  readonly #seen: Observed[] = [];
  readonly #signal: AbortSignal;
  readonly #news = new News();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#news.wake(), { once: true });
  }

  /** Resolves when the stream is open: nothing after that is missed. @throws GrpError when the node does not answer */
  async watch(name: string, http: string): Promise<void> {
    const stream = await NodeClient.local(http, 5_000).events({ kinds: ['swim'], signal: this.#signal });
    void this.#read(name, stream);
  }

  /** Everything noted so far. */
  all(): readonly Observed[] {
    return this.#seen;
  }

  /** Waits until each observer has seen a matching event; those that have not in time are missing from the answer. */
  async seen({ observers, since, timeoutMs, matches }: SeenOptions): Promise<ReadonlyMap<string, number>> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const first = new Map<string, number>();
      for (const { observer, at, event } of this.#seen) {
        if (at >= since && observers.includes(observer) && !first.has(observer) && matches(event))
          first.set(observer, at);
      }
      const leftMs = deadline - performance.now();
      if (first.size === observers.length || leftMs <= 0 || this.#signal.aborted) return first;
      await this.#news.next(leftMs);
    }
  }

  async #read(observer: string, stream: AsyncIterable<NodeEvent>): Promise<void> {
    try {
      for await (const event of stream) {
        this.#seen.push({ observer, at: performance.now(), event });
        this.#news.wake();
      }
    } catch {
      // The node is gone: what its list says is nobody's question any more.
    }
  }
}
