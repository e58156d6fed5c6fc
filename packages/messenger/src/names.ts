import type { NodeId } from '@grp/core';
import type { TrackerMember } from '@grp/tracker';

/** Who is behind an id: also of members that have left, whose last messages are still on their way. */
export class Names {
  readonly #max: number;
  readonly #nicks = new Map<NodeId, string>();

  constructor(max: number) {
    this.#max = max;
  }

  learn(members: readonly TrackerMember[]): void {
    for (const { id, nick } of members) {
      this.#nicks.delete(id); // so that those who are here are the last to be forgotten
      this.#nicks.set(id, nick);
    }
    for (const id of this.#nicks.keys()) {
      if (this.#nicks.size <= this.#max + members.length) return;
      this.#nicks.delete(id);
    }
  }

  nick(id: NodeId): string {
    return this.#nicks.get(id) ?? id;
  }
}
