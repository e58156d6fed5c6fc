import { below, chance, pick, sample } from '@grp/core';
import type { World, WorldOptions } from '@grp/sim';
import type { Swim, SwimConfig } from '@grp/swim';
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
import { createSwimCluster, isConverged } from './cluster.ts';

export interface SwimRunOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  readonly network?: NonNullable<WorldOptions<Swim>['network']>;
  readonly config?: Partial<SwimConfig>;
  /** How soon a crash must be noticed (default: the promise of the `lan` preset, 5 s and 6 s). */
  readonly bounds?: CompletenessBounds;
}

/** What a run gives back: what was broken, what was measured, and the hash that a replay must reproduce. */
export interface SwimRunReport {
  readonly violations: readonly Violation[];
  readonly figures: Readonly<Record<string, number>>;
  readonly traceHash: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** A cluster under observation: the world, and every checker wired to it. */
export class SwimRun {
  readonly world: World<Swim>;
  readonly accuracy = new Accuracy();
  readonly completeness: Completeness;
  readonly leaves = new LeaveIsNotDeath();
  readonly agreement = new Agreement();
  readonly #checkers: readonly SwimChecker[];
  readonly #incarnations = new Incarnations();
  #figures: Record<string, number> = {};

  constructor(options: SwimRunOptions) {
    this.completeness = new Completeness(options.bounds);
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
    this.completeness.crashed(name, world.now, this.running());
    world.crash(name, kind);
  }

  restart(name: string): void {
    this.completeness.restarted(name);
    this.world.restart(name);
    this.accuracy.up(name, this.world.now);
  }

  pause(name: string): void {
    this.accuracy.unwell(name);
    this.world.pause(name);
  }

  resume(name: string): void {
    this.world.resume(name);
    this.accuracy.well(name, this.world.now);
  }

  running(): string[] {
    return this.world.names.filter((name) => this.world.state(name) === 'running');
  }

  /** The liveness phase: all faults end, loss too, and what was queued goes out. */
  settle(withinMs: number): number {
    this.world.calm();
    this.world.network.set({ loss: 0, duplication: 0 });
    const tookMs = this.converge(withinMs);
    this.world.runFor(20_000);
    return tookMs;
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
      counts: this.world.counts(),
    };
  }

