import { below, chance, type Millis, type Random } from '@grp/core';
import { DfsMeta, type LogFailure, type MetaRules } from '@grp/dfs';

/** What the log asks of a node that runs. */
export interface LogReader {
  /** The next entry, or one further ahead when a snapshot is put in between. */
  readonly appliedIndex: number;
  apply(index: number, entry: Uint8Array): Uint8Array;
  standing(leading: boolean, leader: string | undefined): void;
}

export interface SimLogOptions {
  readonly random: Random;
  readonly rules: Partial<MetaRules>;
  readonly now: () => Millis;
  readonly at: (ms: Millis, action: () => void) => void;
  readonly names: readonly string[];
  /** The node's reader while it runs. */
  readonly reader: (name: string) => LogReader | undefined;
  readonly count: (what: string) => void;
  readonly onCommitted: () => void;
  /** A copy answered an entry in another way than the others. */
  readonly onDivergence: (name: string, index: number) => void;
}

interface Trouble {
  /** Proposals whose proposer is told an error: some of them are committed all the same. */
  errors: number;
  /** Proposals and barriers that are never answered. */
  silence: number;
  delayMs: Millis;
}

const calmTrouble: Trouble = { errors: 0, silence: 0, delayMs: 2 };

/** So long a leader that was deposed may not know of it. */
const latestMs = 400;

/**
 * A log with a leader that changes, in one place and without bytes on the network: what raft promises, with all that it
 * does not: errors for proposals that are committed, silence, leaders that do not know yet that they were deposed.
 */
export class SimLog {
  readonly #options: SimLogOptions;
  readonly #entries: Uint8Array[] = [];
  readonly #results: Uint8Array[] = [];
  /** What all copies must come to. */
  readonly truth: DfsMeta;
  #snapshot: { readonly index: number; readonly bytes: Uint8Array } | undefined;
  #leader: string | undefined;
  #term = 0;
  #electedAt: Millis = 0;
  trouble: Trouble = { ...calmTrouble };

  constructor(options: SimLogOptions) {
    this.#options = options;
    this.truth = new DfsMeta({}, options.rules);
  }

  get leader(): string | undefined {
    return this.#leader;
  }

  get lastIndex(): number {
    return this.#entries.length;
  }

  /** Brings a copy that begins, or is far behind, to where the log's snapshot is. Answers the index. */
  restore(meta: DfsMeta): number {
    if (this.#snapshot === undefined || chance(this.#options.random, 0.3)) return 0;
    meta.restore(this.#snapshot.bytes);
    return this.#snapshot.index;
  }

  /** Another node, or the same, leads from now on; the one before may hear of it late. */
  elect(name: string | undefined): void {
    const { random, at, now, names, reader } = this.#options;
    const before = this.#leader;
    this.#leader = name;
    const term = ++this.#term;
    this.#electedAt = now();
    this.#options.count('leader-changes');
    for (const other of names) {
      const lateMs = other === before ? below(random, latestMs) : below(random, 60);
      at(now() + lateMs, () => {
        if (term === this.#term) reader(other)?.standing(other === name, name);
      });
    }
  }

  /** Tells a life that begins who leads, and, later, one that may have missed it. */
  greet(name: string, isNew = true): void {
    if (!isNew && this.#options.now() - this.#electedAt < latestMs) return;
    this.#options.reader(name)?.standing(name === this.#leader, this.#leader);
  }

  propose(name: string, entry: Uint8Array, done: (answer: Uint8Array | LogFailure) => void): void {
    const { random, at, now } = this.#options;
    const term = this.#term;
    at(now() + this.#delay(), () => {
      if (name !== this.#leader) return done('not-leader');
      if (term !== this.#term && chance(random, 0.5)) return done('unknown');
      const isError = chance(random, this.trouble.errors);
      if (isError && chance(random, 0.4)) return this.#fail('not-committed', done);
      const index = this.#commit(entry);
      if (chance(random, this.trouble.silence)) return this.#options.count('silent-commits');
      if (isError) return this.#fail('committed-though-error', done);
      const answerAt = now() + this.#delay();
      at(answerAt, () => this.#answer(name, index, done));
    });
  }

  /** ReadIndex: holds when this copy has all that was committed before now. */
  barrier(name: string, done: (failure: LogFailure | undefined) => void): void {
    const { at, now, random, reader } = this.#options;
    const index = this.lastIndex;
    const isLed = this.#leader !== undefined;
    at(now() + this.#delay(), () => {
      if (!isLed || chance(random, this.trouble.errors)) return done('no-quorum');
      if (chance(random, this.trouble.silence)) return undefined;
      this.pump(name, index);
      return done((reader(name)?.appliedIndex ?? -1) >= index ? undefined : 'no-quorum');
    });
  }

  /** Applies what is committed on this copy, up to `through`. */
  pump(name: string, through = this.lastIndex): void {
    const reader = this.#options.reader(name);
    if (reader === undefined) return;
    for (let index = reader.appliedIndex + 1; index <= through; index++) {
      const answer = reader.apply(index, this.#entries[index - 1] as Uint8Array);
      if (!isSame(answer, this.#results[index - 1] as Uint8Array)) this.#options.onDivergence(name, index);
    }
  }

  calm(): void {
    this.trouble = { ...calmTrouble };
  }

  #commit(entry: Uint8Array): number {
    const { at, now, names, random, onCommitted } = this.#options;
    this.#entries.push(entry);
    const index = this.lastIndex;
    this.#results.push(this.truth.apply(entry, index));
    onCommitted();
    if (index % 50 === 0) this.#snapshot = { index, bytes: this.truth.snapshot() };
    for (const name of names) at(now() + this.#delay() * (1 + below(random, 6)), () => this.pump(name, index));
    return index;
  }

  #answer(name: string, index: number, done: (answer: Uint8Array | LogFailure) => void): void {
    const reader = this.#options.reader(name);
    if (reader === undefined) return;
    this.pump(name, index);
    done(this.#results[index - 1] as Uint8Array);
  }

  #fail(what: string, done: (answer: LogFailure) => void): void {
    this.#options.count(what);
    done('unknown');
  }

  #delay(): Millis {
    return 0.5 + below(this.#options.random, Math.ceil(2 * this.trouble.delayMs));
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
