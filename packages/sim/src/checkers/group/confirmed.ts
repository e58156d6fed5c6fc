import type { DeliverEvent, GroupDelivery, GroupEvent, StateEvent } from './events.ts';
import { isEnd, Lives, type Life } from './lives.ts';

type Fact = DeliverEvent | StateEvent;
interface Pending {
  facts: Fact[];
}

/**
 * Lets through what binds others. At the level `safe` that is everything, at once. At `agreed`, what happened in a view
 * counts when the life goes on to the next view, or lives in the last view at the end: what the dead and the excluded
 * delivered last may differ (Défago, Schiper, Urbán 2004, §2: non-uniform properties).
 */
export class Confirmed {
  readonly #isUniform: boolean;
  readonly #take: (life: Life<Pending>, fact: Fact) => void;
  readonly #lives = new Lives<Pending>(() => ({ facts: [] }));

  constructor(delivery: GroupDelivery, take: (life: Life<unknown>, fact: Fact) => void) {
    this.#isUniform = delivery === 'safe';
    this.#take = take;
  }

  observe(event: GroupEvent): void {
    if (event.type === 'deliver' || event.type === 'state') {
      const life = this.#lives.of(event.node);
      if (this.#isUniform) this.#take(life, event);
      else life.own.facts.push(event);
      return;
    }
    if (event.type === 'install') this.#pass(this.#lives.of(event.node));
    if (isEnd(event)) this.#lives.of(event.node).own.facts = [];
    this.#lives.note(event);
  }

  finish(): void {
    for (const life of this.#lives.living) if (life.view?.id === this.#lives.latest) this.#pass(life);
  }

  #pass(life: Life<Pending>): void {
    const { facts } = life.own;
    life.own.facts = [];
    for (const fact of facts) this.#take(life, fact);
  }
}
