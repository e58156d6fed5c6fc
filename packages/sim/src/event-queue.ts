import type { Millis } from '@grp/core';

/** Something that happens at an instant. A cancelled task stays in the queue and does nothing when its time comes. */
export interface Task {
  run(): void;
}

/**
 * What will happen, by time; at the same instant in the order of scheduling. A heap with four children per place over
 * plain number arrays: comparisons touch no objects, and one event costs O(log₄ n).
 */
export class EventQueue {
  #times = new Float64Array(1_024);
  #orders = new Float64Array(1_024);
  readonly #tasks: (Task | undefined)[] = [];
  #size = 0;
  #order = 0;

  get size(): number {
    return this.#size;
  }

  /** When the next task is due; Infinity when there is none. */
  get nextAt(): Millis {
    return this.#size === 0 ? Infinity : (this.#times[0] as number);
  }

  push(at: Millis, task: Task): void {
    if (this.#size === this.#times.length) this.#grow();
    const times = this.#times;
    const orders = this.#orders;
    const tasks = this.#tasks;
    let place = this.#size++;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      const parentAt = times[parent] as number;
      if (parentAt <= at) break; // at the same instant the parent was scheduled first
      times[place] = parentAt;
      orders[place] = orders[parent] as number;
      tasks[place] = tasks[parent];
      place = parent;
    }
    times[place] = at;
    orders[place] = this.#order++;
    tasks[place] = task;
  }

  /** Takes out the next task. Only when `size` is above 0. */
  pop(): Task {
    const top = this.#tasks[0] as Task;
    const size = --this.#size;
    const last = this.#tasks[size];
    this.#tasks[size] = undefined;
    if (size > 0) this.#sink(size, last as Task);
    return top;
  }

  /** Every task that waits, in no order: for rare changes such as a clock that runs faster from now on. */
  *tasks(): Generator<Task> {
    for (let place = 0; place < this.#size; place++) yield this.#tasks[place] as Task;
  }

  // Puts the former last task back in, from the top.
  #sink(size: number, task: Task): void {
    const times = this.#times;
    const orders = this.#orders;
    const tasks = this.#tasks;
    const at = times[size] as number;
    const order = orders[size] as number;
    let place = 0;
    for (;;) {
      const first = 4 * place + 1;
      if (first >= size) break;
      let least = first;
      let leastAt = times[first] as number;
      const end = first + 4 < size ? first + 4 : size;
      for (let child = first + 1; child < end; child++) {
        const childAt = times[child] as number;
        if (childAt < leastAt || (childAt === leastAt && (orders[child] as number) < (orders[least] as number))) {
          least = child;
          leastAt = childAt;
        }
      }
      if (leastAt > at || (leastAt === at && (orders[least] as number) > order)) break;
      times[place] = leastAt;
      orders[place] = orders[least] as number;
      tasks[place] = tasks[least];
      place = least;
    }
    times[place] = at;
    orders[place] = order;
    tasks[place] = task;
  }

  #grow(): void {
    const [times, orders] = [this.#times, this.#orders];
    this.#times = new Float64Array(times.length * 2);
    this.#times.set(times);
    this.#orders = new Float64Array(times.length * 2);
    this.#orders.set(orders);
  }
}
