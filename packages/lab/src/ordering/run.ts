import { below, chance, pick, type Random } from '@grp/core';
import type { Order, OrderingConfig } from '@grp/ordering';
import {
  createWorld,
  groupCheckers,
  History,
  seededRandom,
  type Checker,
  type GroupEvent,
  type World,
  type WorldOptions,
} from '@grp/sim';
import type { RunReport } from '../protocols.ts';
import { Authority } from './authority.ts';
import { OrderingSubject, type Below } from './member.ts';
import { uniformViews } from './uniform-views.ts';

export interface OrderingRunOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  /** Default `total`. */
  readonly order?: Order;
  /** Default `bare`: all trouble of the network reaches the protocol itself. */
  readonly below?: Below;
  readonly network?: NonNullable<WorldOptions<OrderingSubject>['network']>;
  readonly config?: Partial<OrderingConfig>;
  readonly trace?: NonNullable<WorldOptions<OrderingSubject>['trace']>;
  /** Judges besides: for protocols that are known to break something. */
  readonly checkers?: readonly Checker<GroupEvent>[];
}

const ordersOf: Readonly<Record<Order, readonly ('fifo' | 'causal' | 'total')[]>> = {
  fifo: ['fifo'],
  causal: ['fifo', 'causal'],
  total: ['fifo', 'causal', 'total'],
};

/** Impatient, so that a run of a few virtual seconds sees every timer. */
const hasty: Partial<OrderingConfig> = {
  resendMs: 200,
  flushRetryMs: 60,
  gapMs: 20,
  gapReportMs: 2_000,
  ackDelayMs: 10,
};

/** A group under observation: its world, its authority, and every checker of its promises. */
export class OrderingRun {
  readonly world: World<OrderingSubject>;
  readonly authority: Authority;
  /** For the scenario's own choices. */
  readonly random: Random;
  readonly #history: History<GroupEvent>;
  readonly #figures: Record<string, number> = {};
  readonly #counts: Record<string, number> = {};
  readonly #violations: { checker: string; at: number; message: string }[] = [];
  readonly #leaving = new Set<string>();
  #isLoaded = true;
  /** The greatest view that anybody has installed. */
  #latestView = 0;

