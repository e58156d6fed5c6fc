import { below, chance, pick, sample } from '@grp/core';
import { SwimRun, type SwimRunOptions, type SwimRunReport } from './run.ts';
import { skew } from './scenarios.ts';

/** What may happen in a chaos run; each seed takes some of them. */
export const chaosKinds = ['crash', 'pause', 'cut', 'partition', 'loss', 'leave', 'skew'] as const;
/** A kind of fault in a chaos run of swim. */
export type ChaosKind = (typeof chaosKinds)[number];

/** A run of swim under random faults. */
export interface ChaosRunOptions extends SwimRunOptions {
  readonly durationMs: number;
  /** What may happen (default: everything). */
  readonly kinds?: readonly ChaosKind[];
}

/** Random crashes, restarts, leaves, pauses and cuts under random loss, then calm: the safety and the liveness phase. */
export function chaosRun(options: ChaosRunOptions): SwimRunReport {
  const run = new SwimRun(options);
  const { world } = run;
  const { random, names } = world;
  run.converge(30_000);
  // Swarm: each seed first draws which kinds of fault exist at all, or faults would cancel each other out.
  const possible = options.kinds ?? chaosKinds;
  const kinds = sample(random, possible, 1 + below(random, possible.length));
  const endsAt = world.now + options.durationMs;
  // With cuts the truth about who can hear whom is no longer one truth: only agreement afterwards is checked then.
  const blurred = kinds.includes('cut') || kinds.includes('partition') || kinds.includes('pause');
  if (blurred) for (const name of names) run.accuracy.unwell(name);
  // With loss, and with clocks that jump through the shared schedule of probes, crashes are noticed later.
  if (kinds.includes('loss') || kinds.includes('skew')) run.completeness.disturb(world.now, Infinity);
  while (world.now < endsAt) {
    fault(run, pick(random, kinds) as ChaosKind, blurred);
    world.runFor(200 + below(random, 3_000));
  }
  for (const name of names) run.accuracy.up(name, world.now);
  const { firstMs, lastMs, calmCount } = run.completeness;
  run.figure('crashesNoticed', firstMs.length);
  run.figure('crashesNoticedAlone', calmCount);
  run.figure('lastMaxMs', Math.max(0, ...lastMs));
  run.figure('calmMs', run.settle(30_000));
  return run.finish();
}

function fault(run: SwimRun, kind: ChaosKind, blurred: boolean): void {
  const { world } = run;
  const { random, network } = world;
  const name = pick(random, world.names) as string;
  if (kind === 'crash') crash(run, name, blurred);
  else if (kind === 'leave') leave(run, name, blurred);
  else if (kind === 'skew') skew(run, name);
  else if (kind === 'pause') {
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

function crash(run: SwimRun, name: string, blurred: boolean): void {
  const { world } = run;
  const kind = chance(world.random, 0.3) ? 'host' : 'process';
  if (world.state(name) === 'crashed') run.restart(name);
  else if (run.running().length > 2 && !blurred) run.crash(name, kind);
  else if (run.running().length > 2) world.crash(name, kind);
  if (blurred) run.accuracy.unwell(name);
}

function leave(run: SwimRun, name: string, blurred: boolean): void {
  const { world } = run;
  if (world.state(name) === 'crashed') run.restart(name);
  else if (run.running().includes(name) && run.running().length > 2) run.leave(name, !blurred);
  if (blurred) run.accuracy.unwell(name);
}
