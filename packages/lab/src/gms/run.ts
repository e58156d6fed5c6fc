import { below, chance, pick, sample } from '@grp/core';
import { groupCheckers, type Checker, type GroupEvent, type World } from '@grp/sim';
import type { RunReport, ScenarioOptions } from '../protocols.ts';
import { createGmsCluster, type GmsClusterOptions, type GmsMember } from './cluster.ts';

/** What may happen to a group; each seed of `chaos` takes some of them. */
export const gmsChaosKinds = ['crash', 'mid-multicast', 'pause', 'partition', 'cut', 'loss', 'leave'] as const;
/** A kind of fault in a chaos run of a group. */
export type GmsChaosKind = (typeof gmsChaosKinds)[number];

/** A run of a group under random faults. */
export interface GmsRunOptions extends Omit<GmsClusterOptions, 'onEvent'> {
  readonly durationMs: number;
  /** What may happen (default: a choice by the seed). */
  readonly kinds?: readonly GmsChaosKind[];
}

const settleMs = 60_000;

/** A group under all checkers of group communication: trouble for a while, then calm. */
export class GmsRun {
  readonly world: World<GmsMember>;
  readonly #checkers: readonly Checker<GroupEvent>[];
  readonly #leaving = new Set<string>();
  /** Lives that will crash in the middle of a multicast. */
  readonly #armed = new Set<string>();
  readonly #counts: Record<string, number> = {
    deliver: 0,
    install: 0,
    exclude: 0,
    state: 0,
    leave: 0,
    'mid-multicast': 0,
  };
  readonly #figures: Record<string, number> = {};
  /** Marks at which a member that was in the newest view delivered last, for the longest silence. */
  #lastDeliveryAt = 0;
  #longestGapMs = 0;
  #isOver = false;

  constructor(options: GmsRunOptions) {
    const { delivery = 'agreed' } = options;
    // A member that was left out sends again what it sent while it went its own way; at `agreed` what it had delivered
    // meanwhile may be lost, so that causal order holds up to such a member only.
    const orders = delivery === 'safe' ? (['fifo', 'causal', 'total'] as const) : (['fifo', 'total'] as const);
    this.#checkers = groupCheckers({ delivery, orders, withinMs: settleMs });
    this.world = createGmsCluster({ ...options, onEvent: (event) => this.#observe(event) });
  }

  /** Crashes a process, host and all or not. */
  crash(name: string, kind: 'process' | 'host' = 'process'): void {
    if (this.world.state(name) === 'crashed') return;
    this.#observe({ type: 'crash', at: this.world.now, node: this.world.node(name).id });
    this.world.crash(name, kind);
  }

  restart(name: string): void {
    this.#leaving.delete(name);
    this.world.restart(name);
  }

  leave(name: string): void {
    this.#leaving.add(name);
    this.#count('leave');
    this.world.node(name).leave();
  }

  /** Everyone posts a few messages. */
  traffic(countMax: number): void {
    const { world } = this;
    for (const name of this.running())
      for (let count = below(world.random, countMax + 1); count > 0; count--) world.node(name).post();
  }

  /** Who runs and does not wait for its end. */
  running(): string[] {
    const { world } = this;
    return world.names.filter((name) => world.state(name) === 'running' && !this.#leaving.has(name));
  }

  /** A process that has left ends. */
  reap(): void {
    for (const name of this.#leaving) {
      if (this.world.state(name) === 'running' && this.world.node(name).group.status === 'left') this.crash(name);
    }
    // The view may have become so small since then that nobody in it can be spared any more.
    if (this.#armed.size > 0 && !this.#livesWithoutArmed()) this.#disarm();
  }

  #livesWithoutArmed(): boolean {
    return this.#livesOn(0);
  }

  #disarm(): void {
    this.#armed.clear();
    for (const name of this.world.names)
      if (this.world.state(name) !== 'crashed') this.world.node(name).group.crashAfterSends(Infinity, () => {});
  }

  /** May one more go? A majority of the newest view must live on, or the group is rightly lost. */
  maySpare(): boolean {
    return this.#livesOn(1);
  }

  // A view that leaves one more out may have been decided, and nobody whom we ask has it yet.
  #livesOn(without: number): boolean {
    const { members, live } = this.#newestView();
    return (live - without - 1) * 2 > members - 1;
  }

  /** How many members the newest view has, and how many of them are in it and will stay. */
  #newestView(): { readonly members: number; readonly live: number } {
    const { world } = this;
    const alive = world.names.filter((name) => world.state(name) !== 'crashed');
    let newest: GmsMember['group']['view'];
    for (const name of alive) {
      const { view } = world.node(name).group;
      if (view !== undefined && view.id > (newest?.id ?? 0)) newest = view;
    }
    const members = newest?.members ?? [];
    const live = members.filter(({ name, id }) => {
      const isIn = this.running().includes(name) && world.node(name).id === id && !this.#armed.has(id);
      return isIn && world.node(name).group.status === 'joined';
    });
    return { members: members.length, live: live.length };
  }

  /** All are in one view, and have delivered the same row. */
  isWhole(): boolean {
    const { world } = this;
    const { names } = world;
    if (names.some((name) => world.state(name) !== 'running')) return false;
    const wanted = names.map((name) => world.node(name).id).toSorted();
    const rows = new Set(names.map((name) => Object.values(world.node(name).group.delivered).join()));
    return (
      rows.size === 1 &&
      names.every((name) => {
        const { group } = world.node(name);
        const members = group.view?.members.map(({ id }) => id).toSorted() ?? [];
        // What waits for links that back off since a cut is still to come.
        const isDrained = group.figures().ownBytes === 0;
        return group.status === 'joined' && isDrained && members.join() === wanted.join();
      })
    );
  }

  /** Until all is well; a violation when it takes longer. Virtual ms that it took. */
  converge(withinMs: number): number {
    const startedAt = this.world.now;
    while (!this.isWhole() && this.world.now - startedAt < withinMs) {
      this.world.runFor(20);
      this.reap();
    }
    return this.world.now - startedAt;
  }

  /** The liveness phase: all faults end, and everything that was sent is delivered everywhere. */
  settle(): void {
    const { world } = this;
    for (const name of this.#leaving) this.crash(name);
    this.#leaving.clear();
    this.#disarm();
    world.calm();
    world.network.set({ loss: 0, duplication: 0, reorder: 0 });
    this.#observe({ type: 'calm', at: world.now });
    for (let round = 0; round < 5; round++) {
      world.runFor(50);
      this.traffic(3);
    }
    this.figure('settleMs', this.converge(settleMs));
    world.runFor(1_000);
    this.#isOver = true;
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value;
  }

  count(kind: GmsChaosKind): void {
    this.#count(kind);
  }

  report(): RunReport {
    const { world } = this;
    const violations = this.#checkers.flatMap((checker) => checker.finish());
    const stuck = this.#isOver && !this.isWhole() ? [{ checker: 'convergence', message: this.#statuses() }] : [];
    this.figure('deliveryGapMaxMs', this.#longestGapMs);
    return {
      violations: [...violations, ...stuck].map((violation) => ({ at: world.now, ...violation })),
      figures: this.#figures,
      traceHash: world.traceHash(),
      counts: { ...world.counts(), ...this.#counts },
      trace: world.trace(),
    };
  }

  #statuses(): string {
    const { world } = this;
    const texts = world.names.map((name) => {
      if (world.state(name) !== 'running') return `${name} ${world.state(name)}`;
      const { status, view, delivered } = world.node(name).group;
      const members = view?.members.map(({ id }) => id).join() ?? '';
      return `${name} ${status} in view ${view?.id ?? '-'} (${members}) at ${delivered.sequence}`;
    });
    return `${texts.join('; ')}.`;
  }

  #observe(event: GroupEvent): void {
    for (const checker of this.#checkers) checker.observe(event);
    if (event.type !== 'deliver') return this.#count(event.type);
    this.#count('deliver');
    this.#longestGapMs = Math.max(this.#longestGapMs, event.at - this.#lastDeliveryAt);
    this.#lastDeliveryAt = event.at;
  }

  #count(kind: string): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
  }

  /** One random piece of trouble. */
  strike(kind: GmsChaosKind): void {
    const { world } = this;
    const { random, network } = world;
    const name = pick(random, world.names) as string;
    if (kind === 'loss') {
      network.set({ loss: below(random, 3) / 20, duplication: below(random, 3) / 20, reorder: below(random, 3) / 10 });
    } else if (kind === 'partition' || kind === 'cut') this.#split(kind, name);
    else if (kind === 'pause') {
      if (world.state(name) !== 'running' || !this.maySpare()) return;
      world.pause(name);
      world.at(world.now + below(random, 3_000), () => world.resume(name));
    } else this.#takeDown(kind, name);
  }

  #takeDown(kind: 'crash' | 'mid-multicast' | 'leave', name: string): void {
    const { world } = this;
    if (world.state(name) === 'crashed') return this.restart(name);
    if (!this.maySpare() || !this.running().includes(name)) return;
    if (kind === 'crash') this.crash(name, chance(world.random, 0.3) ? 'host' : 'process');
    else if (kind === 'leave' && world.node(name).group.status === 'joined') this.leave(name);
    else if (kind === 'mid-multicast') {
      this.#count(kind);
      const life = world.node(name).id;
      this.#armed.add(life);
      world.node(name).group.crashAfterSends(1 + below(world.random, 12), () => {
        if (this.#isOver || world.node(name).id !== life) return;
        this.crash(name);
      });
      for (let count = 0; count < 8; count++) world.node(name).post();
    }
  }

  #split(kind: 'partition' | 'cut', name: string): void {
    const { random, network, names } = this.world;
    if (chance(random, 0.5)) network.heal();
    else if (kind === 'cut') network.cut({ from: name, to: pick(random, names) as string });
    else network.partition(sample(random, names, 1 + below(random, names.length - 1)));
  }
}

