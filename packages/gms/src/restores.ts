import type { StateTransfer } from './api.ts';
import type { Input } from './effects.ts';

/** The joiner's edge: feeds the application the state of the group, one attempt after the other. */
export class Restores {
  readonly #state: StateTransfer | undefined;
  readonly #push: (input: Input) => void;
  #feed: Feed | undefined;
  /** Of a state that is taken in without promises. */
  #direct: { readonly transfer: number; isFirst: boolean } | undefined;
  /** The application restores one state at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(state: StateTransfer | undefined, push: (input: Input) => void) {
    this.#state = state;
    this.#push = push;
  }

  begin(transfer: number): void {
    this.abort();
    if (this.#state?.restoreChunk !== undefined) {
      this.#direct = { transfer, isFirst: true };
      return;
    }
    const feed = new Feed((bytes) => this.#push({ type: 'consumed', transfer, bytes }));
    this.#feed = feed;
    const state = this.#state;
    if (state === undefined) {
      // Without a promise, so that members without a state join at once.
      feed.skip(() => this.#push({ type: 'restored', transfer, isOk: true, reason: '' }));
      return;
    }
    const attempt = this.#last.then(async () => {
      if (feed.isAborted) return;
      await state.restore(feed);
      await feed.skipped();
      this.#push({ type: 'restored', transfer, isOk: true, reason: '' });
    });
    this.#last = attempt.catch((cause: unknown) => {
      if (feed.isAborted) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#push({ type: 'restored', transfer, isOk: false, reason });
    });
  }

  chunk(bytes: Uint8Array, isLast: boolean): void {
    this.#feed?.add(bytes, isLast);
    if (this.#direct !== undefined) this.#take(this.#direct, bytes, isLast);
  }

  abort(): void {
    this.#feed?.abort();
    this.#feed = undefined;
    this.#direct = undefined;
  }

  #take(direct: { readonly transfer: number; isFirst: boolean }, bytes: Uint8Array, isLast: boolean): void {
    const { transfer, isFirst } = direct;
    direct.isFirst = false;
    try {
      this.#state?.restoreChunk?.(bytes, { isFirst, isLast });
    } catch (cause) {
      this.#direct = undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#push({ type: 'restored', transfer, isOk: false, reason });
      return;
    }
    if (bytes.length > 0) this.#push({ type: 'consumed', transfer, bytes: bytes.length });
    if (isLast) this.#push({ type: 'restored', transfer, isOk: true, reason: '' });
  }
}

/** The chunks of one state, as they come. What the application takes lets more of it come. */
class Feed implements AsyncIterable<Uint8Array> {
  isAborted = false;
  readonly #consumed: (bytes: number) => void;
  readonly #chunks: Uint8Array[] = [];
  #isComplete = false;
  #wakeUp: () => void = () => {};
  #onEnd: (() => void) | undefined;

  constructor(consumed: (bytes: number) => void) {
    this.#consumed = consumed;
  }

  add(bytes: Uint8Array, isLast: boolean): void {
    if (this.#onEnd === undefined && bytes.length > 0) this.#chunks.push(bytes);
    else if (bytes.length > 0) this.#consumed(bytes.length);
    this.#isComplete ||= isLast;
    if (this.#isComplete) this.#onEnd?.();
    this.#wakeUp();
  }

  abort(): void {
    this.isAborted = true;
    this.#wakeUp();
  }

  /** Nobody reads the rest: it is taken as it comes, and the end is told. */
  skip(onEnd: () => void): void {
    this.#onEnd = onEnd;
    for (const bytes of this.#chunks.splice(0)) this.#consumed(bytes.length);
    if (this.#isComplete) onEnd();
  }

  skipped(): Promise<void> {
    return new Promise((resolve) => this.skip(resolve));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      if (this.isAborted) throw new Error('the member that gave the state is gone; another one follows');
      const bytes = this.#chunks.shift();
      if (bytes !== undefined) {
        this.#consumed(bytes.length);
        yield bytes;
      } else if (this.#isComplete) return;
      else await new Promise<void>((resolve) => (this.#wakeUp = resolve));
    }
  }
}
