import { below, chance, type Random } from '@grp/core';
import type { OrderingMember, OrderingView } from '@grp/ordering';
import type { World } from '@grp/sim';
import type { OrderingSubject } from './member.ts';

/**
 * Who says what the views are, as the tracker does: it numbers them, and tells each member in its own time; whoever
 * missed one hears the next. It is no part of the protocol under test, and makes no mistakes but those it is asked for.
 */
export class Authority {
  readonly #world: World<OrderingSubject>;
  readonly #random: Random;
  #members: readonly OrderingMember[] = [];
  #number = 0;
  /** The view in which each was last taken in. */
  readonly #since = new Map<string, number>();
  #isFrozen = false;
  #isReachable: (name: string) => boolean = () => true;

  constructor(world: World<OrderingSubject>, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#repeat();
  }

  get view(): OrderingView {
    return { number: this.#number, members: this.#members };
  }

  has(id: string): boolean {
    return this.#members.some((member) => member.id === id);
  }

  /** Has it been a member without a break since this view? Whoever was out does not know what the others did meanwhile. */
  hasStayed(id: string, sinceView: number): boolean {
    return this.has(id) && (this.#since.get(id) ?? 0) <= sinceView;
  }

  /** From here on only these hear of views. */
  limit(isReachable: (name: string) => boolean): void {
    this.#isReachable = isReachable;
  }

  /** This is the last view. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Joins at the end, or leaves its place; several changes may share a view. */
  change({
    add = [],
    remove = [],
  }: {
    readonly add?: readonly OrderingMember[];
    readonly remove?: readonly string[];
  }): void {
    const addresses = new Set(add.map(({ address }) => address));
    const stay = this.#members.filter(({ id, address }) => !remove.includes(id) && !addresses.has(address));
    const members = [...stay, ...add];
    if (members.length === 0 || this.#isFrozen) return;
    const told = new Set([...this.#members, ...members].map(({ id }) => id.split('#')[0] as string));
    this.#members = members;
    this.#number++;
    for (const { id } of add) this.#since.set(id, this.#number);
    this.#world.note('view', { number: this.#number, members: members.map(({ id }) => id).join(' ') });
    for (const name of told) this.#tell(name, chance(this.#random, 0.1) ? 200 : 20);
  }

  // A notice goes through the member's own clock: a stopped process hears nothing.
  #tell(name: string, withinMs: number): void {
    const { view } = this;
    if (this.#world.state(name) === 'crashed' || !this.#isReachable(name)) return;
    const { clock } = this.#world.host(name);
    const subject = this.#world.node(name);
    clock.wakeAt(clock.now() + below(this.#random, withinMs), () => subject.tell(view));
  }

  #repeat(): void {
    this.#world.at(this.#world.now + 400, () => {
      if (this.#number > 0) for (const name of this.#world.names) this.#tell(name, 50);
      this.#repeat();
    });
  }
}
