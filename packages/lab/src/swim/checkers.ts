import type { World } from '@grp/sim';
import type { MemberStatus, Swim } from '@grp/swim';
import { liveNames, type Observation } from './cluster.ts';

/** One broken property: what, when, and who saw it. */
export interface Violation {
  readonly checker: string;
  readonly at: number;
  readonly message: string;
}

/** A membership property, judged while the world runs. */
export interface SwimChecker {
  readonly name: string;
  observe(observation: Observation): void;
  /** Looks at the whole world, at the end of a phase in which everything should have settled. */
  finish?(world: World<Swim>): void;
  readonly violations: readonly Violation[];
}

abstract class Checker implements SwimChecker {
  abstract readonly name: string;
  readonly violations: Violation[] = [];

  abstract observe(observation: Observation): void;

  protected violate(at: number, message: string): void {
    if (this.violations.length < 100) this.violations.push({ checker: this.name, at, message });
  }
}

/** Strong accuracy on healthy members (SWIM §2): no list ever has a member down that runs and is not held back. */
export class Accuracy extends Checker {
  readonly name = 'accuracy';
  readonly #excused = new Map<string, number>();
  readonly #excusedObservers = new Map<string, number>();
  readonly #graceMs: number;

  readonly #lifeOf: (name: string) => string | undefined;

  /**
   * @param lifeOf the id of the life that runs now: the end of an older one, heard of late, is nobody's death
   * @param graceMs how long after a fault its victim may still be declared down by news under way
   */
  constructor(lifeOf: (name: string) => string | undefined, graceMs = 15_000) {
    super();
    this.#lifeOf = lifeOf;
    this.#graceMs = graceMs;
  }

