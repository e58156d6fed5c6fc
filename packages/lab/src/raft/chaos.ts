import { below, chance, pick, sample, type Millis } from '@grp/core';
import type { MembershipStep, RaftConfig } from '@grp/raft';
import { seededRandom } from '@grp/sim';
import { RaftRun, smallLimits, type RaftRunOptions, type RaftRunReport } from './run.ts';

/** What may happen in a chaos run; each seed takes some of them. */
export const raftChaosKinds = [
  'crash',
  'pause',
  'cut',
  'partition',
  'loss',
  'skew',
  'disk',
  'space',
  'membership',
  'transfer',
  'rot',
  'aimed',
] as const;
/** A kind of fault in a chaos run of raft. */
export type RaftChaosKind = (typeof raftChaosKinds)[number];

/** A run of raft under random faults. */
export interface RaftChaosOptions extends RaftRunOptions {
  readonly durationMs: number;
  /** What may happen (default: everything). */
  readonly kinds?: readonly RaftChaosKind[];
}

/** Random trouble of every kind, then calm: the safety and the liveness phase. */
export function raftChaosRun(options: RaftChaosOptions): RaftRunReport {
  const { nodeCount } = options;
  const kinds = kindsOf(options);
  // Two more servers than voters wait to be taken in.
  const spare = kinds.includes('membership') ? 2 : 0;
  const temper = temperOf(options.seed);
  const config = { ...smallLimits, takeoverStableMs: 1_000, ...temper.config, ...options.config };
  const run = new RaftRun({ ...options, config, nodeCount: nodeCount + spare, voterCount: nodeCount });
  const { world, random } = run;
  if (kinds.includes('aimed'))
    for (const moment of ['vote-sent', 'synced', 'leader-appended'] as const)
      if (chance(random, 0.7))
        run.moments.set(moment, moment === 'vote-sent' ? 0.3 : 0.003 + below(random, 10) / 1_000);
  if (temper.delayMs > 0) world.network.set({ delay: { medianMs: temper.delayMs, sigma: 1 } });
  const endsAt = world.now + options.durationMs;
  world.runFor(below(random, 1_500));
  while (world.now < endsAt && !run.hasViolations) {
    strike(run, pick(random, kinds) as RaftChaosKind);
    world.runFor(20 + below(random, chance(random, 0.3) ? 100 : 900));
    revive(run);
  }
  if (!run.hasViolations) run.figure('calmMs', run.settle(20_000));
  return run.finish();
}

/** Swarm: each seed first draws which kinds of fault exist at all, or faults would cancel each other out. */
function kindsOf({ seed, kinds: possible = raftChaosKinds }: RaftChaosOptions): readonly RaftChaosKind[] {
  const random = seededRandom(seed).fork('kinds');
  const kinds = sample(random, possible, 1 + below(random, Math.min(possible.length, 6)));
  // Who was removed may be the one that still has what rot took from the others.
  return kinds.includes('rot') && kinds.length > 1 ? kinds.filter((kind) => kind !== 'membership') : kinds;
}

/**
 * In a third of the seeds messages take as long as elections wait, and nothing spares the cluster an election: logs differ
 * more in seconds than otherwise in hours. In calm the network is quick again.
 */
function temperOf(seed: number | string): { readonly delayMs: Millis; readonly config: Partial<RaftConfig> } {
  const random = seededRandom(seed).fork('temper');
  if (!chance(random, 0.35)) return { delayMs: 0, config: {} };
  const config = {
    heartbeatMs: 15,
    electionTimeoutMs: 50 + below(random, 100),
    electionJitterMs: 60,
    quorumTimeoutMs: 400,
    preVote: chance(random, 0.5),
    checkQuorum: chance(random, 0.5),
    priorityElections: chance(random, 0.5),
  };
  return { delayMs: 2 + below(random, 25), config };
}

