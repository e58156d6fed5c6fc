import type { NodeId } from '@grp/core';
import type { RequestCount } from './messages.ts';

/**
 * Of each life, the number of its next request that was not delivered: what makes a request that is sent again be
 * delivered once, also across changes of the leader, exclusions and state transfers. Lives that are no members any more
 * stay known for a while, because an excluded one comes back with what it could not send; every member forgets the same
 * ones, because they go in the order of the views.
 */
export class RequestCounts {
  readonly #next: Map<NodeId, number>;
  /** Those that are no members, the oldest first. */
  readonly #gone: Set<NodeId>;

  constructor(next: ReadonlyMap<NodeId, number> = new Map(), gone: Iterable<NodeId> = []) {
    this.#next = new Map(next);
    this.#gone = new Set(gone);
  }

  copy(): RequestCounts {
    return new RequestCounts(this.#next, this.#gone);
  }

  next(id: NodeId): number | undefined {
    return this.#next.get(id);
  }

  set(id: NodeId, next: number): void {
    this.#next.set(id, next);
  }

  /** A view was installed: these are members, with these numbers if they were not known; who is not may be forgotten. */
  install(members: readonly { readonly id: NodeId; readonly nextRequest: number }[], goneMax: number): void {
    const ids = new Set(members.map(({ id }) => id));
    const left = [...this.#next.keys()].filter((id) => !ids.has(id) && !this.#gone.has(id));
    for (const id of left.toSorted()) this.#gone.add(id); // sorted, because not all have learned of them in one order
    for (const { id, nextRequest } of members) {
      this.#gone.delete(id);
      if (!this.#next.has(id)) this.#next.set(id, nextRequest);
    }
    for (const id of this.#gone) {
      if (this.#gone.size <= goneMax) break;
      this.#gone.delete(id);
      this.#next.delete(id);
    }
  }

  /** Those that are gone first and in order, then the members. */
  list(): RequestCount[] {
    const entry = (id: NodeId): RequestCount => ({ id, next: this.#next.get(id) as number });
    const members = [...this.#next.keys()].filter((id) => !this.#gone.has(id));
    return [...[...this.#gone].map(entry), ...members.map(entry)];
  }

  replace(other: RequestCounts): void {
    this.#next.clear();
    for (const [id, next] of other.#next) this.#next.set(id, next);
    this.#gone.clear();
    for (const id of other.#gone) this.#gone.add(id);
  }

  /** From a list that another member gave; `members` are those of the view. */
  static from(list: readonly RequestCount[], members: ReadonlySet<NodeId>): RequestCounts {
    const gone = list.filter(({ id }) => !members.has(id)).map(({ id }) => id);
    return new RequestCounts(new Map(list.map(({ id, next }) => [id, next])), gone);
  }
}