  observe({ at, observer, event }: Observation): void {
    if (event.type !== 'down') return;
    const { name, id } = event.member;
    if (this.#lifeOf(name) !== id) return;
    if (at < (this.#excused.get(name) ?? -1) || at < (this.#excusedObservers.get(observer) ?? -1)) return;
    this.violate(at, `${observer} declared ${name} down, which runs`);
  }

  down(name: string): void {
    this.#excused.set(name, Infinity);
  }

  up(name: string, at: number): void {
    this.#excused.set(name, at + this.#graceMs);
  }

  left(name: string): void {
    this.#excused.set(name, Infinity);
  }

  unwell(name: string): void {
    this.#excused.set(name, Infinity);
    this.#excusedObservers.set(name, Infinity);
  }

  well(name: string, at: number): void {
    this.#excused.set(name, at + this.#graceMs);
    this.#excusedObservers.set(name, at + this.#graceMs);
  }
}

/** How soon a crash must be noticed, by one list and by all. */
export interface CompletenessBounds {
  /** Ms from a crash until the first list has it. */
  readonly firstMs: number;
  /** Ms from a crash until every list has it. */
  readonly lastMs: number;
}

/** What the `lan` preset promises for one crash among members that are well. */
export const crashBounds: CompletenessBounds = { firstMs: 5_000, lastMs: 6_000 };

/**
 * Several crashes or restarts at about the same time, or loss: probes of the dead are missed with the dead probers, and
 * two survivors of five wait in vain for a third witness: up to six times `suspicionMinMs`, and longer when they are
 * unwell themselves (Lifeguard §IV).
 */
export const turbulentBounds: CompletenessBounds = { firstMs: 15_000, lastMs: 15_000 };

interface OpenCrash {
  readonly at: number;
  readonly missing: Set<string>;
  isTurbulent: boolean;
  firstMs?: number;
}

/** Completeness with a bound (SWIM §3): a crash is in some list within `firstMs` and in every list within `lastMs`. */
export class Completeness extends Checker {
  readonly name = 'completeness';
  readonly #open = new Map<string, OpenCrash>();
  readonly #bounds: CompletenessBounds;
  readonly #turbulent: CompletenessBounds;
  #turbulentUntil = -1;
  /** Ms from each crash to its first and last list, and between the two. */
  readonly firstMs: number[] = [];
  readonly lastMs: number[] = [];
  readonly spreadMs: number[] = [];
  /** Crashes that were judged by the tighter bounds. */
  calmCount = 0;

  constructor(bounds: CompletenessBounds = crashBounds, turbulent: CompletenessBounds = turbulentBounds) {
    super();
    this.#bounds = bounds;
    this.#turbulent = turbulent;
  }

  /** Something happened, or goes on until `until`, that widens the bounds of all crashes that it touches. */
  disturb(at: number, until = at + crashBounds.lastMs): void {
    this.#turbulentUntil = Math.max(this.#turbulentUntil, until);
    for (const open of this.#open.values()) open.isTurbulent = true;
  }

  /** @param observers the running members whose lists have this life: nobody else can miss it */
  crashed(name: string, at: number, observers: readonly string[]): void {
    for (const { missing } of this.#open.values()) missing.delete(name);
    const missing = new Set(observers.filter((observer) => observer !== name));
    const isTurbulent = at < this.#turbulentUntil || this.#open.size > 0;
    this.disturb(at);
    if (missing.size > 0) this.#open.set(name, { at, missing, isTurbulent });
  }

  /** It looks after nobody any longer. */
  left(name: string, at: number): void {
    for (const { missing } of this.#open.values()) missing.delete(name);
    this.disturb(at);
  }

  /** A new life ends the wait for the old one: its lists may go straight to the new. */
  restarted(name: string, at: number): void {
    this.#open.delete(name);
    this.disturb(at);
  }

  observe({ at, observer, event }: Observation): void {
    if (event.type !== 'down' && event.type !== 'leave') return;
    const open = this.#open.get(event.member.name);
    if (open === undefined || !open.missing.delete(observer)) return;
    const tookMs = at - open.at;
    const bounds = this.#boundsOf(open);
    if (open.firstMs === undefined) {
      open.firstMs = tookMs;
      this.firstMs.push(tookMs);
      if (!open.isTurbulent) this.calmCount++;
      if (tookMs > bounds.firstMs) this.violate(at, `${event.member.name} was in no list for ${tookMs} ms`);
    }
    if (tookMs > bounds.lastMs) this.violate(at, `${observer} noticed ${event.member.name} after ${tookMs} ms`);
    if (open.missing.size > 0) return;
    this.lastMs.push(tookMs);
    this.spreadMs.push(tookMs - open.firstMs);
    this.#open.delete(event.member.name);
  }

  /** Whoever still has a crashed member in its list past the bound was left behind. */
  finish(world: World<Swim>): void {
    for (const [name, open] of this.#open) {
      if (open.missing.size === 0 || world.now - open.at <= this.#boundsOf(open).lastMs) continue;
      this.violate(world.now, `${[...open.missing].join(', ')} never noticed that ${name} crashed at ${open.at}`);
    }
    this.#open.clear();
  }

  /** No running member may have this one among the living, whatever it said before. */
  isGone(world: World<Swim>, name: string): void {
    for (const observer of world.names) {
      if (world.state(observer) !== 'running' || !liveNames(world.node(observer)).includes(name)) continue;
      this.violate(world.now, `${observer} still lists ${name} as living`);
    }
  }

  #boundsOf({ isTurbulent }: OpenCrash): CompletenessBounds {
    return isTurbulent ? this.#turbulent : this.#bounds;
  }
}

/** A member's incarnation in one list never falls within one life, and a gone life returns only with a greater one. */
export class Incarnations extends Checker {
  readonly name = 'incarnations only rise';
  readonly #seen = new Map<string, { readonly incarnation: number; readonly status: MemberStatus }>();

  observe({ at, observer, life, event }: Observation): void {
    if (!('member' in event)) return;
    const { id, incarnation, status } = event.member;
    const key = `${observer}|${life}|${id}`;
    if (event.type === 'forget') {
      this.#seen.delete(key);
      return;
    }
    const before = this.#seen.get(key);
    if (before !== undefined) {
      const gone = before.status === 'down' || before.status === 'left';
      const back = status === 'alive' || status === 'suspect';
      if (incarnation < before.incarnation) {
        this.violate(at, `${observer} has ${id} at incarnation ${incarnation} after ${before.incarnation}`);
      } else if (gone && back && incarnation <= before.incarnation) {
        this.violate(at, `${observer} revived ${id} without a greater incarnation`);
      }
    }
    this.#seen.set(key, { incarnation, status });
  }
}

/** Who leaves is never judged down by a list that could have heard it. */
export class LeaveIsNotDeath extends Checker {
  readonly name = 'a leave is no failure';
  readonly #left = new Set<string>();

  left(name: string): void {
    this.#left.add(name);
  }

  /** Somebody still lists it although all should have heard. */
  lingering(name: string, at: number): void {
    this.violate(at, `${name} left and is still listed as living`);
  }

  /** It is back: its next death counts again. */
  returned(name: string): void {
    this.#left.delete(name);
  }

  observe({ at, observer, event }: Observation): void {
    if (event.type === 'down' && this.#left.has(event.member.name)) {
      this.violate(at, `${observer} declared ${event.member.name} down, which had left`);
    }
  }
}

/** After the faults have stopped, all lists agree with the truth: every running node alive, nobody else. */
export class Agreement extends Checker {
  readonly name = 'agreement after calm';

  observe(): void {}

  finish(world: World<Swim>): void {
    const running = world.names.filter((name) => world.state(name) === 'running').toSorted();
    for (const observer of running) {
      const alive = world
        .node(observer)
        .members()
        .filter(({ status }) => status === 'alive')
        .map(({ name }) => name)
        .toSorted();
      if (alive.join() !== running.join()) {
        const missing = running.filter((name) => !alive.includes(name));
        const extra = alive.filter((name) => !running.includes(name));
        this.violate(world.now, `${observer} misses [${missing.join(', ')}] and has [${extra.join(', ')}] too much`);
      }
    }
  }
}

/** What a member queues goes back to nothing when nothing happens: no news is passed on for ever. */
export class Quiet extends Checker {
  readonly name = 'queues drain';

  observe(): void {}

  finish(world: World<Swim>): void {
    for (const name of world.names) {
      if (world.state(name) !== 'running') continue;
      const { broadcastsQueued } = world.node(name).health();
      if (broadcastsQueued > 0) this.violate(world.now, `${name} still has ${broadcastsQueued} broadcasts queued`);
    }
  }
}
