import type { Violation } from '../history.ts';
import type { Operation } from '../operations.ts';

/** What one object does with operations, one after the other. */
export interface SequentialModel<Value, State> {
  readonly initial: State;
  /** The state after the operation, or undefined when its answer cannot be right in this state. */
  step(state: State, operation: Operation<Value>): State | undefined;
  /** Equal for equal states. */
  keyOf(state: State): string;
  /**
   * Operations of one object without those of unknown outcome that nobody can have noticed; leaving such out is always
   * allowed, and spares the search (default: keeps all).
   */
  relevant?(operations: readonly Operation<Value>[]): readonly Operation<Value>[];
}

/** How long the search for a linearization may go on. */
export interface LinearizabilityOptions {
  /** States to visit per object before it is left undecided (default 2,000,000). */
  readonly statesMax?: number;
}

/** Which histories are not linearizable, and which were too large to say. */
export interface LinearizabilityReport {
  readonly violations: readonly Violation[];
  /** Objects for which the search was given up. */
  readonly undecided: readonly string[];
  readonly statesVisited: number;
}

const checker = 'linearizability';

/**
 * Linearizability (Herlihy, Wing 1990): there is an order of the operations, each at one instant between its call and its
 * return, in which every answer is right. The search is Wing and Gong's (1993) with Lowe's memory of what was tried
 * (2017), for each key by itself, which is enough because linearizability is local.
 */
export function checkLinearizability<Value, State>(
  operations: readonly Operation<Value>[],
  model: SequentialModel<Value, State>,
  { statesMax = 2_000_000 }: LinearizabilityOptions = {},
): LinearizabilityReport {
  const objects = Map.groupBy(
    operations.filter(({ type }) => type !== 'fail'),
    ({ key }) => key,
  );
  const violations: Violation[] = [];
  const undecided: string[] = [];
  let statesVisited = 0;
  for (const [key, all] of objects) {
    const search = new Search(model.relevant?.(all) ?? all, model, statesMax);
    const verdict = search.run();
    statesVisited += search.statesVisited;
    if (verdict === 'undecided') undecided.push(key);
    if (verdict !== 'violated') continue;
    const stuck = search.stuckAt;
    const at = stuck?.return ?? undefined;
    const what = stuck === undefined ? '' : ` At the latest ${describe(stuck)} fits into none.`;
    const message = `the ${all.length} operations on ${key} have no order in which every answer is right.${what}`;
    violations.push({ checker, message, ...(at !== undefined && at !== null && { at }) });
  }
  return { violations, undecided, statesVisited };
}

function describe({ process, f, value, out, call, return: end }: Operation): string {
  return `${process}'s ${f}(${JSON.stringify(value)}) = ${JSON.stringify(out)} from ${call} to ${String(end)} ms`;
}

/** A call or a return, in a list from which operations are lifted out and put back. */
interface Node<Value> {
  readonly operation: Operation<Value>;
  readonly number: number;
  readonly isCall: boolean;
  /** Of a call: its return; absent when the outcome is unknown. */
  match: Node<Value> | undefined;
  previous: Node<Value> | undefined;
  next: Node<Value> | undefined;
}

class Search<Value, State> {
  readonly #model: SequentialModel<Value, State>;
  readonly #statesMax: number;
  readonly #head: Node<Value> | undefined;
  readonly #sentinel: Node<Value>;
  readonly #chosen: Uint32Array;
  readonly #seen = new Set<string>();
  #answersLeft: number;
  #lastStuck: Operation<Value> | undefined;

