import { metaConfig, type MetaConfig } from '../config.ts';
import { applyCommand } from './apply.ts';
import { decodeCommands, encodeResults } from './command-codec.ts';
import { safeRules, type MetaRules } from './records.ts';
import { captureState, restoreState } from './snapshot.ts';
import { MetaState } from './state.ts';

/**
 * The metadata as a replicated log's state machine: names, versions, who holds what, which life of which server counts.
 * The same entries at the same indices give the same answers and the same snapshot on every node.
 */
export class DfsMeta {
  readonly #config: MetaConfig;
  readonly #rules: MetaRules;
  readonly #listeners = new Set<() => void>();
  #state: MetaState;

  /** @throws GrpError CONFIG_INVALID */
  constructor(config: Partial<MetaConfig> = {}, rules: Partial<MetaRules> = {}) {
    this.#config = metaConfig.resolve(config);
    this.#rules = { ...safeRules, ...rules };
    this.#state = new MetaState(this.#config, this.#rules);
  }

  /** The copy as it is now; another object after `restore`. For reading only. */
  get state(): MetaState {
    return this.#state;
  }

  /** Carries out one entry. Bytes that are no entry change nothing and are answered by no result at all. */
  apply(entry: Uint8Array, index: number): Uint8Array {
    const state = this.#state;
    const commands = decodeCommands(entry) ?? [];
    const results = commands.map((command) => {
      // The first command of an entry is at the entry's index, unless longer entries before it have counted further.
      state.position = Math.max(state.position + 1, index);
      return applyCommand(state, command);
    });
    for (const listener of this.#listeners) listener();
    return encodeResults(results);
  }

  snapshot(): Uint8Array {
    return captureState(this.#state);
  }

  /** @throws GrpError DFS_SNAPSHOT_INVALID; the state is then as before */
  restore(snapshot: Uint8Array): void {
    this.#state = restoreState(snapshot, new MetaState(this.#config, this.#rules));
    for (const listener of this.#listeners) listener();
  }

  /** Calls back after every entry and every restore; the answer unsubscribes. */
  onApplied(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
