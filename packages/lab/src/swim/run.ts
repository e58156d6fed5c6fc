import type { TraceEvent, World } from '@grp/sim';
import { swimConfig, type Swim } from '@grp/swim';
import {
  Accuracy,
  Agreement,
  Completeness,
  type CompletenessBounds,
  Incarnations,
  LeaveIsNotDeath,
  Quiet,
  type SwimChecker,
  type Violation,
} from './checkers.ts';
import { createSwimCluster, isConverged, liveNames, swimPort, type SwimClusterOptions } from './cluster.ts';

/** A run of swim, and the bounds that it is judged by. */
export interface SwimRunOptions extends Omit<SwimClusterOptions, 'onEvent'> {
  /** How soon a single crash must be noticed (default: the promise of the `lan` preset, 5 s and 6 s). */
  readonly bounds?: CompletenessBounds;
  /** The same for crashes that come together with others, or with loss. */
  readonly turbulent?: CompletenessBounds;
}

/** What a run gives back: what was broken, what was measured, and the hash that a replay must reproduce. */
export interface SwimRunReport {
  readonly violations: readonly Violation[];
  readonly figures: Readonly<Record<string, number>>;
  readonly traceHash: string;
  /** How often each fault and each step really happened: what is 0 here was not tested. */
  readonly counts: Readonly<Record<string, number>>;
  /** The recorded events, when `trace.recordMax` asked for them. */
  readonly trace: { readonly events: readonly TraceEvent[]; readonly omittedCount: number };
}

/** A cluster under observation: the world, and every checker wired to it. */
export class SwimRun {
  readonly world: World<Swim>;
  readonly accuracy = new Accuracy((name) => this.#lifeOf(name));
  readonly completeness: Completeness;
  readonly leaves = new LeaveIsNotDeath();
  readonly agreement = new Agreement();
  readonly #checkers: readonly SwimChecker[];
  readonly #incarnations = new Incarnations();
  readonly #figures: Record<string, number> = {};
  readonly #counts: Record<string, number> = { leave: 0 };
  readonly #leaving = new Set<string>();

  readonly #gossipIntervalMs: number;

  constructor(options: SwimRunOptions) {
    this.#gossipIntervalMs = options.config?.gossipIntervalMs ?? swimConfig.defaults.gossipIntervalMs;
    this.completeness = new Completeness(options.bounds, options.turbulent);
    this.#checkers = [this.accuracy, this.completeness, this.#incarnations, this.leaves, this.agreement, new Quiet()];
    this.world = createSwimCluster({
      ...options,
      onEvent: (observation) => {
        for (const checker of this.#checkers) checker.observe(observation);
      },
    });
    for (const name of this.world.names) this.accuracy.up(name, 0);
  }

  /** Until every list is whole; a violation when that takes longer than `withinMs`. Returns the virtual ms it took. */
  converge(withinMs: number): number {
    const startedAt = this.world.now;
    while (!isConverged(this.world)) {
      if (this.world.now - startedAt > withinMs) {
        this.agreement.finish(this.world);
        break;
      }
      this.world.runFor(50);
    }
    return this.world.now - startedAt;
  }

  crash(name: string, kind: 'process' | 'host' = 'process'): void {
    const { world } = this;
    this.accuracy.down(name);
    this.completeness.crashed(name, world.now, this.observersOf(name));
    world.crash(name, kind);
  }

  restart(name: string): void {
    this.completeness.restarted(name, this.world.now);
    this.leaves.returned(name);
    this.#leaving.delete(name);
    this.world.restart(name);
    this.accuracy.up(name, this.world.now);
  }

  /**
   * A graceful leave; the process ends when everything is said, as `leave()` ends it where promises settle. With `isHeard` false nobody is held to have heard of it: links
   * are cut, and who is left may rightly judge the silence that follows.
   */
  leave(name: string, isHeard = true): void {
    const { world } = this;
    this.accuracy.left(name);
    if (isHeard) this.leaves.left(name);
    this.completeness.left(name, world.now);
    this.#counts['leave'] = (this.#counts['leave'] ?? 0) + 1;
    this.#leaving.add(name);
    const life = world.host(name).incarnation;
    world
      .node(name)
      .leave()
      .catch(() => {});
    this.#endWhenSaid(name, life, world.now);
  }

  // Three rounds at least and twelve at most, as in swim: `runFor` settles no promises that could say so.
  #endWhenSaid(name: string, life: number, since: number): void {
    const { world } = this;
    const roundMs = this.#gossipIntervalMs;
    world.at(world.now + roundMs, () => {
      if (world.state(name) === 'crashed' || world.host(name).incarnation !== life) return;
      const rounds = Math.floor((world.now - since) / roundMs);
      const isSaid = rounds > 3 && world.node(name).health().broadcastsQueued === 0;
      if (!isSaid && rounds <= 12) {
        this.#endWhenSaid(name, life, since);
        return;
      }
      world.crash(name);
      this.#leaving.delete(name);
    });
  }

  pause(name: string): void {
    this.accuracy.unwell(name);
    this.world.pause(name);
  }

  resume(name: string): void {
    this.world.resume(name);
    this.accuracy.well(name, this.world.now);
  }

  /** Running members whose lists have this life of this member among the living. */
  observersOf(name: string): string[] {
    const { world } = this;
    const { id } = world.node(name).self;
    return this.running().filter((observer) =>
      world
        .node(observer)
        .members()
        .some((member) => member.id === id && (member.status === 'alive' || member.status === 'suspect')),
    );
  }

  /** Who takes part: a process that only waits for its end after a leave does not. */
  running(): string[] {
    return this.world.names.filter((name) => this.world.state(name) === 'running' && !this.#leaving.has(name));
  }

  /** The liveness phase: all faults end, loss too, and what was queued goes out. */
  settle(withinMs: number): number {
    for (const name of this.world.names) this.leaves.returned(name);
    for (const name of this.#leaving) this.world.crash(name); // and comes back with all that have crashed
    this.#leaving.clear();
    this.world.calm();
    // `calm` sets the links back to what they were in the beginning, and that may be lossy.
    this.world.network.set({ loss: 0, duplication: 0 });
    if (this.#counts['leave'] !== 0) this.#rejoin();
    const tookMs = this.converge(withinMs);
    this.world.runFor(20_000);
    return tookMs;
  }

  // Who is down is sought for ever, who left is not: members that know nobody else have to be told where the others are.
  #rejoin(): void {
    const { world } = this;
    const seeds = world.names.slice(0, 3).map((name) => world.address(name, swimPort));
    for (const name of this.running()) {
      world
        .node(name)
        .join(seeds)
        .catch(() => {});
    }
  }

  #lifeOf(name: string): string | undefined {
    return this.world.state(name) === 'crashed' ? undefined : this.world.node(name).self.id;
  }

  /** How many living members all lists have together. */
  livingSeen(): number {
    return this.running().reduce((sum, name) => sum + liveNames(this.world.node(name)).length, 0);
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value;
  }

  report(): SwimRunReport {
    this.completeness.finish(this.world);
    return {
      violations: this.#checkers.flatMap(({ violations }) => violations),
      figures: this.#figures,
      traceHash: this.world.traceHash(),
      counts: { ...this.world.counts(), ...this.#counts },
      trace: this.world.trace(),
    };
  }

  /** Everything has settled: all that must hold in a quiet cluster is checked. */
  finish(): SwimRunReport {
    for (const checker of this.#checkers) checker.finish?.(this.world);
    return this.report();
  }
}
