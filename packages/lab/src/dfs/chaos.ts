import { below, chance, pick, sample } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { DfsRun, type DfsRunOptions, type DfsRunReport } from './run.ts';

/** What may happen in a chaos run; each seed takes some of them. */
export const dfsChaosKinds = [
  'crash',
  'wipe',
  'aimed',
  'echo',
  'pause',
  'partition',
  'loss',
  'delay',
  'suspicion',
  'master',
  'log',
  'disk',
  'rot',
  'client',
] as const;
/** A kind of fault in a chaos run of the file store. */
export type DfsChaosKind = (typeof dfsChaosKinds)[number];

/** A run of the file store under random faults. */
export interface DfsChaosOptions extends DfsRunOptions {
  readonly durationMs: number;
  /** What may happen (default: everything). */
  readonly kinds?: readonly DfsChaosKind[];
  /** Whether a seed takes only some of them (default true). */
  readonly swarm?: boolean;
  /** Whether the run ends with calm, in which everything must become whole again (default true). */
  readonly settles?: boolean;
}

/** Random trouble of every kind, then calm: the safety and the liveness phase. */
export function dfsChaosRun(options: DfsChaosOptions): DfsRunReport {
  const kinds = kindsOf(options);
  const run = new DfsRun(options);
  const { world, random } = run;
  const endsAt = world.now + options.durationMs;
  world.runFor(200 + below(random, 600));
  while (world.now < endsAt && !run.hasViolations) {
    strike(run, pick(random, kinds) as DfsChaosKind);
    world.runFor(20 + below(random, chance(random, 0.3) ? 80 : 500));
    run.inspect();
    revive(run);
  }
  if (!run.hasViolations && options.settles !== false) run.figure('calmMs', settle(run, 20_000));
  return run.finish();
}

/** Swarm: each seed first draws which kinds of fault exist at all, or faults would cancel each other out. */
function kindsOf({ seed, kinds = dfsChaosKinds, swarm = true }: DfsChaosOptions): readonly DfsChaosKind[] {
  const random = seededRandom(seed).fork('kinds');
  return swarm ? sample(random, kinds, 2 + below(random, Math.min(kinds.length, 6))) : kinds;
}

function strike(run: DfsRun, kind: DfsChaosKind): void {
  const { world, random, servers, log } = run;
  const { network } = world;
  const name = victim(run);
  if (kind === 'crash') run.crash(name, chance(random, 0.5) ? 'host' : 'process');
  else if (kind === 'wipe') wipe(run, name);
  else if (kind === 'aimed') aim(run, name);
  else if (kind === 'echo') run.echoMs = below(random, 3) * 300;
  else if (kind === 'pause') {
    if (world.state(name) === 'paused') world.resume(name);
    else if (world.state(name) === 'running') world.pause(name);
    if (log.leader === name && world.state(name) === 'paused' && chance(random, 0.7)) run.electSoon();
  } else if (kind === 'partition') {
    if (chance(random, 0.4)) network.heal();
    else network.partition(sample(random, world.names, 1 + below(random, world.names.length - 1)));
  } else if (kind === 'loss')
    network.set({ loss: below(random, 3) / 10, duplication: below(random, 3) / 10, reorder: below(random, 4) / 10 });
  else if (kind === 'delay') network.set({ delay: { medianMs: 1 + below(random, 20), sigma: 1 } });
  else if (kind === 'suspicion') {
    run.suspected.clear();
    if (chance(random, 0.7)) for (const one of sample(random, servers, 1 + below(random, 2))) run.suspected.add(one);
  } else if (kind === 'master') {
    if (chance(random, 0.5)) run.electSoon();
    else
      log.elect(
        pick(
          random,
          servers.filter((one) => world.state(one) === 'running'),
        ),
      );
  } else if (kind === 'log')
    log.trouble = { errors: below(random, 4) / 10, silence: below(random, 2) / 10, delayMs: 1 + below(random, 30) };
  else if (kind === 'disk') {
    const trouble = pick(random, [{ slowMs: 150 }, { slowMs: 20 }, { fails: true }, { full: true }, {}, {}]) ?? {};
    run.platter(name).trouble = trouble;
    for (const what of Object.keys(trouble)) run.count(`disk-${what}`);
  } else if (kind === 'rot') rot(run);
  else restartClient(run);
}

/** The leader more often than chance would have it. */
function victim({ log, random, servers }: DfsRun): string {
  return log.leader !== undefined && chance(random, 0.35) ? log.leader : (pick(random, servers) as string);
}

function revive(run: DfsRun): void {
  const { world, random } = run;
  for (const name of run.servers) if (world.state(name) === 'crashed' && chance(random, 0.35)) run.restart(name);
  for (const name of world.names)
    if (!run.servers.includes(name) && world.state(name) === 'crashed') world.restart(name);
}

/**
 * A node comes back with an empty disk. That is a failure of one replica of all that it held, so that the next may only
 * happen when the log knows of this one, and everything is on two disks again: W−1 failures before repair.
 */
