import { invariant } from '@grp/core';
import type { Configuration, Entry, LogIndex } from '../types.ts';

/** A configuration and the entry that brought it; 0: what the cluster began with. */
export interface PlacedConfiguration {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** Nobody takes part: what a server knows that has not been told yet. */
export const emptyConfiguration: Configuration = { voters: [], outgoing: [], learners: [], addresses: {} };

/** The configurations of the log. The newest is in force, committed or not (§6); a cut of the log brings the older back. */
export class Configurations {
  // Ascending; the first one is committed.
  #placed: PlacedConfiguration[];

  constructor(first: PlacedConfiguration, later: readonly PlacedConfiguration[] = []) {
    this.#placed = [first, ...later.filter(({ index }) => index > first.index)];
  }

  get current(): Configuration {
    return this.newest.configuration;
  }

  get newest(): PlacedConfiguration {
    return this.#placed.at(-1) as PlacedConfiguration;
  }

  append(entries: readonly Entry[]): void {
    for (const { index, payload } of entries)
      if (payload.type === 'configuration') this.#placed.push({ index, configuration: payload.configuration });
  }

  truncateFrom(index: LogIndex): void {
    while (this.newest.index >= index) {
      this.#placed.pop();
      invariant(this.#placed.length > 0, 'a committed configuration is never cut away');
    }
  }

  /** What was in force right after this entry. */
  at(index: LogIndex): Configuration {
    const placed = this.#placed.findLast((candidate) => candidate.index <= index) ?? this.#placed[0];
    invariant(placed !== undefined, 'there is always a configuration');
    return placed.configuration;
  }

  /** Older ones than the one in force at this entry are not asked for again. */
  compact(index: LogIndex): void {
    const at = this.#placed.findLastIndex((candidate) => candidate.index <= index);
    if (at > 0) this.#placed.splice(0, at);
  }

  reset(placed: PlacedConfiguration): void {
    this.#placed = [placed];
  }
}
