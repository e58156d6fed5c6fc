import { below, chance, pick, sample } from '@grp/core';
import type { RunReport } from '../protocols.ts';
import { OrderingRun, type OrderingRunOptions } from './run.ts';

export interface OrderingScenarioOptions extends OrderingRunOptions {
  /** Virtual ms of trouble. */
  readonly durationMs: number;
}

/** What may happen in a chaos run; each seed takes some of them. */
export const orderingChaosKinds = [
  'crash',
  'pause',
  'partition',
  'cut',
  'loss',
  'reorder',
  'leave',
  'exclude',
] as const;
type ChaosKind = (typeof orderingChaosKinds)[number];

/** Random crashes, restarts, leaves, pauses, partitions and false exclusions under load and loss, then calm. */
export function orderingChaosRun(options: OrderingScenarioOptions): RunReport {
  const run = new OrderingRun(options);
  const { world, random } = run;
  const kinds = sample(random, orderingChaosKinds, 1 + below(random, orderingChaosKinds.length));
  const founders = 1 + below(random, world.names.length);
  run.found(world.names.slice(0, founders));
  run.load(2 + below(random, 30));
  for (const name of world.names.slice(founders))
    world.at(below(random, options.durationMs), () => {
      if (world.state(name) === 'running' && !run.authority.has(world.node(name).id)) run.join(name);
    });
  const endsAt = world.now + options.durationMs;
  while (world.now < endsAt) {
    strike(run, pick(random, kinds) as ChaosKind);
    world.runFor(20 + below(random, 500));
  }
  run.settle();
  return run.report();
}

function strike(run: OrderingRun, kind: ChaosKind): void {
  const { world, random } = run;
  const { network } = world;
  const name = pick(random, world.names) as string;
  if (kind === 'crash') {
    if (world.state(name) === 'crashed') run.restart(name);
    else if (run.canDoWithout([name])) crash(run, name);
  } else if (kind === 'leave') {
    if (world.state(name) === 'crashed') run.restart(name);
    else if (run.canDoWithout([name]) && run.running().includes(name)) run.leave(name);
  } else if (kind === 'pause') {
    if (world.state(name) === 'paused') world.resume(name);
    else if (run.running().length > 2) world.pause(name);
  } else if (kind === 'cut') {
    if (chance(random, 0.5)) network.heal();
    else network.cut({ from: name, to: pick(random, world.names) as string });
  } else if (kind === 'loss') {
    network.set({ loss: below(random, 4) / 10, duplication: below(random, 3) / 10 });
  } else if (kind === 'reorder') {
    network.set({ reorder: below(random, 5) / 10, delay: { medianMs: 1 + below(random, 20), sigma: 0.5 } });
  } else if (kind === 'partition') partition(run);
  else exclude(run, name);
}

// Half of all deaths come at a number of datagrams, and so in the middle of something.
function crash(run: OrderingRun, name: string): void {
  const subject = run.world.node(name);
  if (chance(run.random, 0.5)) {
    run.crash(name, chance(run.random, 0.3) ? 'host' : 'process');
    return;
  }
  subject.crashAfter(below(run.random, 12));
  awaitDeath(run, name);
}

/** Looks after a member that is going to die by itself, so that the authority hears of it. */
export function awaitDeath(run: OrderingRun, name: string): void {
  const { world } = run;
  const subject = world.node(name);
  const look = (): void => {
    if (subject.isAlive) world.at(world.now + 20, look);
    else if (world.state(name) === 'crashed') run.noticeCrash(subject.id);
  };
  look();
}

// The side without the authority hears of nothing; the others go on without it.
function partition(run: OrderingRun): void {
  const { world, random, authority } = run;
  if (chance(random, 0.5)) {
    world.network.heal();
    authority.limit(() => true);
    readmit(run);
    return;
  }
  const side = sample(random, world.names, 1 + below(random, Math.max(1, world.names.length - 1)));
  const away = world.names.filter((name) => !side.includes(name));
  if (!run.canDoWithout(away)) return;
  world.network.partition(side);
  authority.limit((name) => side.includes(name));
  const lost = authority.view.members.filter(({ id }) => !side.includes(id.split('#')[0] as string));
  run.count('partition.lost', lost.length);
  world.at(world.now + 300, () => {
    if (run.canDoWithout(away)) authority.change({ remove: lost.map(({ id }) => id) });
  });
}

/** Excludes a member that is well, as a mistaken tracker would, and takes it in again: the same life. */
function exclude(run: OrderingRun, name: string): void {
  const { world, authority } = run;
  readmit(run);
  if (world.state(name) !== 'running' || !run.canDoWithout([name])) return;
  run.count('exclude.false');
  authority.change({ remove: [world.node(name).id] });
}

function readmit(run: OrderingRun): void {
  const { authority } = run;
  const missing = run.running().filter((name) => !authority.has(run.world.node(name).id));
  if (missing.length > 0) run.join(...missing);
}

/**
 * One member dies after exactly so many of its datagrams, while all send: seeds go through the members and the numbers,
 * so that every step of the protocol is somebody's last. Often another one dies at about the same time, and the leader of
 * the flush that follows.
 */
export function crashPointRun(options: OrderingScenarioOptions): RunReport {
  const run = new OrderingRun(options);
  const { world, random } = run;
  const point = Number(options.seed);
  run.found();
  world.runFor(1_000);
  const victim = world.names[point % world.names.length] as string;
  world.node(victim).crashAfter(Math.floor(point / world.names.length) % 60);
  awaitDeath(run, victim);
  const second = pick(random, world.names) as string;
  if (chance(random, 0.4) && second !== victim && run.canDoWithout([victim, second])) {
    world.node(second).crashAfter(below(random, 60));
    awaitDeath(run, second);
  }
  run.load(3);
  for (const name of world.names) run.send(name, 3);
  world.runFor(200 + below(random, 100));
  // Whoever leads the flush that comes dies in it, in every second run.
  const next = world.names.find((name) => world.state(name) === 'running' && !world.node(name).isDoomed);
  if (chance(random, 0.5) && next !== undefined && run.canDoWithout([next])) {
    world.node(next).crashAfter(below(random, 20));
    awaitDeath(run, next);
  }
  world.runFor(options.durationMs);
  run.settle();
  return run.report();
}

/** Members come, in herds and one by one, while all send. */
export function joinRun(options: OrderingScenarioOptions): RunReport {
  const run = new OrderingRun(options);
  const { world, random } = run;
  run.found(world.names.slice(0, 1));
  run.load(5);
  let joined = 1;
  while (joined < world.names.length) {
    const herd = 1 + below(random, world.names.length - joined);
    run.join(...world.names.slice(joined, joined + herd));
    joined += herd;
    world.runFor(below(random, options.durationMs / 2));
  }
  world.runFor(options.durationMs / 2);
  run.settle();
  return run.report();
}

/** Nothing goes wrong but what the network does. */
export function steadyOrderingRun(options: OrderingScenarioOptions): RunReport {
  const run = new OrderingRun(options);
  run.found();
  run.load(5);
  run.world.runFor(options.durationMs);
  run.settle();
  return run.report();
}
