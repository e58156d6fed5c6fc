import type { Millis } from '@grp/core';
import type { Effect } from '../effects.ts';
import type { Message } from '../messages.ts';
import type { HardState, LogIndex, LogPosition, ServerId } from '../types.ts';
import type { LogView } from './log.ts';

/**
 * What is on its way to the disk, and what must not be said before it is there. Each step makes at most one write; writes
 * have numbers, and the disk confirms numbers, never indices: a confirmation can then not be taken for one of an entry
 * that replaced another.
 */
export class DiskQueue {
  readonly #log: LogView;
  #issued = 0;
  #confirmed = 0;
  readonly #open: { readonly number: number; readonly at: Millis }[] = [];
  // Entries up to here have been handed to the disk.
  #written: LogIndex;
  #isHardStateDirty = false;
  #hardStateNumber = 0;
  #truncateFrom: LogIndex | undefined;
  #reset: LogPosition | undefined;
  // The newest message for each peer: an older one may be lost like any message.
  readonly #held = new Map<ServerId, { readonly number: number; readonly message: Message }>();

  constructor(log: LogView) {
    this.#log = log;
    this.#written = log.lastIndex;
  }

  touchHardState(): void {
    this.#isHardStateDirty = true;
  }

  truncated(from: LogIndex): void {
    if (from > this.#written) return; // the disk never had it
    this.#truncateFrom = Math.min(this.#truncateFrom ?? from, from);
    this.#written = from - 1;
  }

  /** The log was emptied: by an installed snapshot, which did the same on disk, or to be written that way. */
  emptied(base: LogPosition, isOnDisk: boolean): void {
    this.#truncateFrom = undefined;
    this.#written = base.index;
    if (!isOnDisk) this.#reset = base;
  }

  /** The number of the write that holds everything decided so far. */
  get number(): number {
    return this.#isDirty() ? this.#issued + 1 : this.#issued;
  }

  get isHardStateDurable(): boolean {
    return !this.#isHardStateDirty && this.#hardStateNumber <= this.#confirmed;
  }

  isConfirmed(number: number): boolean {
    return number <= this.#confirmed;
  }

  /** When the oldest write began that the disk has not confirmed. */
  get waitingSince(): Millis | undefined {
    return this.#open[0]?.at;
  }

  /** Keeps a message until all that was decided so far is durable. */
  hold(to: ServerId, message: Message): void {
    this.#held.set(to, { number: this.number, message });
  }

  confirm(number: number): void {
    if (number <= this.#confirmed) return;
    this.#confirmed = number;
    while ((this.#open[0]?.number ?? Infinity) <= number) this.#open.shift();
    this.#log.confirm(number);
  }

  /** Messages that may be sent now. */
  *release(): Generator<{ readonly to: ServerId; readonly message: Message }> {
    if (this.#isDirty()) return;
    for (const [to, { number, message }] of this.#held) {
      if (number > this.#confirmed) continue;
      this.#held.delete(to);
      yield { to, message };
    }
  }

  /** One write for everything that changed in this step. */
  flush(hardState: HardState, commit: LogIndex, now: Millis): Extract<Effect, { type: 'persist' }> | undefined {
    if (!this.#isDirty()) return undefined;
    const number = ++this.#issued;
    const log = this.#log;
    const entries = log.lastIndex > this.#written ? (log.slice(this.#written + 1, Infinity) ?? []) : [];
    const isHardState = this.#isHardStateDirty;
    const [truncateFrom, reset] = [this.#truncateFrom, this.#reset];
    if (isHardState) this.#hardStateNumber = number;
    if (entries.length > 0) log.wrote({ number, written: log.lastIndex, last: log.lastIndex });
    this.#written = log.lastIndex;
    this.#isHardStateDirty = false;
    this.#truncateFrom = undefined;
    this.#reset = undefined;
    this.#open.push({ number, at: now });
    return {
      type: 'persist',
      number,
      ...(truncateFrom !== undefined && { truncateFrom }),
      ...(reset !== undefined && { reset }),
      entries,
      ...(isHardState && { hardState }),
      commit,
    };
  }

  #isDirty(): boolean {
    return (
      this.#isHardStateDirty ||
      this.#truncateFrom !== undefined ||
      this.#reset !== undefined ||
      this.#log.lastIndex > this.#written
    );
  }
}
