import type { Millis, Random } from '@grp/core';
import { EventQueue, type Task } from './event-queue.ts';
import { seededRandom } from './random.ts';
import { Trace, type TraceOptions } from './trace.ts';

/** The heart of a world: virtual time, what is to come, chance, and the trace. It knows no nodes. */
export class Engine {
  /** Virtual ms since the start of the world. */
  now: Millis = 0;
  readonly seed: number | string;
  readonly queue = new EventQueue();
  readonly trace: Trace;
  readonly random: Random;
  /** Whose callback is running, for the message when it throws. */
  running: string | undefined;
  /** A promise that the world gave out was settled: what hangs on it has yet to run. */
  settled = false;
  /** A disk operation ended, so that code which awaits it cannot go on without a turn of promises. */
  diskSettled = false;
  /** A process was called since the last turn of promises. */
  called = false;

  constructor(seed: number | string, trace?: TraceOptions) {
    this.seed = seed;
    this.trace = new Trace(() => this.now, trace);
    this.random = seededRandom(seed);
  }

  /** Runs the task at an instant, or as the next thing of this one when it has passed. */
  schedule(at: Millis, task: Task): void {
    this.queue.push(at > this.now ? at : this.now, task);
  }

  /** Runs the next task if it is due by `until`. */
  step(until: Millis): boolean {
    const at = this.queue.nextAt;
    if (at > until) return false;
    this.now = at;
    this.queue.pop().run();
    return true;
  }

  /** Runs everything that is due by `until`, and lets the time come. */
  runTo(until: Millis): void {
    const { queue } = this;
    for (;;) {
      const at = queue.nextAt;
      if (at > until) break;
      this.now = at;
      queue.pop().run();
    }
    this.now = until;
  }
}
