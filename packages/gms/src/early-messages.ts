import type { Address } from '@grp/core';
import type { GroupMessage } from './messages.ts';
import type { Runtime } from './runtime.ts';
import type { ViewTable } from './view-table.ts';

interface Early {
  readonly from: Address;
  readonly message: GroupMessage;
}

const patienceMs = 50;
const controlBytes = 200;

/**
 * The hold-back buffer for messages of the next view, which may overtake the word that it is installed (weakness 3 of the
 * research). It is bounded: what is dropped is asked for again.
 */
export class EarlyMessages {
  readonly #runtime: Runtime;
  #held: Early[] = [];
  #epoch = 0;
  bytes = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  hold(from: Address, message: GroupMessage): void {
    const { config, deadlines, now } = this.#runtime;
    const size = 'frame' in message ? message.frame.length : controlBytes;
    if (deadlines.get('early') === undefined) deadlines.set('early', now + patienceMs);
    if (this.bytes + size > config.holdBackBytesMax) return this.#runtime.drop('hold-back buffer full');
    this.#epoch = message.epoch;
    this.#held.push({ from, message });
    this.bytes += size;
  }

  /** The view they wait for is there. */
  isDue(table: ViewTable | undefined): boolean {
    return this.#held.length > 0 && table !== undefined && table.view.id >= this.#epoch;
  }

  take(): readonly Early[] {
    const held = this.#held;
    this.clear();
    return held;
  }

  clear(): void {
    this.#held = [];
    this.bytes = 0;
    this.#runtime.deadlines.delete('early');
  }

  /** They have waited long: whoever is ahead is asked for the view. */
  onDeadline(ask: (from: Address) => void): void {
    const { deadlines, now } = this.#runtime;
    if (this.#held.length === 0) return;
    for (const from of new Set(this.#held.map((early) => early.from))) ask(from);
    deadlines.set('early', now + 2 * patienceMs);
  }
}