/** Random trouble under random loss from one seed, then calm: the safety and the liveness phase. */
export function gmsChaosRun(options: GmsRunOptions): RunReport {
  const run = new GmsRun(options);
  const { world } = run;
  const { random } = world;
  run.figure('joinMs', run.converge(20_000));
  const kinds = options.kinds ?? sample(random, gmsChaosKinds, 1 + below(random, gmsChaosKinds.length));
  const endsAt = world.now + options.durationMs;
  let nextAt = world.now;
  while (world.now < endsAt) {
    run.traffic(4);
    if (world.now >= nextAt) {
      run.strike(pick(random, kinds) as GmsChaosKind);
      nextAt = world.now + below(random, 2_000);
    }
    world.runFor(10 + below(random, 90));
    run.reap();
  }
  run.settle();
  return run.report();
}

/** The scenarios that can be asked for by name, in the order in which help lists them. */
export const gmsScenarios = ['chaos', 'crash', 'partition', 'churn', 'pause', 'steady', 'safe'] as const;
/** The name of a scenario of a group. */
export type GmsScenario = (typeof gmsScenarios)[number];

const kindsOf: Readonly<Record<GmsScenario, readonly GmsChaosKind[] | undefined>> = {
  chaos: undefined,
  safe: undefined,
  crash: ['crash', 'mid-multicast'],
  partition: ['partition', 'cut'],
  churn: ['leave', 'crash'],
  pause: ['pause'],
  steady: ['loss'],
};

/** Runs one scenario from one seed, judged by every checker. The same options give the same report, hash included. */
export function runGmsScenario(scenario: GmsScenario, options: ScenarioOptions): RunReport {
  const { seed, nodeCount, loss = 0, durationMs, trace } = options;
  const kinds = kindsOf[scenario];
  return gmsChaosRun({
    seed,
    nodeCount,
    durationMs,
    network: { loss },
    delivery: scenario === 'safe' ? 'safe' : 'agreed',
    ...(kinds && { kinds }),
    ...(trace && { trace }),
  });
}
