import type { Address } from '@grp/core';
import type { Runtime } from './runtime.ts';
import type { Sync } from './sync.ts';

/** One `join` of the application: the seeds still out, and how the others went. */
interface Join {
  readonly ticket: number;
  readonly open: Set<number>;
  readonly contacted: Address[];
  readonly failed: { readonly address: Address; readonly reason: string }[];
}

/** Joins under way: exchanges with all seeds at once, and one outcome when the last has ended. */
export class Joins {
  readonly #runtime: Runtime;
  readonly #sync: Sync;
  readonly #undecided: () => boolean;
  readonly #joins = new Set<Join>();

  constructor(runtime: Runtime, sync: Sync, undecided: () => boolean) {
    this.#runtime = runtime;
    this.#sync = sync;
    this.#undecided = undecided;
  }

  start(ticket: number, addresses: readonly Address[]): void {
    const join: Join = { ticket, open: new Set(), contacted: [], failed: [] };
    this.#joins.add(join);
    for (const address of new Set(addresses)) {
      if (address !== this.#runtime.self.address) join.open.add(this.#sync.exchange(address, true));
    }
    this.settle();
  }

  /** True when the exchange belonged to a join. */
  onExchanged(ticket: number, outcome: { readonly to: Address; readonly problem?: string }): boolean {
    for (const join of this.#joins) {
      if (!join.open.delete(ticket)) continue;
      if (outcome.problem === undefined) join.contacted.push(outcome.to);
      else join.failed.push({ address: outcome.to, reason: outcome.problem });
      return true;
    }
    return false;
  }

  /** Tells the outcome of every join that has ended; while this node's name is disputed none has. */
  settle(): void {
    if (this.#undecided()) return;
    for (const join of this.#joins) {
      if (join.open.size > 0) continue;
      this.#joins.delete(join);
      const { ticket, contacted, failed } = join;
      this.#runtime.effect({ type: 'joined', ticket, contacted, failed });
    }
  }
}
