import { below, chance } from '@grp/core';
import type { RunReport } from '../protocols.ts';
import { OrderingRun } from './run.ts';
import { awaitDeath, type OrderingScenarioOptions } from './scenarios.ts';

/** Everything that a member ever says: a round, its proposals, its agreed numbers, marks; then what changes a view. */
export const orderingSteps = [
  ...['data', 'propose', 'final', 'ack', 'stable'],
  ...['state', 'request', 'prepare', 'fetch', 'refill', 'ready', 'install'],
] as const;

/** Messages that only the change of a view brings about. */
const flushSteps: ReadonlySet<string> = new Set(orderingSteps.slice(5));

/**
 * Whoever is the first to take one step of the protocol dies in it: after none, one, two … of the messages that this step
 * consists of. Seeds go through the steps and the numbers. `step.NAME` counts the deaths that came about.
 */
export function stepRun(options: OrderingScenarioOptions): RunReport {
  const run = new OrderingRun(options);
  const { world, random } = run;
  const point = Number(options.seed);
  const step = orderingSteps[point % orderingSteps.length] as string;
  const copies = Math.floor(point / orderingSteps.length) % (2 * world.names.length);
  // The last member comes late: its view is one that a flush has to make.
  const late = world.names.at(-1) as string;
  run.found(world.names.slice(0, -1));
  world.runFor(1_000);
  run.load(3);
  world.runFor(below(random, 100));
  // Rounds that some have and others have not are what has to be fetched and refilled.
  if (flushSteps.has(step)) world.network.set({ loss: 0.05 + below(random, 25) / 100 });
  const spare = aim(run, step, copies);
  for (const name of world.names.slice(0, -1)) run.send(name, 3);
  if (flushSteps.has(step)) {
    world.runFor(below(random, 30));
    const first = world.names[below(random, world.names.length - 1)] as string;
    // The death of another one brings a flush about as well as somebody who comes.
    if (chance(random, 0.5) && run.canDoWithout([first])) {
      world.node(first).crashAfter(below(random, 8));
      awaitDeath(run, first);
    }
    run.join(late);
  }
  world.runFor(options.durationMs);
  if (world.state(late) === 'running' && !run.authority.has(world.node(late).id)) run.join(late);
  world.runFor(options.durationMs / 2);
  spare();
  run.settle();
  return run.report();
}

/** One death at that step, of the first member that takes it and that the others can do without; until it is called off. */
function aim(run: OrderingRun, step: string, copies: number): () => void {
  const { world } = run;
  let victim: string | undefined;
  let left = copies;
  let isOver = false;
  for (const name of world.names) {
    world.node(name).aim((kind) => {
      if (isOver || kind !== step || (victim !== undefined && victim !== name)) return false;
      if (victim === undefined) {
        if (!run.canDoWithout([name])) return false;
        victim = name;
        awaitDeath(run, name);
      }
      if (left-- > 0) return false;
      if (!run.canDoWithout([name])) return false;
      run.count(`step.${step}`);
      return true;
    });
  }
  return () => void (isOver = true);
}
