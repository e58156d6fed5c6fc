import type { Address, NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { createWorld, type World } from '@grp/sim';
import { createGroup, createHeartbeatDetector, type GroupHandle, type GroupOptions } from '../../src/index.ts';

const port = 7_947;

/** Whole group members over links on the simulated network; nobody has joined yet. */
export function groupWorld(
  names: readonly string[],
  options: (name: string) => GroupOptions = () => ({}),
): World<GroupHandle> {
  return createWorld<GroupHandle>({
    seed: 1,
    nodes: names,
    start: ({ name, incarnation, transport, clock, random, logger }) => {
      const id = `${name}#${incarnation}` as NodeId;
      const links = createLinks({ transport: transport(port), clock, random });
      const config = { intervalMs: 100, suspectMs: 1_000, hintMs: 400 };
      const detector = createHeartbeatDetector({ links, id, clock, config });
      const defer = (run: () => void): void => void clock.wakeAt(clock.now(), run);
      const ports = { links: detector.links, detector, clock, random, logger, defer };
      return createGroup(ports, { name, id, ...options(name) });
    },
  });
}

export function addressOf(world: World<GroupHandle>, name: string): Address {
  return world.address(name, port);
}

/** The first founds the group, the others join it. */
export async function joinAll(world: World<GroupHandle>): Promise<void> {
  const [first, ...others] = world.names as [string, ...string[]];
  const joins = [world.node(first).join()];
  for (const name of others) joins.push(world.node(name).join([addressOf(world, first)]));
  const count = world.names.length;
  await world.runUntil(() => world.names.every((name) => world.node(name).view?.members.length === count));
  await Promise.all(joins);
}

/** Lets time pass until it settles, and gives what it came to: an error is a value here. */
export async function outcome<Value>(world: World<GroupHandle>, promise: Promise<Value>): Promise<Value | Error> {
  let result: Value | Error | undefined;
  promise.then(
    (value) => (result = value),
    (cause: unknown) => (result = cause as Error),
  );
  let isSettled = false;
  void promise.catch(() => {}).finally(() => (isSettled = true));
  await world.runUntil(() => isSettled, { withinMs: 120_000 });
  return result as Value | Error;
}