function wipe(run: DfsRun, name: string): void {
  if (!canLose(run, name)) return run.count('wipes-not-allowed');
  run.count('wipes');
  run.wounded = { name, life: run.truth.state.servers.get(name)?.life };
  run.crash(name, 'host');
  run.platter(name).wipe();
  // Sometimes so soon that nobody has noticed that it was away.
  run.world.at(run.world.now + below(run.random, chance(run.random, 0.5) ? 30 : 1_500), () => {
    if (run.world.state(name) === 'crashed') run.restart(name);
  });
}

/**
 * A server is lost with what it has just acknowledged, and is back at once, while the other replicas are still being
 * written: the commit then comes after the server has joined again.
 */
function aim(run: DfsRun, name: string): void {
  const others = run.servers.filter((other) => other !== name);
  for (const other of others) run.platter(other).trouble = { slowMs: 50 + below(run.random, 150) };
  const endsAt = run.world.now + 500;
  run.world.at(endsAt, () => {
    for (const other of others) run.platter(other).trouble = {};
    run.onStored = () => {};
    strikeTwice(run, name);
  });
  run.onStored = (stored) => {
    if (stored !== name || !chance(run.random, 0.5)) return;
    run.onStored = () => {};
    run.count('aimed');
    run.world.at(run.world.now + 1, () => wipe(run, name));
  };
}

/** If the store believes that the server has what it lost, the other copy of that is what is lost next. */
function strikeTwice(run: DfsRun, name: string): void {
  for (const { blob, holders } of run.truth.state.blobs.values()) {
    const other = holders.find((holder) => holder !== name);
    if (other === undefined || !holders.includes(name) || run.platter(name).blobs.has(blob)) continue;
    return wipe(run, other);
  }
}

function canLose(run: DfsRun, name: string): boolean {
  const { state } = run.truth;
  const { wounded } = run;
  if (wounded !== undefined) {
    const server = state.servers.get(wounded.name);
    // Acknowledgements of the life that was lost may still be on their way into the log.
    if (server === undefined || (server.life === wounded.life && server.up)) return false;
  }
  for (const blob of state.blobs.keys()) if (run.claimedHolders(blob, name) === 0) return false;
  return true;
}

/** A copy rots of which there are others, good and counted. */
function rot(run: DfsRun): void {
  const name = pick(run.random, run.servers) as string;
  if (run.wounded !== undefined && !canLose(run, run.wounded.name)) return;
  for (const [blob, stored] of run.platter(name).blobs) {
    if (!chance(run.random, 0.2) || !run.truth.state.blobs.has(blob) || run.claimedHolders(blob, name) < 1) continue;
    stored.isBad = true;
    run.count('rotten');
  }
}

function restartClient(run: DfsRun): void {
  const { world, random } = run;
  const name = pick(
    random,
    world.names.filter((one) => !run.servers.includes(one)),
  ) as string;
  if (world.state(name) !== 'running') return;
  world.crash(name);
  run.count('clients-crashed');
}

/** The liveness phase: all faults end, every client is served, and every replica comes back. */
function settle(run: DfsRun, withinMs: number): number {
  const { world, log } = run;
  for (const name of world.names) if (world.state(name) === 'paused') world.resume(name);
  for (const name of world.names) {
    if (world.state(name) !== 'crashed') continue;
    if (run.servers.includes(name)) run.restart(name);
    else world.restart(name);
  }
  for (const name of run.servers) run.platter(name).trouble = {};
  run.suspected.clear();
  world.calm();
  world.network.set({ loss: 0, duplication: 0, reorder: 0 });
  log.calm();
  if (log.leader === undefined || world.state(log.leader) !== 'running') log.elect(run.servers[0]);
  const doneBefore = run.clients().map(({ doneCount }) => doneCount);
  const tookMs = run.until(
    () => run.clients().every(({ doneCount }, index) => doneCount > (doneBefore[index] ?? 0) + 1),
    withinMs,
    'serving every client again',
  );
  for (const client of run.clients()) client.stop();
  run.until(() => run.clients().every(({ isIdle }) => isIdle), withinMs, 'the last operations');
  run.figure(
    'repairMs',
    run.until(() => isWhole(run), withinMs, 'having every replica again, and no other'),
  );
  return tookMs;
}

/** Every blob is, good, on exactly as many disks as it should be, and nothing else is on any. */
function isWhole(run: DfsRun): boolean {
  const { state } = run.truth;
  if (state.deficient.size > 0 || state.excess.size > 0 || state.deletionCount > 0) return false;
  for (const [blob, { replicas }] of state.blobs) if (run.goodHolders(blob) !== replicas) return false;
  return run.servers.every((name) => [...run.platter(name).blobs.keys()].every((blob) => isHeld(run, name, blob)));
}

function isHeld(run: DfsRun, name: string, blob: string): boolean {
  return run.truth.state.blobs.get(blob)?.holders.includes(name) === true;
}
