import type { StateTransfer } from './api.ts';
import type { Input } from './effects.ts';

type Chunks = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

const nothing = new Uint8Array(0);

/** The donor's edge: captured states of the application, drawn chunk by chunk. */
export class Captures {
  readonly #state: StateTransfer | undefined;
  readonly #push: (input: Input) => void;
  readonly #open = new Map<number, Chunks>();

  constructor(state: StateTransfer | undefined, push: (input: Input) => void) {
    this.#state = state;
    this.#push = push;
  }

  /** Called between two deliveries. */
  capture(donation: number): void {
    try {
      this.#open.set(donation, iteratorOf(this.#state?.capture() ?? []));
    } catch {
      this.#push({ type: 'capture-failed', donation });
    }
  }

  draw(donation: number): void {
    const chunks = this.#open.get(donation);
    if (chunks === undefined) return;
    try {
      const next = chunks.next();
      if (next instanceof Promise)
        next.then(
          (result) => this.#take(donation, result),
          () => this.#fail(donation),
        );
      else this.#take(donation, next);
    } catch {
      this.#fail(donation);
    }
  }

  end(donation: number): void {
    const chunks = this.#open.get(donation);
    this.#open.delete(donation);
    try {
      void Promise.resolve(chunks?.return?.()).catch(() => {}); // lets a generator clean up
    } catch {
      // the application's own trouble
    }
  }

  #take(donation: number, { done, value }: IteratorResult<Uint8Array, unknown>): void {
    if (!this.#open.has(donation)) return;
    const bytes = done === true ? nothing : value;
    this.#push({ type: 'chunk', donation, bytes, isLast: done === true });
  }

  #fail(donation: number): void {
    if (this.#open.delete(donation)) this.#push({ type: 'capture-failed', donation });
  }
}

function iteratorOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Chunks {
  return Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
}
