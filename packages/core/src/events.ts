import type { Cancel } from './ports.ts';

/** How events are read in a loop. */
export interface IterateOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /** Events kept for a slow reader (default 1,024); then the oldest go, and `onDropped` hears how many. */
  readonly bufferMax?: number;
  readonly onDropped?: (count: number) => void;
}

/**
 * One kind of event, many listeners. A listener that throws does not disturb the others or the node: `onListenerError`
 * hears of it.
 */
export class Events<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #closers = new Set<() => void>();
  readonly #onListenerError: (cause: unknown) => void;
  #closed = false;

  constructor(onListenerError: (cause: unknown) => void = () => {}) {
    this.#onListenerError = onListenerError;
  }

  /** Hears every event from now on. */
  on(listener: (event: Event) => void): Cancel {
    const own = (event: Event): void => listener(event); // so that one function may listen twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  emit(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (cause) {
        this.#onListenerError(cause);
      }
    }
  }

  /** Events from now on, until `signal` or `close`. Leave it by `break` or `return()`, so that it lets go. */
  iterate(options: IterateOptions = {}): AsyncGenerator<Event, void, void> {
    const iteration = this.#iterate(options);
    void iteration.next(); // a generator runs when it is asked first; it must hear what comes before that, too
    return iteration;
  }

  /** Events from now on, until `signal` or `close`, after a first value that means nothing. */
  async *#iterate({ signal, bufferMax = 1_024, onDropped }: IterateOptions): AsyncGenerator<Event, void, void> {
    const buffer: Event[] = [];
    let ended = this.#closed || signal?.aborted === true;
    let wakeUp: () => void = () => {};
    const end = (): void => {
      ended = true;
      wakeUp();
    };
    const cancel = this.on((event) => {
      buffer.push(event);
      if (buffer.length > bufferMax) {
        const dropped = buffer.splice(0, buffer.length - bufferMax);
        onDropped?.(dropped.length);
      }
      wakeUp();
    });
    signal?.addEventListener('abort', end, { once: true });
    this.#closers.add(end);
    try {
      yield undefined as Event;
      for (;;) {
        while (buffer.length > 0) yield buffer.shift() as Event;
        if (ended) return;
        await new Promise<void>((resolve) => (wakeUp = resolve));
      }
    } finally {
      cancel();
      signal?.removeEventListener('abort', end);
      this.#closers.delete(end);
    }
  }

  /** Ends all iterations and forgets all listeners. */
  close(): void {
    this.#closed = true;
    for (const end of [...this.#closers]) end();
    this.#listeners.clear();
  }
}
