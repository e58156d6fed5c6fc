import { below, chance, pick, sample } from '@grp/core';
import { crashBounds } from './checkers.ts';
import { liveNames } from './cluster.ts';
import { SwimRun, type SwimRunOptions, type SwimRunReport } from './run.ts';

/** Kills members one after the other, each noticed by everyone and back before the next. */
export function killRun(options: SwimRunOptions & { readonly kills: number }): SwimRunReport {
  // Each kill is alone: what came back before it widens nothing, and loss does not either.
  const run = new SwimRun({ ...options, turbulent: options.turbulent ?? options.bounds ?? crashBounds });
  const { world } = run;
  run.converge(30_000);
  run.figure('formMs', world.now);
  for (let kill = 0; kill < options.kills; kill++) {
    world.runFor(1_000 + below(world.random, 1_000));
    const victim = pick(world.random, world.names) as string;
    run.crash(victim, chance(world.random, 0.3) ? 'host' : 'process');
    world.runFor((options.bounds?.lastMs ?? 6_000) + 500);
    run.completeness.finish(world);
    run.completeness.isGone(world, victim); // also whoever noticed and took it in again
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

/**
 * Processes are killed one after the other, and a survivor hints at once, as a layer above does whose connection was
 * reset. Half of the times it hints at a healthy member as well, whom that must not harm.
 */
export function hintRun(options: SwimRunOptions & { readonly kills: number }): SwimRunReport {
  const run = new SwimRun({ ...options, turbulent: options.turbulent ?? options.bounds ?? crashBounds });
  const { world } = run;
  const { random } = world;
  run.converge(30_000);
  world.runFor(5_000); // until round trips have been measured
  for (let kill = 0; kill < options.kills; kill++) {
    world.runFor(1_000 + below(random, 1_000));
    const [victim = '', witness = '', healthy = ''] = sample(random, world.names, 3);
    const { id } = world.node(victim).self;
    run.crash(victim);
    world.runFor(below(random, 5));
    world.node(witness).hint(id);
    if (chance(random, 0.5)) world.node(witness).hint(world.node(healthy).self.id);
    world.runFor((options.bounds?.lastMs ?? crashBounds.lastMs) + 500);
    run.completeness.finish(world);
    run.completeness.isGone(world, victim);
    run.restart(victim);
    run.converge(10_000);
  }
  const { firstMs, lastMs } = run.completeness;
  run.figure('kills', firstMs.length);
  run.figure('firstMaxMs', Math.max(0, ...firstMs));
  run.figure('lastMedianMs', median(lastMs));
  run.figure('lastP99Ms', lastMs.toSorted((a, b) => a - b)[Math.ceil(lastMs.length * 0.99) - 1] ?? 0);
  run.figure('lastMaxMs', Math.max(0, ...lastMs));
  run.settle(10_000);
  return run.finish();
}

/** Members that stop and go on again and again. */
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
  run.figure('downSeen', world.names.length ** 2 - run.livingSeen());
  world.network.heal();
  run.figure('healedMs', run.converge(10_000));
  for (const name of world.names) run.accuracy.well(name, world.now);
  run.settle(10_000);
  return run.finish();
}

/** Nothing happens: how many bytes and packets a member sends in a second, with IP and UDP headers. */
export function steadyRun(options: SwimRunOptions & { readonly durationMs: number }): SwimRunReport {
  const run = new SwimRun({ ...options, metersDatagrams: true });
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

/** Several members go at the same instant; everyone else must notice all of them. */
export function massKillRun(options: SwimRunOptions & { readonly victims: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  world.runFor(1_000 + below(world.random, 2_000));
  const victims = sample(world.random, world.names, options.victims);
  const startedAt = world.now;
  for (const name of victims) run.crash(name);
  const isNoticed = (): boolean =>
    run.running().every((name) => liveNames(world.node(name)).every((listed) => !victims.includes(listed)));
  while (!isNoticed() && world.now - startedAt < 20_000) world.runFor(20);
  run.figure('allListsMs', world.now - startedAt);
  run.completeness.finish(world);
  for (const name of victims) run.restart(name);
  run.settle(10_000);
  return run.finish();
}

/** A member dies and its next life comes at once, before anybody could notice: no list may keep the old one. */
export function restartRun(options: SwimRunOptions & { readonly restarts: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  let slowestMs = 0;
  for (let restart = 0; restart < options.restarts; restart++) {
    world.runFor(1_500 + below(world.random, 2_000));
    // The first three are the seeds of the others, who know them by the address that they had.
    const name = pick(world.random, world.names.slice(3)) as string;
    run.crash(name, chance(world.random, 0.3) ? 'host' : 'process');
    if (chance(world.random, 0.5)) world.runFor(below(world.random, 1_000));
    run.restart(name);
    const { id } = world.node(name).self;
    const startedAt = world.now;
    const isKnown = (): boolean =>
      run.running().every((observer) =>
        world
          .node(observer)
          .members()
          .some((member) => member.id === id),
      );
    while (!isKnown() && world.now - startedAt <= 10_000) world.runFor(20);
    slowestMs = Math.max(slowestMs, world.now - startedAt);
    run.converge(10_000);
  }
  run.figure('newLifeKnownMaxMs', slowestMs);
  run.settle(10_000);
  return run.finish();
}

/** Members leave one after the other: nobody may judge them down, and all lists must have it within six seconds. */
export function leaveRun(options: SwimRunOptions & { readonly leaves: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  let slowestMs = 0;
  for (let leave = 0; leave < options.leaves; leave++) {
    world.runFor(1_000 + below(world.random, 1_000));
    const name = pick(world.random, world.names) as string;
    const others = run.running().filter((other) => other !== name);
    const startedAt = world.now;
    run.leave(name);
    const isGone = (): boolean => others.every((other) => !liveNames(world.node(other)).includes(name));
    while (!isGone() && world.now - startedAt <= 6_000) world.runFor(20);
    if (!isGone()) run.leaves.lingering(name, world.now);
    slowestMs = Math.max(slowestMs, world.now - startedAt);
    world.runFor(6_500); // until the process has ended, and whoever doubts the leave has had the time to say so
    run.restart(name);
    run.converge(10_000);
  }
  run.figure('leaves', options.leaves);
  run.figure('leaveMaxMs', slowestMs);
  run.settle(10_000);
  return run.finish();
}

/** Clocks that jump by an hour and run up to 1 % too fast or slow, and slow processors: nobody is the less alive. */
export function skewRun(options: SwimRunOptions & { readonly durationMs: number }): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  run.converge(30_000);
  const endsAt = world.now + options.durationMs;
  while (world.now < endsAt) {
    skew(run, pick(world.random, world.names) as string);
    world.runFor(500 + below(world.random, 1_500));
  }
  run.settle(10_000);
  return run.finish();
}

/** One clock or one processor goes wrong. */
export function skew({ world }: SwimRun, name: string): void {
  const { random } = world;
  if (chance(random, 0.4)) world.setCpuMs(name, below(random, 5));
  else if (chance(random, 0.5)) world.setClock(name, { jumpMs: (below(random, 7_200) - 3_600) * 1_000 });
  else world.setClock(name, { rate: 0.99 + below(random, 20) / 1_000 });
}

/** The middle of the values, the upper one of two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
