// A cluster without any fault, but of busy machines: each server stands still now and then, the leader too.
import { below, type Random } from '@grp/core';
import { RaftRun } from '../../src/raft/run.ts';

export interface StallPlan {
  readonly seed: number;
  readonly nodeCount: number;
  readonly durationMs: number;
  /** The longest time that a server stands still. */
  readonly stallMsMax: number;
  /** Do servers know of the connections between them? */
  readonly knowsConnections?: boolean;
}

export interface StallFigures {
  readonly stalls: number;
  /** Terms that began, and times that somebody doubted the leader, since the cluster was ready. */
  readonly elections: number;
  readonly doubts: number;
  readonly violations: readonly string[];
}

const stepMs = 5;

export function stallRun({
  seed,
  nodeCount,
  durationMs,
  stallMsMax,
  knowsConnections = true,
}: StallPlan): StallFigures {
  let [isReady, doubts, stalls] = [false, 0, 0];
  const run = new RaftRun({
    seed,
    nodeCount,
    clientCount: 1,
    pauseMs: 1_000,
    onRole: (_, role) => void (isReady && role !== 'follower' && doubts++),
  });
  const { world } = run;
  const random: Random = world.random.fork('stalls');
  world.runFor(10_000); // the best leads by then
  if (knowsConnections)
    for (const name of world.names)
      for (const peer of world.names) if (peer !== name) world.node(name).replica.connected(peer);
  const term = (): number => Math.max(...world.names.map((name) => world.node(name).replica.status().term));
  const before = term();
  isReady = true;
  const next = new Map(world.names.map((name) => [name, world.now + below(random, 2_000)]));
  for (const endsAt = world.now + durationMs; world.now < endsAt;) {
    world.runFor(stepMs);
    for (const [name, at] of next) {
      if (at > world.now) continue;
      const isStill = world.state(name) === 'paused';
      if (isStill) world.resume(name);
      else world.pause(name);
      if (!isStill) stalls++;
      next.set(name, world.now + (isStill ? 50 + below(random, 2_000) : stepMs + below(random, stallMsMax - stepMs)));
    }
  }
  for (const name of world.names) if (world.state(name) === 'paused') world.resume(name);
  world.runFor(10);
  const elections = term() - before;
  run.settle(20_000);
  return { stalls, elections, doubts, violations: run.finish().violations.map(({ message }) => message) };
}
