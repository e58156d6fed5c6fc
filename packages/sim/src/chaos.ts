import { below, chance, fraction, pick, sample, type Millis, type Random } from '@grp/core';
import { exponential } from './delay.ts';
import type { LinkSettings } from './links.ts';
import { seededRandom } from './random.ts';
import type { TraceKind } from './trace.ts';
import type { World } from './world.ts';

/** What chaos can do. */
export const faultKinds = [
  'loss',
  'duplication',
  'reorder',
  'delay',
  'partition',
  'cut',
  'crash',
  'host-crash',
  'wipe',
  'pause',
  'clock',
  'cpu',
  'disk',
] as const;

/** A kind of fault of a chaos run. */
export type FaultKind = (typeof faultKinds)[number];

/** Which faults may happen, how often, and until when. */
export interface ChaosOptions {
  /** What may happen (default: everything but `wipe` and `disk`, which a node without a disk does not feel). */
  readonly kinds?: readonly FaultKind[];
  /** Whether a seed takes each kind with probability ½ (default), or always all of them. */
  readonly swarm?: boolean;
  /** After that long nothing new happens (default: until `calm`). */
  readonly durationMs?: Millis;
  /** Mean time from one event to the next (default 1,000 ms). */
  readonly everyMs?: Millis;
  /** Mean time until an event is taken back (default 3,000 ms). */
  readonly lastsMs?: Millis;
  /** Nodes that are crashed or paused at a time, at most (default: less than half). */
  readonly downMax?: number;
  /** Nodes that nothing happens to, but for the network. */
  readonly spare?: readonly string[];
}

/** A storm that is going on. */
export interface Chaos {
  /** The kinds that this seed has, and how strong each is, 0 … 1. Print it with a failure. */
  readonly plan: Readonly<Partial<Record<FaultKind, number>>>;
  /** How often each fault really happened since the start: a kind of the plan that stays at 0 tested nothing. */
  report(): Readonly<Record<FaultKind, number>>;
  /** Nothing new from now on; what is wrong stays wrong until it is taken back, or until `world.calm()`. */
  stop(): void;
}

/**
 * Draws from the world's seed which faults there are and how strong, and lets them happen. `world.calm()` ends it: before
 * that is the safety phase, after it the liveness phase.
 * @example
 * const storm = chaos(world, { durationMs: 60_000 });
 * await world.run(60_000);
 * world.calm();
 * await world.runUntil(() => world.everyNode((node) => node.isHealthy), { withinMs: 10_000 });
 */
export function chaos(world: World<unknown>, options: ChaosOptions = {}): Chaos {
  const storm = new Storm(world, options);
  storm.begin();
  return storm;
}

const withoutDisk = faultKinds.filter((kind) => kind !== 'wipe' && kind !== 'disk');

// What counts as one of a kind having happened.
const witnesses: Readonly<Record<FaultKind, readonly TraceKind[]>> = {
  loss: ['drop.loss'],
  duplication: ['duplicate'],
  reorder: ['reorder'],
  delay: ['network'],
  partition: ['partition'],
  cut: ['cut'],
  crash: ['crash'],
  'host-crash': ['host-crash'],
  wipe: ['wipe'],
  pause: ['pause'],
  clock: ['clock-jump', 'clock-drift'],
  cpu: ['cpu-slow'],
  disk: ['disk-fault'],
};

class Storm implements Chaos {
  readonly plan: Readonly<Partial<Record<FaultKind, number>>>;
  readonly #world: World<unknown>;
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #before: Readonly<Record<TraceKind, number>>;
  readonly #endsAt: Millis;
  #isOver = false;

  constructor(world: World<unknown>, options: ChaosOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = seededRandom(world.seed).fork('chaos');
    this.#before = world.counts();
    this.#endsAt = world.now + (options.durationMs ?? Infinity);
    this.plan = drawPlan(this.#random.fork('plan'), options);
  }

  begin(): void {
    this.#world.onCalm(() => this.stop());
    this.#world.note('chaos', this.plan);
    this.#setNetwork();
    this.#scheduleNext();
  }

  stop(): void {
    this.#isOver = true;
  }

  report(): Readonly<Record<FaultKind, number>> {
    const now = this.#world.counts();
    const since = (kind: TraceKind): number => now[kind] - this.#before[kind];
    const happened = (kind: FaultKind): number => {
      // Every change of the network counts as one of its delay, unless this seed has no such thing.
      if (kind === 'delay' && this.plan.delay === undefined) return 0;
      return witnesses[kind].reduce((sum, witness) => sum + since(witness), 0);
    };
    return Object.fromEntries(faultKinds.map((kind) => [kind, happened(kind)])) as Record<FaultKind, number>;
  }

  #scheduleNext(): void {
    const at = this.#world.now + (this.#options.everyMs ?? 1_000) * exponential(this.#random);
    if (at > this.#endsAt) return;
    this.#world.at(at, () => {
      if (this.#isOver) return;
      this.#strike();
      this.#scheduleNext();
    });
  }

