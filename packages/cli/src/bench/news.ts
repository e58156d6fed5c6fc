/** What one list came to say about one member. */
export interface News {
  /** When it arrived in this process, in ms of `performance.now()`. */
  readonly at: number;
  /** Whose list it is. */
  readonly observer: string;
  readonly about: string;
  readonly kind: 'join' | 'suspect' | 'down' | 'leave';
}

export interface NewsQuestion {
  readonly kind: News['kind'];
  readonly about: string;
  readonly observers: readonly string[];
  readonly since: number;
}

/** All news of one cluster in order of arrival, and a way to wait for more. */
export class NewsLog {
  readonly #news: News[] = [];
  readonly #listeners = new Set<() => void>();

  add(news: News): void {
    this.#news.push(news);
    for (const listener of this.#listeners) listener();
  }

  /** News that arrived at or after `since`. */
  since(since: number): readonly News[] {
    const from = this.#news.findIndex(({ at }) => at >= since);
    return from === -1 ? [] : this.#news.slice(from);
  }

  /** When the latest news arrived; 0 when there is none. */
  get latestAt(): number {
    return this.#news.at(-1)?.at ?? 0;
  }

  /** When each of these observers first said so; those that have not are missing. */
  arrivals({ kind, about, observers, since }: NewsQuestion): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const news of this.since(since)) {
      const fits = news.kind === kind && news.about === about && observers.includes(news.observer);
      if (fits && !found.has(news.observer)) found.set(news.observer, news.at);
    }
    return found;
  }

  /** Waits until `holds`, asked again after each piece of news; false when `timeoutMs` passed first. @throws on abort */
  async until(holds: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (holds()) return true;
    let listener: () => void = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        listener = () => {
          if (signal.aborted) reject(signal.reason as Error);
          else if (holds()) resolve(true);
        };
        timer = setTimeout(() => resolve(false), timeoutMs);
        this.#listeners.add(listener);
        signal.addEventListener('abort', listener, { once: true });
      });
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', listener);
    }
  }
}