  /** Everything has settled: all that must hold in a quiet cluster is checked. */
  finish(): SwimRunReport {
    for (const checker of this.#checkers) checker.finish?.(this.world);
    return this.report();
  }
}

/** Kills members one after the other, each noticed by everyone and back before the next. */
export function killRun(options: SwimRunOptions & { readonly kills: number; readonly at?: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  run.figure('formMs', world.now);
  for (let kill = 0; kill < options.kills; kill++) {
    world.runFor(1_000 + below(world.random, 1_000));
    const victim = pick(world.random, world.names) as string;
    run.crash(victim, chance(world.random, 0.3) ? 'host' : 'process');
    world.runFor((options.bounds?.lastMs ?? 6_000) + 500);
    run.completeness.finish(world);
    run.restart(victim);
    run.converge(10_000);
  }
  const { firstMs, lastMs, spreadMs } = run.completeness;
  run.figure('kills', firstMs.length);
  run.figure('firstMaxMs', Math.max(0, ...firstMs));
  run.figure('lastMaxMs', Math.max(0, ...lastMs));
  run.figure('spreadMaxMs', Math.max(0, ...spreadMs));
  run.figure('firstMedianMs', median(firstMs));
  run.figure('lastMedianMs', median(lastMs));
  run.settle(10_000);
  return run.finish();
}

export interface FlappingOptions extends SwimRunOptions {
  readonly illCount: number;
  readonly stoppedMs: number;
  readonly runningMs: number;
  readonly durationMs: number;
}

/** Some members stand still and run in turns, as overloaded ones do; the healthy ones must never be declared down. */
export function flappingRun(options: FlappingOptions): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  world.runFor(2_000);
  const ill = sample(world.random, world.names, options.illCount);
  const endsAt = world.now + options.durationMs;
  while (world.now < endsAt) {
    for (const name of ill) run.pause(name);
    world.runFor(options.stoppedMs);
    for (const name of ill) world.resume(name); // no grace: they stay excused to the end
    world.runFor(options.runningMs);
  }
  for (const name of ill) run.resume(name);
  run.settle(30_000);
  return run.finish();
}

/** Splits the cluster in two halves and heals it; both halves must notice, and then be one list again. */
export function partitionRun(options: SwimRunOptions & { readonly splitMs: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  world.runFor(2_000);
  const half = Math.floor(world.names.length / 2);
  for (const name of world.names) run.accuracy.unwell(name);
  world.network.partition(world.names.slice(0, half), world.names.slice(half));
  world.runFor(options.splitMs);
  world.network.heal();
  run.figure('healedMs', run.converge(10_000));
  for (const name of world.names) run.accuracy.well(name, world.now);
  run.settle(10_000);
  return run.finish();
}

/** Nothing happens: how many bytes and packets a member sends in a second, with IP and UDP headers. */
export function steadyRun(options: SwimRunOptions & { readonly durationMs: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(60_000);
  world.runFor(15_000);
  for (const name of world.names) world.node(name).resetBandwidth();
  world.runFor(options.durationMs);
  const totals = world.names.map((name) => world.node(name).bandwidth().total);
  const perSecond = (sum: number): number => sum / world.names.length / (options.durationMs / 1_000);
  run.figure('bytesOutPerSecond', perSecond(totals.reduce((sum, { bytesOut }) => sum + bytesOut, 0)));
  run.figure('packetsOutPerSecond', perSecond(totals.reduce((sum, { packetsOut }) => sum + packetsOut, 0)));
  return run.finish();
}

/** Random crashes, restarts, leaves, pauses and cuts under random loss, then calm: the safety and the liveness phase. */
export function chaosRun(options: SwimRunOptions & { readonly durationMs: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  const { random, names } = world;
  run.converge(30_000);
  // Swarm: each seed first draws which kinds of fault exist at all, or faults would cancel each other out.
  const kinds = sample(random, ['crash', 'pause', 'cut', 'partition', 'loss'], 1 + below(random, 5));
  const endsAt = world.now + options.durationMs;
  // With cuts the truth about who can hear whom is no longer one truth: only agreement afterwards is checked then.
  const blurred = kinds.includes('cut') || kinds.includes('partition') || kinds.includes('pause');
  if (blurred) for (const name of names) run.accuracy.unwell(name);
  while (world.now < endsAt) {
    fault(run, pick(random, kinds) as string, blurred);
    world.runFor(200 + below(random, 3_000));
  }
  for (const name of names) run.accuracy.up(name, world.now);
  run.figure('calmMs', run.settle(30_000));
  return run.finish();
}

function fault(run: SwimRun, kind: string, blurred: boolean): void {
  const { world } = run;
  const { random, network } = world;
  const name = pick(random, world.names) as string;
  if (kind === 'crash') {
    if (world.state(name) === 'crashed') run.restart(name);
    else if (run.running().length > 2 && !blurred) run.crash(name);
    else if (run.running().length > 2) world.crash(name, chance(random, 0.5) ? 'host' : 'process');
    if (blurred) run.accuracy.unwell(name);
  } else if (kind === 'pause') {
    if (world.state(name) === 'paused') world.resume(name);
    else world.pause(name);
  } else if (kind === 'cut') {
    if (chance(random, 0.4)) network.heal();
    else network.cut({ from: name, to: pick(random, world.names) as string });
  } else if (kind === 'partition') {
    if (chance(random, 0.4)) network.heal();
    else network.partition(sample(random, world.names, 1 + below(random, world.names.length - 1)));
  } else {
    network.set({ loss: below(random, 3) / 10, duplication: below(random, 2) / 10 });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
