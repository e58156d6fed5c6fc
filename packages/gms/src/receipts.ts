import type { Cancel, Clock, GrpError } from '@grp/core';
import type { MulticastOptions, Receipt } from './api.ts';
import { gmsError } from './errors.ts';

interface Pending {
  readonly number: number;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (cause: unknown) => void;
  readonly cleanUp: () => void;
}

/** Multicasts that wait for their delivery, in the order of their request numbers. */
export class Receipts {
  readonly #clock: Clock;
  #pending: (Pending | undefined)[] = [];
  #head = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when request `number` is delivered here. */
  wait(number: number, { signal, timeoutMs }: MulticastOptions = {}): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      let cancelTimer: Cancel = () => {};
      const giveUp = (cause: unknown): void => this.#giveUp(number, cause);
      const onAbort = (): void => giveUp(signal?.reason);
      const cleanUp = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#pending.push({ number, resolve, reject, cleanUp });
      this.#count++;
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined)
        cancelTimer = this.#clock.wakeAt(this.#clock.now() + timeoutMs, () =>
          giveUp(gmsError('GMS_TIMEOUT', { context: { timeoutMs } })),
        );
    });
  }

  /** Own requests `first` … `first + count − 1` were delivered, the first of them as message `sequence`. */
  delivered(first: number, count: number, sequence: number, view: number): void {
    for (let entry = this.#peek(); entry !== undefined && entry.number < first + count; entry = this.#peek()) {
      this.#take(entry);
      if (entry.number >= first) entry.resolve({ sequence: sequence + entry.number - first, view });
      else entry.reject(gmsError('GMS_OUTCOME_UNKNOWN', { context: { reason: 'it was delivered while it was away' } }));
    }
  }

  /** Those before request `next` are in the state that was received: whether and where, nobody tells. */
  covered(next: number, cause: GrpError): void {
    for (let entry = this.#peek(); entry !== undefined && entry.number < next; entry = this.#peek()) {
      this.#take(entry);
      entry.reject(cause);
    }
  }

  rejectAll(cause: GrpError): void {
    this.covered(Infinity, cause);
  }

  #peek(): Pending | undefined {
    while (this.#head < this.#pending.length && this.#pending[this.#head] === undefined) this.#head++;
    if (this.#head > 0 && this.#head === this.#pending.length) {
      this.#pending = [];
      this.#head = 0;
    }
    return this.#pending[this.#head];
  }

  #take(entry: Pending): void {
    this.#pending[this.#head++] = undefined;
    this.#count--;
    entry.cleanUp();
  }

  #giveUp(number: number, cause: unknown): void {
    const index = this.#pending.findIndex((entry) => entry?.number === number);
    const entry = this.#pending[index];
    if (entry === undefined) return;
    this.#pending[index] = undefined;
    this.#count--;
    entry.cleanUp();
    entry.reject(cause);
  }
}
