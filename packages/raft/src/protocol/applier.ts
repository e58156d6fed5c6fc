import { invariant } from '@grp/core';
import type { Ticket } from '../effects.ts';
import { entryBytes, type Entry, type LogIndex } from '../types.ts';
import type { Snapshots } from './snapshots.ts';
import type { State } from './state.ts';

/** Hands committed entries to the state machine, in order and within a budget (§5.3). */
export class Applier {
  readonly #state: State;
  readonly #snapshots: Snapshots;
  #reading: Ticket | undefined;
  #open: { readonly last: LogIndex; readonly bytes: number }[] = [];
  #openBytes = 0;

  constructor(state: State, snapshots: Snapshots) {
    this.#state = state;
    this.#snapshots = snapshots;
  }

  onApplied(index: LogIndex): void {
    const state = this.#state;
    if (index <= state.applied) return; // of before a snapshot was installed
    invariant(index <= state.applying, 'only what was handed over is applied');
    state.applied = index;
    while ((this.#open[0]?.last ?? Infinity) <= index) this.#openBytes -= this.#open.shift()?.bytes ?? 0;
  }

  /** A snapshot took the place of everything. */
  onInstalled(): void {
    this.#reading = undefined;
    this.#open = [];
    this.#openBytes = 0;
  }

  /** Entries from disk, asked for by `flush`. */
  onLogRead(ticket: Ticket, entries: readonly Entry[] | undefined): boolean {
    if (this.#reading !== ticket) return false;
    this.#reading = undefined;
    const { applying, log } = this.#state;
    if (entries === undefined || entries[0]?.index !== applying + 1) return true; // asked for again
    invariant(
      entries.every(({ index, term }) => log.term(index) === term),
      'the disk gives back what was written',
    );
    this.#apply(entries);
    return true;
  }

  flush(): void {
    const state = this.#state;
    const { config, log } = state;
    while (state.applying < state.commit && this.#openBytes < config.applyBytesMax && this.#reading === undefined) {
      if (state.installing !== undefined) return;
      const entries = log.slice(state.applying + 1, config.appendBytesMax);
      if (entries === undefined) this.#read();
      else this.#apply(entries.filter(({ index }) => index <= state.commit));
    }
  }

  #read(): void {
    const state = this.#state;
    const ticket = state.newTicket();
    this.#reading = ticket;
    const to = Math.min(state.commit, state.log.cacheFrom - 1);
    const bytesMax = state.config.appendBytesMax;
    state.effect({ type: 'read-log', ticket, from: state.applying + 1, to, bytesMax });
  }

  #apply(entries: readonly Entry[]): void {
    const state = this.#state;
    const last = (entries.at(-1) as Entry).index;
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    state.applying = last;
    this.#open.push({ last, bytes });
    this.#openBytes += bytes;
    this.#snapshots.appliedBytes(bytes);
    state.effect({ type: 'apply', entries });
  }
}
