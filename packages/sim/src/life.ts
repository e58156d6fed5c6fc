import type { Cancel, Clock, Millis } from '@grp/core';
import type { Engine } from './engine.ts';
import type { Task } from './event-queue.ts';
import type { HostClock } from './host-clock.ts';
import type { TracedHost } from './trace.ts';

/** `process`: the kernel lives on and closes what the process had open. `host`: power is gone, silence. */
export type CrashKind = 'process' | 'host';

/** A callback into a process. */
export interface Job {
  perform(): void;
}

/**
 * One life of a process. Every callback goes through here: a dead process hears nothing, and for a stopped or busy one
 * things wait and then come in the order of an event loop, timers first.
 */
export class Life {
  readonly engine: Engine;
  readonly owner: TracedHost;
  readonly hostClock: HostClock;
  readonly incarnation: number;
  alive = true;
  /** Nothing may be called right now: stopped, busy, or older things wait. */
  blocked = false;
  #paused = false;
  #cpuMs: Millis = 0;
  #pumping = false;
  readonly #closers = new Set<(crash: CrashKind) => void>();
  readonly #timers: Job[] = [];
  readonly #jobs: Job[] = [];
  readonly #origin: Millis;
  readonly #pump: Task = { run: () => this.#next() };

  constructor(engine: Engine, owner: TracedHost, hostClock: HostClock, incarnation: number) {
    this.engine = engine;
    this.owner = owner;
    this.hostClock = hostClock;
    this.incarnation = incarnation;
    this.#origin = hostClock.local(engine.now);
  }

  /** Monotonic ms since this process started. */
  now(): Millis {
    return this.hostClock.local(this.engine.now) - this.#origin;
  }

  /** Calls the process, now or as soon as it can listen. */
  post(job: Job): void {
    if (!this.alive) return;
    if (this.blocked) this.#jobs.push(job);
    else this.#perform(job);
  }

  /** As `post`, for a timer that is due. */
  postTimer(job: Job): void {
    if (!this.alive) return;
    if (this.blocked) this.#timers.push(job);
    else this.#perform(job);
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.blocked = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedulePump(this.engine.now);
  }

  /** From now on each callback keeps the process busy for this long. */
  setCpuMs(ms: Millis): void {
    this.#cpuMs = ms;
  }

  /** Called once when this life ends, for what the kernel does then. */
  atEnd(closer: (crash: CrashKind) => void): void {
    this.#closers.add(closer);
  }

  end(crash: CrashKind): void {
    if (!this.alive) return;
    this.alive = false;
    for (const closer of this.#closers) closer(crash);
    this.#closers.clear();
    this.#timers.length = 0;
    this.#jobs.length = 0;
  }

  /** When, in the world's time, `now()` will be at least `at`. */
  worldTime(at: Millis): Millis {
    const { engine, hostClock } = this;
    let due = hostClock.after(engine.now, at - this.now());
    // Rounding must not make a timer early.
    for (let stepMs = 1e-9; hostClock.local(due) - this.#origin < at; stepMs *= 2) due += stepMs;
    return due;
  }

  #perform(job: Job): void {
    const { engine } = this;
    engine.running = this.owner.name;
    engine.called = true;
    job.perform();
    engine.running = undefined;
    if (this.#cpuMs > 0 && this.alive) {
      this.blocked = true;
      this.#schedulePump(engine.now + this.#cpuMs);
    }
  }

  #schedulePump(at: Millis): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.engine.schedule(at, this.#pump);
  }

  // One callback per event, so that promises settle in between as they would in an event loop.
  #next(): void {
    this.#pumping = false;
    if (!this.alive || this.#paused) return;
    const job = this.#timers.shift() ?? this.#jobs.shift();
    if (job === undefined) {
      this.blocked = false;
      return;
    }
    this.#perform(job);
    if (this.alive) this.#schedulePump(this.engine.now);
  }
}

/** A one-shot wake-up of a process. */
export class Timer implements Task, Job {
  readonly life: Life;
  readonly #at: Millis;
  #callback: (() => void) | undefined;

  constructor(life: Life, at: Millis, callback: () => void) {
    this.life = life;
    this.#at = at;
    this.#callback = callback;
  }

  get pending(): boolean {
    return this.#callback !== undefined && this.life.alive;
  }

  /** Sets it, or sets it anew after the clock has changed. */
  schedule(): void {
    this.life.engine.schedule(this.life.worldTime(this.#at), this);
  }

  cancel(): void {
    this.#callback = undefined;
  }

  run(): void {
    if (!this.pending) return;
    // The clock may have been slowed down since the timer was set.
    if (this.life.now() < this.#at) this.schedule();
    else this.life.postTimer(this);
  }

  perform(): void {
    const callback = this.#callback;
    if (callback === undefined) return;
    this.#callback = undefined;
    const { engine, owner } = this.life;
    engine.trace.timer(engine.now, owner);
    callback();
  }
}

/** The Clock port of one life. */
export function lifeClock(life: Life): Clock {
  return {
    now: () => life.now(),
    wallMs: () => Math.floor(life.hostClock.wall(life.engine.now)),
    wakeAt(at, callback): Cancel {
      if (!life.alive) return () => {};
      const timer = new Timer(life, at, callback);
      timer.schedule();
      return () => timer.cancel();
    },
  };
}