  #strike(): void {
    const kinds = Object.keys(this.plan) as FaultKind[];
    const kind = pick(this.#random, kinds);
    if (kind === undefined) return;
    if (kind === 'partition') this.#partition();
    else if (kind === 'cut') this.#cut();
    else if (kind === 'loss' || kind === 'duplication' || kind === 'reorder' || kind === 'delay') this.#setNetwork();
    else this.#hit(kind);
  }

  // Faults of one node.
  #hit(kind: FaultKind): void {
    const world = this.#world;
    const { spare = [] } = this.#options;
    const name = pick(
      this.#random,
      world.names.filter((candidate) => !spare.includes(candidate) && world.state(candidate) === 'running'),
    );
    if (name === undefined) return;
    const strength = this.plan[kind] ?? 1;
    if (kind === 'clock') this.#skew(name, strength);
    else if (kind === 'cpu') {
      world.setCpuMs(name, strength * 5 * fraction(this.#random));
      this.#later(() => world.setCpuMs(name, 0));
    } else if (kind === 'disk') this.#harmDisk(name, strength);
    else if (this.#mayTakeDown()) this.#takeDown(name, kind);
  }

  #mayTakeDown(): boolean {
    const { names } = this.#world;
    const down = names.filter((name) => this.#world.state(name) !== 'running').length;
    return down < (this.#options.downMax ?? Math.floor((names.length - 1) / 2));
  }

  #takeDown(name: string, kind: FaultKind): void {
    const world = this.#world;
    if (kind === 'pause') {
      world.pause(name);
      this.#later(() => world.resume(name));
      return;
    }
    world.crash(name, kind === 'host-crash' ? 'host' : 'process');
    const disk = kind === 'wipe' ? 'empty' : 'same';
    // A quick restart is a trouble of its own.
    const back = (): void => {
      if (world.state(name) === 'crashed') world.restart(name, { disk });
    };
    this.#later(back, chance(this.#random, 0.3) ? 50 : undefined);
  }

  #skew(name: string, strength: number): void {
    const world = this.#world;
    const jumpMs = Math.trunc((fraction(this.#random) - 0.5) * 7_200_000 * strength);
    const rate = 1 + (fraction(this.#random) - 0.5) * strength;
    world.setClock(name, { jumpMs, rate });
    this.#later(() => world.setClock(name, { jumpMs: -jumpMs, rate: 1 }));
  }

  #harmDisk(name: string, strength: number): void {
    const choices = [
      { syncError: strength },
      { writeError: strength * 0.2 },
      { readError: strength * 0.2 },
      { slowMs: strength * 200 },
      { full: true },
      { hang: true },
      { lostSync: strength },
    ];
    this.#world.disk(name).setFaults(pick(this.#random, choices) ?? {});
    this.#later(() => this.#world.disk(name).setFaults({}));
  }

  #partition(): void {
    const { names, network } = this.#world;
    if (names.length < 2) return;
    const side = sample(this.#random, names, 1 + below(this.#random, names.length - 1));
    network.partition(side);
    this.#later(() => network.heal());
  }

  #cut(): void {
    const { names, network } = this.#world;
    const [from, to] = sample(this.#random, names, 2);
    if (from === undefined || to === undefined) return;
    network.cut({ from, to });
    this.#later(() => network.heal());
  }

  #setNetwork(): void {
    const random = this.#random;
    const { loss, duplication, reorder, delay } = this.plan;
    const upTo = (strength: number): number => fraction(random) * strength;
    const settings: { -readonly [Name in keyof LinkSettings]?: LinkSettings[Name] } = {};
    if (loss !== undefined) settings.loss = upTo(loss * 0.3);
    if (duplication !== undefined) settings.duplication = upTo(duplication * 0.1);
    if (reorder !== undefined) settings.reorder = upTo(reorder * 0.3);
    if (delay !== undefined) settings.delay = { medianMs: 1 + upTo(delay * 40), sigma: 0.2 + upTo(delay) };
    if (Object.keys(settings).length > 0) this.#world.network.set(settings);
  }

  #later(undo: () => void, afterMs?: Millis): void {
    const ms = afterMs ?? (this.#options.lastsMs ?? 3_000) * exponential(this.#random);
    this.#world.at(this.#world.now + ms, () => {
      if (!this.#isOver) undo();
    });
  }
}

// Without a choice of kinds by seed the faults mask each other: a system that is always cut never meets a bare crash.
function drawPlan(random: Random, options: ChaosOptions): Partial<Record<FaultKind, number>> {
  const { kinds = withoutDisk, swarm = true } = options;
  const chosen = kinds.filter(() => !swarm || chance(random, 0.5));
  const some = chosen.length > 0 ? chosen : sample(random, kinds, 1);
  return Object.fromEntries(some.map((kind) => [kind, 0.1 + 0.9 * fraction(random)]));
}