  constructor(operations: readonly Operation<Value>[], model: SequentialModel<Value, State>, statesMax: number) {
    this.#model = model;
    this.#statesMax = statesMax;
    this.#chosen = new Uint32Array((operations.length + 31) >> 5);
    this.#answersLeft = operations.filter(({ type }) => type === 'ok').length;
    const nodes = timeline(operations);
    this.#head = nodes[0];
    this.#sentinel = { operation: {} as Operation<Value>, number: -1, isCall: false } as unknown as Node<Value>;
    if (this.#head !== undefined) link(this.#sentinel, this.#head);
  }

  get statesVisited(): number {
    return this.#seen.size;
  }

  /** The operation whose return could be passed the fewest times. */
  get stuckAt(): Operation<Value> | undefined {
    return this.#lastStuck;
  }

  run(): 'linearizable' | 'violated' | 'undecided' {
    const stack: { readonly node: Node<Value>; readonly state: State }[] = [];
    let state = this.#model.initial;
    let node = this.#sentinel.next;
    while (this.#answersLeft > 0) {
      if (this.#seen.size > this.#statesMax) return 'undecided';
      const next = node?.isCall === true ? this.#model.step(state, node.operation) : undefined;
      if (node !== undefined && next !== undefined && this.#choose(node, next)) {
        stack.push({ node, state });
        state = next;
        this.#lift(node);
        node = this.#sentinel.next;
      } else if (node?.isCall === true) {
        node = node.next;
      } else {
        // A return whose call was not chosen yet, or the end: something before must have been chosen wrongly.
        if (node !== undefined && (node.operation.return ?? 0) >= (this.#lastStuck?.return ?? 0))
          this.#lastStuck = node.operation;
        const last = stack.pop();
        if (last === undefined) return 'violated';
        state = last.state;
        this.#putBack(last.node);
        node = last.node.next;
      }
    }
    return 'linearizable';
  }

  /** False: the same operations were tried before and led to the same state. */
  #choose({ number }: Node<Value>, state: State): boolean {
    const word = number >> 5;
    const bit = 1 << (number & 31);
    this.#chosen[word] = (this.#chosen[word] ?? 0) | bit;
    const key = `${this.#chosen.join(',')}|${this.#model.keyOf(state)}`;
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      return true;
    }
    this.#chosen[word] = (this.#chosen[word] ?? 0) & ~bit;
    return false;
  }

  #lift(node: Node<Value>): void {
    unlink(node);
    if (node.match === undefined) return;
    unlink(node.match);
    this.#answersLeft--;
  }

  #putBack(node: Node<Value>): void {
    const word = node.number >> 5;
    this.#chosen[word] = (this.#chosen[word] ?? 0) & ~(1 << (node.number & 31));
    if (node.match !== undefined) {
      relink(node.match);
      this.#answersLeft++;
    }
    relink(node);
  }
}

/** Calls and returns by time; at one instant calls come first, which allows more. */
function timeline<Value>(operations: readonly Operation<Value>[]): Node<Value>[] {
  const nodes: { readonly at: number; readonly node: Node<Value> }[] = [];
  for (const [number, operation] of operations.entries()) {
    const common = { operation, number, match: undefined, previous: undefined, next: undefined };
    const call: Node<Value> = { ...common, isCall: true };
    nodes.push({ at: operation.call, node: call });
    if (operation.type !== 'ok') continue;
    call.match = { ...common, isCall: false };
    nodes.push({ at: operation.return ?? Infinity, node: call.match });
  }
  const sorted = nodes
    .toSorted((a, b) => a.at - b.at || Number(b.node.isCall) - Number(a.node.isCall) || a.node.number - b.node.number)
    .map(({ node }) => node);
  for (const [index, node] of sorted.entries()) if (index > 0) link(sorted[index - 1] as Node<Value>, node);
  return sorted;
}

function link<Value>(before: Node<Value>, after: Node<Value>): void {
  before.next = after;
  after.previous = before;
}

function unlink<Value>({ previous, next }: Node<Value>): void {
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}

function relink<Value>(node: Node<Value>): void {
  if (node.previous !== undefined) node.previous.next = node;
  if (node.next !== undefined) node.next.previous = node;
}

/** A register with `read`, `write` and `cas` (`value` is then `[expected, wanted]`, `out` whether it was so). */
export const registerModel: SequentialModel<unknown, unknown> = {
  initial: null,
  step(state, { f, value, out, type }) {
    if (f === 'write') return value;
    if (f === 'read') return type !== 'ok' || out === state ? state : undefined;
    const [expected, wanted] = value as readonly [unknown, unknown];
    const holds = state === expected;
    if (type === 'ok' && out !== holds) return undefined;
    return holds ? wanted : state;
  },
  keyOf: (state) => JSON.stringify(state),
  relevant(operations) {
    const seen = new Set<unknown>();
    // A write that nobody read is noticed all the same by a `cas` that fails after it.
    let lastFailureAt = -Infinity;
    for (const { f, value, out, type, return: end } of operations) {
      if (f === 'read' && type === 'ok') seen.add(out);
      if (f !== 'cas') continue;
      seen.add((value as readonly unknown[])[0]);
      if (type === 'ok' && out === false) lastFailureAt = Math.max(lastFailureAt, end ?? Infinity);
    }
    return operations.filter(({ f, value, type, call }) => {
      if (type === 'ok') return true;
      if (f === 'read') return false;
      return call <= lastFailureAt || seen.has(f === 'cas' ? (value as readonly unknown[])[1] : value);
    });
  },
};