  constructor(options: OrderingRunOptions) {
    const { seed, nodeCount, order = 'total', below: under = 'bare', network, config, trace, checkers = [] } = options;
    this.random = seededRandom(seed).fork('ordering');
    this.#history = new History<GroupEvent>({
      checkers: [
        ...groupCheckers({ orders: ordersOf[order], quorum: 'none', withinMs: 20_000 }),
        uniformViews(),
        ...checkers,
      ],
    });
    this.world = createWorld<OrderingSubject>({
      seed,
      // Without links below, nothing cuts long messages into datagrams.
      network: { ...network, ...(under === 'bare' && { mtuBytes: 65_535 }) },
      ...(trace && { trace }),
      start: (host) =>
        new OrderingSubject(host, {
          order,
          below: under,
          config: { ...hasty, ...config },
          now: () => this.world.now,
          record: (event) => this.#record(event),
        }),
    });
    this.authority = new Authority(this.world, this.random.fork('authority'));
    for (let index = 1; index <= nodeCount; index++) this.world.addNode(`n${index}`);
  }

  /** The first members found the group; the others come when `join` says so. */
  found(names: readonly string[] = this.world.names): void {
    this.authority.change({ add: names.map((name) => this.#member(name)) });
  }

  join(...names: readonly string[]): void {
    this.count('join', names.length);
    this.authority.change({ add: names.map((name) => this.#member(name)) });
  }

  /** Dies; the authority notices a while later. */
  crash(name: string, kind: 'process' | 'host' = 'process'): void {
    if (this.world.state(name) === 'crashed') return;
    const subject = this.world.node(name);
    subject.die('told to');
    this.world.crash(name, kind);
    this.noticeCrash(subject.id);
  }

  noticeCrash(id: string): void {
    this.count('crash');
    this.world.at(this.world.now + 50 + below(this.random, 400), () => this.authority.change({ remove: [id] }));
  }

  restart(name: string): void {
    this.#leaving.delete(name);
    this.world.restart(name);
    this.join(name);
  }

  leave(name: string): void {
    const subject = this.world.node(name);
    this.count('leave');
    this.#leaving.add(name);
    subject.leave();
    this.authority.change({ remove: [subject.id] });
    this.world.at(this.world.now + 500, () => {
      if (this.world.state(name) !== 'crashed' && this.world.node(name) === subject) this.world.crash(name);
    });
  }

  /** Lives that take part. */
  running(): string[] {
    return this.world.names.filter((name) => this.world.state(name) === 'running' && !this.#leaving.has(name));
  }

  /** Is somebody left who knows what the group has delivered, when these are not? Else it would begin anew. */
  canDoWithout(names: readonly string[]): boolean {
    return this.running().some((name) => {
      const { id, group, isDoomed } = this.world.node(name);
      const isCurrent = group.view?.number === this.#latestView && this.authority.hasStayed(id, this.#latestView);
      return !names.includes(name) && !isDoomed && isCurrent;
    });
  }

  /** One member sends some messages, as long as it lives. */
  send(name: string, count = 1): void {
    for (let sent = 0; sent < count && this.world.state(name) !== 'crashed'; sent++) this.world.node(name).send();
  }

  /** From now on members send at random, `everyMs` apart on average, some of them in bursts. */
  load(everyMs: number): void {
    const next = (): void => {
      this.world.at(this.world.now + below(this.random, 2 * everyMs), () => {
        if (!this.#isLoaded) return;
        const name = pick(this.random, this.running());
        const burst = chance(this.random, 0.1) ? 1 + below(this.random, 20) : 1;
        if (name !== undefined) this.send(name, burst);
        next();
      });
    };
    next();
  }

  /** Ends the faults and the load, lets all that live be members, and waits until everything is delivered and forgotten. */
  settle(): void {
    const { world } = this;
    this.#isLoaded = false;
    for (const name of this.#leaving) world.crash(name);
    this.#leaving.clear();
    for (const name of world.names) if (world.state(name) !== 'crashed') world.node(name).crashAfter(Infinity);
    world.calm();
    world.network.set({ loss: 0, duplication: 0, reorder: 0 });
    this.authority.limit(() => true);
    const living = world.names.map((name) => this.#member(name));
    const ids = new Set<string>(living.map(({ id }) => id));
    const remove = this.authority.view.members.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
    const add = living.filter(({ id }) => !this.authority.has(id));
    if (add.length + remove.length > 0) this.authority.change({ add, remove });
    this.authority.freeze();
    this.#record({ type: 'calm', at: world.now });
    for (const name of world.names) this.send(name);
    const startedAt = world.now;
    while (!this.#isQuiet() && world.now - startedAt < 20_000) world.runFor(50);
    this.figure('calmMs', world.now - startedAt);
    if (!this.#isQuiet()) this.#violate('buffers drain', this.#unrest());
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value;
  }

  count(name: string, by = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + by;
  }

  report(): RunReport {
    for (const name of this.world.names) {
      if (this.world.state(name) === 'crashed') continue;
      const { faults, group } = this.world.node(name);
      for (const fault of faults) this.#violate('no bug', `${name}: ${fault}`);
      const { rounds, gaps, flushes, droppedRounds } = group.statistics();
      this.count('round', rounds.sent);
      this.count('resend', rounds.resent);
      this.count('gap', gaps.filled);
      this.count('gap.unfilled', gaps.unfilled);
      this.count('flush', flushes.count);
      this.count('round.dropped', droppedRounds);
    }
    const found = this.#history.finish();
    return {
      violations: [...this.#violations, ...found.map((violation) => ({ at: this.world.now, ...violation }))],
      figures: this.#figures,
      traceHash: this.world.traceHash(),
      counts: { ...this.world.counts(), ...this.#counts },
      trace: this.world.trace(),
    };
  }

  #member(name: string): Pick<OrderingSubject, 'id' | 'address'> {
    const { id, address } = this.world.node(name);
    return { id, address };
  }

  #record(event: GroupEvent): void {
    this.#history.record(event);
    if (event.type === 'install') this.#latestView = Math.max(this.#latestView, event.view.id);
    if (event.type === 'deliver' || event.type === 'send' || event.type === 'install') this.count(event.type);
    if (event.type === 'deliver') this.world.note('deliver', { node: event.node, message: event.message });
    if (event.type === 'install') this.world.note('install', { node: event.node, view: event.view.id });
    if (event.type === 'crash') this.world.note('died', { node: event.node });
  }

  // All in the last view, everything sent is delivered, and nobody keeps anything any longer.
  #isQuiet(): boolean {
    const { number } = this.authority.view;
    return this.world.names.every((name) => {
      const { view, outbox, holdBack, unstable, status } = this.world.node(name).group.statistics();
      const isCurrent = view === number && status === 'active';
      return isCurrent && outbox.messages === 0 && holdBack.rounds === 0 && unstable.rounds === 0;
    });
  }

  #unrest(): string {
    const { number } = this.authority.view;
    const states = this.world.names.map((name) => {
      const { status, view, outbox, holdBack, unstable, waitingFor } = this.world.node(name).group.statistics();
      const queues = `${outbox.messages} to send, ${holdBack.rounds} held back, ${unstable.rounds} unstable`;
      return `${name} is ${status} in ${view}, ${queues}, waits for [${waitingFor.join(' ')}]`;
    });
    return `The last view is ${number}; ${states.join('; ')}.`;
  }

  #violate(checker: string, message: string): void {
    this.#violations.push({ checker, at: this.world.now, message });
  }
}
