import type { NodeId } from '@grp/core';
import type { OrderingView } from './api.ts';
import { computeCut } from './cut.ts';
import type { PrepareMessage, StateMessage } from './messages.ts';
import type { Outlet } from './outlet.ts';

/**
 * The first member of a view to come settles what the last view delivers: it hears everybody's state, decides the cut
 * once, hands it out, and when all hold all of it, tells to install. Whoever does not answer has to go by a later view,
 * which begins this anew with whoever is first then.
 */
export class FlushCoordinator {
  readonly #outlet: Outlet;
  readonly #view: OrderingView;
  readonly #states = new Map<number, StateMessage>();
  readonly #ready = new Map<number, number>();
  #prepare: PrepareMessage | undefined;
  /** Set once all are ready. */
  position: number | undefined;

  constructor(outlet: Outlet, view: OrderingView) {
    this.#outlet = outlet;
    this.#view = view;
  }

  get isInstalled(): boolean {
    return this.position !== undefined;
  }

  /** Whose word is missing. */
  waitingFor(): NodeId[] {
    const heard = this.#prepare === undefined ? this.#states : this.#ready;
    return this.#view.members.filter((_, rank) => !heard.has(rank)).map(({ id }) => id);
  }

  /** The cut, once this was the last state that was missing. */
  onState(rank: number, state: StateMessage): PrepareMessage | undefined {
    if (this.#prepare !== undefined) return undefined;
    this.#states.set(rank, state);
    if (this.#states.size < this.#view.members.length) return undefined;
    const given = [...this.#states].map(([member, told]) => ({ rank: member, state: told }));
    // By rank, and not by arrival: the same states give the same cut.
    const sorted = given.toSorted((a, b) => a.rank - b.rank);
    this.#prepare = computeCut(this.#view.number, sorted, this.#outlet.order === 'total');
    this.#outlet.transmit(this.#others(), this.#prepare);
    return this.#prepare;
  }

  /** True once this was the last one that was missing. */
  onReady(rank: number, position: number): boolean {
    if (this.#prepare === undefined) {
      this.#outlet.refuse('ready-early');
      return false;
    }
    this.#ready.set(rank, position);
    if (this.#ready.size < this.#view.members.length || this.isInstalled) return false;
    this.position = Math.max(...this.#ready.values());
    this.#outlet.transmit(this.#others(), this.installMessage());
    return true;
  }

  installMessage(): { readonly type: 'install'; readonly view: number; readonly position: number } {
    return { type: 'install', view: this.#view.number, position: this.position ?? 0 };
  }

  /** Asks again whoever has not answered. */
  retry(): void {
    const heard = this.#prepare === undefined ? this.#states : this.#ready;
    const to = this.#others().filter((_, index) => !heard.has(index + 1));
    this.#outlet.transmit(to, this.#prepare ?? { type: 'request', view: this.#view.number });
  }

  #others(): readonly OrderingView['members'][number]['address'][] {
    return this.#view.members.slice(1).map(({ address }) => address);
  }
}
