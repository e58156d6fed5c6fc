import type { EndEvent, GroupEvent, GroupView } from './events.ts';

/** One life, with what a checker keeps about it. */
export interface Life<Own> {
  readonly node: string;
  /** From 0, in the order in which lives were first heard of. */
  readonly index: number;
  readonly own: Own;
  /** The last one it installed. */
  view: GroupView | undefined;
  end: EndEvent['type'] | undefined;
}

/** Who lives, and in which view. Every checker keeps its own. */
export class Lives<Own> {
  readonly all: Life<Own>[] = [];
  readonly #make: () => Own;
  readonly #byNode = new Map<string, Life<Own>>();
  #latest: number | undefined;

  constructor(make: () => Own) {
    this.#make = make;
  }

  /** The life that this node is living, made when it is new. */
  of(node: string): Life<Own> {
    return this.#byNode.get(node) ?? this.#begin(node);
  }

  /** The id of the greatest view that anybody installed. */
  get latest(): number | undefined {
    return this.#latest;
  }

  get living(): readonly Life<Own>[] {
    return this.all.filter(({ end }) => end === undefined);
  }

  /** Notes installs and ends. Call it after the checker has looked at the event. */
  note(event: GroupEvent): void {
    if (event.type === 'install') {
      this.of(event.node).view = event.view;
      this.#latest = Math.max(this.#latest ?? event.view.id, event.view.id);
    } else if (isEnd(event)) {
      this.of(event.node).end = event.type;
      // Who was left out is still there, and wants to come back.
      if (event.type === 'exclude') this.#begin(event.node);
    }
  }

  #begin(node: string): Life<Own> {
    const life = { node, index: this.all.length, own: this.#make(), view: undefined, end: undefined };
    this.all.push(life);
    this.#byNode.set(node, life);
    return life;
  }
}

/** Whether this ends a life. */
export function isEnd(event: GroupEvent): event is EndEvent {
  return event.type === 'crash' || event.type === 'leave' || event.type === 'exclude';
}
