import { below, chance, pick, sample, type Millis } from '@grp/core';
import { encodeMapCommand } from '@grp/raft';
import { RaftRun, smallLimits, type RaftRunOptions, type RaftRunReport } from './run.ts';

/** How long runs last. */
export interface TimedRaftRunOptions extends RaftRunOptions {
  readonly durationMs: Millis;
}

/** Kills the leader again and again, and measures how long nobody can write; the median and the greatest are figures. */
export function leaderKillRun(options: RaftRunOptions & { readonly kills: number }): RaftRunReport {
  const run = new RaftRun(options);
  const { world, random } = run;
  run.until(() => run.leader() !== undefined, 5_000, 'the first election');
  const gaps: Millis[] = [];
  for (let kill = 0; kill < options.kills && !run.hasViolations; kill++) {
    world.runFor(1_000 + below(random, 500));
    const victim = run.leader();
    if (victim === undefined) continue;
    run.crash(victim, chance(random, 0.5) ? 'host' : 'process');
    gaps.push(gap(run, 5_000));
    world.runFor(below(random, 1_000));
    run.restart(victim);
  }
  figures(run, 'gap', gaps);
  run.settle(10_000);
  return run.finish();
}

/** Hands leadership over again and again, as a server does that is asked to end. */
export function transferRun(options: RaftRunOptions & { readonly transfers: number }): RaftRunReport {
  const run = new RaftRun(options);
  const { world, random } = run;
  run.until(() => run.leader() !== undefined, 5_000, 'the first election');
  const gaps: Millis[] = [];
  for (let transfer = 0; transfer < options.transfers && !run.hasViolations; transfer++) {
    world.runFor(500 + below(random, 500));
    const leader = run.leader();
    if (leader === undefined) continue;
    world.node(leader).replica.transfer(undefined, (isDone) => run.count(isDone ? 'transferred' : 'not-transferred'));
    gaps.push(gap(run, 5_000));
  }
  figures(run, 'gap', gaps);
  run.settle(10_000);
  return run.finish();
}

/** Nothing happens but work, on slow processors now and then: there must be one election and no more. */
export function steadyRaftRun(options: TimedRaftRunOptions): RaftRunReport {
  const run = new RaftRun(options);
  const { world, random } = run;
  run.until(() => run.leader() !== undefined, 5_000, 'the first election');
  world.runFor(500);
  const term = run.world.node(run.leader() as string).replica.status().term;
  for (const endsAt = world.now + options.durationMs; world.now < endsAt;) {
    world.setCpuMs(pick(random, world.names) as string, below(random, 3));
    world.runFor(500);
  }
  const leader = run.leader();
  const now = leader === undefined ? -1 : world.node(leader).replica.status().term;
  if (now !== term) run.violate('stable leadership', `term ${term} became ${now} without a fault.`);
  run.settle(10_000);
  return run.finish();
}

/** Splits the cluster, minority and majority, again and again; the side without a majority must not write. */
export function partitionRaftRun(options: TimedRaftRunOptions): RaftRunReport {
  const run = new RaftRun({ ...options, config: { ...smallLimits, ...options.config } });
  const { world, random } = run;
  for (const endsAt = world.now + options.durationMs; world.now < endsAt && !run.hasViolations;) {
    const leader = run.leader();
    const side = sample(random, world.names, 1 + below(random, world.names.length - 1));
    world.network.partition(leader !== undefined && chance(random, 0.5) ? [leader] : side);
    world.runFor(200 + below(random, 2_000));
    if (chance(random, 0.7)) world.network.heal();
    world.runFor(below(random, 1_500));
  }
  run.settle(10_000);
  return run.finish();
}

/** Cuts the power of everyone at once, again and again: all torn in the middle of their writes. */
export function powerCutRun(options: TimedRaftRunOptions): RaftRunReport {
  const run = new RaftRun({ ...options, config: { ...smallLimits, ...options.config } });
  const { world, random } = run;
  for (const endsAt = world.now + options.durationMs; world.now < endsAt && !run.hasViolations;) {
    world.runFor(300 + below(random, 2_000));
    for (const name of world.names) run.crash(name, 'host');
    world.runFor(below(random, 300));
    for (const name of world.names) {
      world.runFor(below(random, 100));
      run.restart(name);
    }
    run.until(() => run.leader() !== undefined, 10_000, 'an election after a power cut');
  }
  run.settle(10_000);
  return run.finish();
}

/** Virtual ms until a write is done by whoever leads by then. */
function gap(run: RaftRun, withinMs: Millis): Millis {
  const { world } = run;
  const startedAt = world.now;
  const written = { isDone: false };
  const command = encodeMapCommand({ type: 'put', key: 'gap', value: `gap@${startedAt}` });
  const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
  let askedOf: string | undefined;
  while (!written.isDone && world.now - startedAt < withinMs) {
    const leader = run.leader();
    if (leader !== undefined && leader !== askedOf) {
      askedOf = leader;
      world.node(leader).replica.propose(payload, ({ type }) => {
        if (type === 'done') written.isDone = true;
        else askedOf = undefined;
      });
    }
    world.runFor(1);
  }
  if (!written.isDone) run.violate('liveness', `no write for ${withinMs} ms.`);
  return world.now - startedAt;
}

function figures(run: RaftRun, name: string, values: readonly Millis[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  run.figure(`${name}MedianMs`, sorted[Math.floor(sorted.length / 2)] ?? 0);
  run.figure(`${name}MaxMs`, sorted.at(-1) ?? 0);
  run.figure(`${name}Count`, sorted.length);
}