function strike(run: RaftRun, kind: RaftChaosKind): void {
  const { world, random } = run;
  const { network } = world;
  const name = pick(random, world.names) as string;
  if (kind === 'crash') run.crash(victim(run), chance(random, 0.5) ? 'host' : 'process');
  else if (kind === 'pause') {
    if (world.state(name) === 'paused') world.resume(name);
    else world.pause(victim(run));
  } else if (kind === 'cut') {
    if (chance(random, 0.4)) network.heal();
    else network.cut({ from: name, to: pick(random, world.names) as string });
  } else if (kind === 'partition') {
    if (chance(random, 0.4)) network.heal();
    else network.partition(sample(random, world.names, 1 + below(random, world.names.length - 1)));
  } else if (kind === 'loss') {
    network.set({ loss: below(random, 3) / 10, duplication: below(random, 2) / 10, reorder: below(random, 3) / 10 });
  } else if (kind === 'skew') world.setClock(name, { rate: 0.96 + below(random, 9) / 100 });
  else if (kind === 'disk') harmDisk(run, victim(run));
  else if (kind === 'space') fillDisk(run, victim(run));
  else if (kind === 'membership') changeMembership(run);
  else if (kind === 'transfer') transfer(run);
  else if (kind === 'rot') rot(run);
  else if (chance(random, 0.3)) run.crash(victim(run), 'host'); // so that there are votes to die of
}

/** The leader more often than chance would have it. */
function victim(run: RaftRun): string {
  const leader = run.leader();
  return leader !== undefined && chance(run.random, 0.4) ? leader : (pick(run.random, run.world.names) as string);
}

function revive(run: RaftRun): void {
  for (const name of run.world.names)
    if (run.world.state(name) === 'crashed' && chance(run.random, 0.35)) run.restart(name);
}

function harmDisk(run: RaftRun, name: string): void {
  const { random, world } = run;
  if (world.state(name) !== 'running') return;
  const trouble = pick(random, [{ slowMs: 100 }, { slowMs: 20 }, { hangs: true }, { fails: true }, {}, {}]) ?? {};
  run.storage(name).setTrouble(trouble);
  for (const kind of Object.keys(trouble)) run.count(`disk-${kind}`);
}

function fillDisk(run: RaftRun, name: string): void {
  const { random, world } = run;
  if (world.state(name) !== 'running') return;
  const isLow = chance(random, 0.5);
  if (isLow) run.count('disk-full');
  world.node(name).replica.setLowOnSpace(isLow);
}

function transfer(run: RaftRun): void {
  const leader = run.leader();
  if (leader === undefined) return;
  const to = chance(run.random, 0.5) ? (pick(run.random, run.world.names) as string) : undefined;
  run.world.node(leader).replica.transfer(to, (isDone) => run.count(isDone ? 'transferred' : 'not-transferred'));
}

function changeMembership(run: RaftRun): void {
  const { random, world } = run;
  const leader = run.leader();
  if (leader === undefined) return;
  const { replica } = world.node(leader);
  const { voters, learners } = replica.status().configuration;
  const steps: MembershipStep[] = [];
  const outsiders = world.names.filter((name) => !voters.includes(name) && !learners.includes(name));
  for (let step = 1 + below(random, 3); step > 0; step--) {
    const outsider = pick(random, outsiders);
    const learner = pick(random, learners);
    const voter = pick(random, voters) as string;
    const choice = below(random, 4);
    if (choice === 0 && outsider !== undefined) steps.push({ type: 'add-learner', id: outsider });
    else if (choice === 1 && learner !== undefined) steps.push({ type: 'promote', id: learner });
    else if (choice === 2 && voters.length > 3)
      steps.push({ type: chance(random, 0.5) ? 'remove' : 'demote', id: voter });
    else if (choice === 3 && learner !== undefined && voters.length > 2)
      steps.push({ type: 'promote', id: learner }, { type: 'remove', id: voter });
  }
  // A step that names somebody twice would undo itself.
  const distinct = steps.filter(({ id }, index) => steps.findIndex((other) => other.id === id) === index);
  if (distinct.length === 0) return;
  replica.change(distinct, ({ type }) => run.count(type === 'done' ? 'changed' : 'not-changed'));
}

/** Never more than a minority at a time: of everything acknowledged somebody still has a copy that can be read. */
function rot(run: RaftRun): void {
  const { world, random, rotten } = run;
  const minority = Math.floor((world.names.length - 1) / 2);
  const name = pick(random, world.names) as string;
  if (rotten.size >= minority || rotten.has(name)) return;
  run.crash(name, 'host');
  run.rot(name);
}
