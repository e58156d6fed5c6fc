import { GrpError, type Address, type Millis, type Random } from '@grp/core';
import type { DfsMeta, MasterConfig, MetaRules } from '@grp/dfs';
import {
  checkLinearizability,
  createWorld,
  OperationHistory,
  registerModel,
  TypedMessages,
  type Checker,
  type Host,
  type TraceEvent,
  type Violation,
  type World,
  type WorldOptions,
} from '@grp/sim';
import { acknowledgedIsKept, oneDigestPerVersion, versionsOnlyGrow, type DfsObservation } from './checkers.ts';
import { DfsClient } from './client.ts';
import { SimLog } from './log.ts';
import { dfsPort, type DfsMessage } from './messages.ts';
import { DfsNode } from './node.ts';
import { BlobPlatter } from './store.ts';

/** A simulated file store and its clients. */
export interface DfsRunOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  readonly clientCount?: number;
  readonly files?: number;
  readonly pauseMs?: Millis;
  /** Replicas of every file (default 3). */
  readonly replicas?: number;
  readonly network?: NonNullable<WorldOptions<DfsApp>['network']>;
  readonly trace?: NonNullable<WorldOptions<DfsApp>['trace']>;
  readonly master?: Partial<MasterConfig>;
  /** What a broken store does instead of what is safe. */
  readonly rules?: Partial<MetaRules>;
  /**
   * Whether file servers tell now and then all that they hold, and readers whom they found without it (default true):
   * that heals much of what is broken.
   */
  readonly reports?: boolean;
}

export type DfsApp = DfsNode | DfsClient;

/** What a run gives back: what was broken, what was measured, and the hash that a replay must reproduce. */
export interface DfsRunReport {
  readonly violations: readonly (Violation & { readonly at: Millis })[];
  readonly figures: Readonly<Record<string, number>>;
  readonly traceHash: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly trace: { readonly events: readonly TraceEvent[]; readonly omittedCount: number };
}

/** Small numbers make everything happen often. */
const quickMaster: Partial<MasterConfig> = {
  graceMs: 250,
  settleMs: 150,
  copyTimeoutMs: 300,
  copiesMax: 6,
  copiesPerServerMax: 3,
  retryMs: 100,
  deletionsPerRequestMax: 4,
  orphanGraceMs: 2_500,
  removedKeepMs: 1_500,
  rebalanceIntervalMs: 200,
};

/** A store under observation: nodes with file servers and disks, clients, and every checker. */
export class DfsRun {
  readonly world: World<DfsApp>;
  readonly servers: readonly string[];
  readonly log: SimLog;
  readonly random: Random;
  /** Servers that nodes wrongly believe to be down. */
  readonly suspected = new Set<string>();
  /** The server that was wiped last, until everything that it held is whole again. */
  wounded: { readonly name: string; readonly life: string | undefined } | undefined;
  /** Called when a server has acknowledged a blob: the worst moment to lose what it holds. */
  onStored: (name: string) => void = () => {};
  /** Deletions come a second time, so much later at most. */
  echoMs: Millis = 0;
  readonly #options: DfsRunOptions;
  readonly #platters = new Map<string, BlobPlatter>();
  readonly #history: OperationHistory;
  readonly #checkers: readonly Checker<DfsObservation>[] = [
    oneDigestPerVersion(),
    versionsOnlyGrow(),
    acknowledgedIsKept(),
  ];
  readonly #violations: (Violation & { readonly at: Millis })[] = [];
  readonly #figures: Record<string, number> = {};
  readonly #counts: Record<string, number> = {};
  #isLost = false;
  readonly #bus = new TypedMessages<DfsMessage>();

  constructor(options: DfsRunOptions) {
    this.#options = options;
    const { seed, nodeCount, clientCount = 3, network, trace } = options;
    this.servers = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
    this.world = createWorld<DfsApp>({ seed, ...(network && { network }), ...(trace && { trace }) });
    this.random = this.world.random.fork('run');
    const { world } = this;
    this.log = new SimLog({
      random: this.random.fork('log'),
      rules: options.rules ?? {},
      now: () => world.now,
      at: (ms, action) => world.at(ms, action),
      names: this.servers,
      reader: (name) => this.#running(name),
      count: (what) => this.count(what),
      onCommitted: () => this.count('entries'),
      onDivergence: (name, index) => this.violate('state machine safety', `${name} answered entry ${index} otherwise.`),
    });
    this.#history = new OperationHistory(() => world.now);
    for (const name of this.servers) {
      world.addNode(name, (host) => this.#startNode(host));
      this.log.greet(name);
    }
    this.log.elect(this.servers[0]);
    for (let client = 1; client <= clientCount; client++)
      world.addNode(`c${client}`, (host) => this.#startClient(host));
  }

  get truth(): DfsMeta {
    return this.log.truth;
  }

  platter(name: string): BlobPlatter {
    const platter = this.#platters.get(name) ?? new BlobPlatter();
    this.#platters.set(name, platter);
    return platter;
  }

  clients(): readonly DfsClient[] {
    const { world } = this;
    return world.names.flatMap((name) => {
      const app = world.state(name) === 'running' ? world.node(name) : undefined;
      return app instanceof DfsClient ? [app] : [];
    });
  }

  crash(name: string, kind: 'process' | 'host'): void {
    if (this.world.state(name) === 'crashed') return;
    this.world.crash(name, kind);
    for (const what of this.platter(name).crash(this.random)) this.count(what);
    if (this.log.leader === name) this.electSoon();
  }

  restart(name: string): void {
    this.world.restart(name);
    this.log.greet(name);
  }

  /** Whoever runs may lead next, a while after the last one fell silent. */
  electSoon(): void {
    const { world } = this;
    this.log.elect(undefined);
    world.at(world.now + 50 + (this.random.nextU32() % 400), () => {
      if (this.log.leader !== undefined) return;
      const running = this.servers.filter((name) => world.state(name) === 'running');
      const next = running[this.random.nextU32() % Math.max(1, running.length)];
      if (next === undefined) this.electSoon();
      else this.log.elect(next);
    });
  }

  /** Good, durable copies of a blob at servers that the log counts. */
  goodHolders(blob: string): number {
    const holders = this.truth.state.blobs.get(blob)?.holders ?? [];
    return holders.filter((name) => this.platter(name).hasGood(blob)).length;
  }

  /** Copies of a blob that the store believes in, but for those of one server, and for rot that it cannot know of yet. */
  claimedHolders(blob: string, without: string): number {
    const holders = this.truth.state.blobs.get(blob)?.holders ?? [];
    return holders.filter((name) => name !== without && this.platter(name).blobs.get(blob)?.isBad !== true).length;
  }

  /** What is left of every version that the log has. */
  inspect(): void {
    for (const { blob, name, version } of this.truth.state.blobs.values()) {
      const goodCopies = this.servers.filter((server) => this.platter(server).hasGood(blob)).length;
      if (goodCopies > 0) continue;
      this.#isLost = true;
      this.#observe({ type: 'left', name, version, goodCopies });
    }
  }

  violate(checker: string, message: string): void {
    this.#violations.push({ checker, message, at: this.world.now });
  }

  count(name: string, times = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + times;
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value;
  }

  get hasViolations(): boolean {
    return this.#isLost || this.#violations.length > 0;
  }

  /** Virtual ms until it is so; a violation when that takes longer. */
  until(condition: () => boolean, withinMs: Millis, what: string): Millis {
    const startedAt = this.world.now;
    while (!condition()) {
      if (this.world.now - startedAt > withinMs) {
        this.violate('liveness', `${what} took more than ${withinMs} ms.`);
        break;
      }
      this.world.runFor(20);
    }
    return this.world.now - startedAt;
  }

  finish(): DfsRunReport {
    this.inspect();
    const operations = this.#history.all();
    const { violations: unordered, undecided } = checkLinearizability(operations, registerModel, {
      statesMax: 300_000,
    });
    const found = [...this.#checkers.flatMap((checker) => checker.finish()), ...unordered];
    for (const violation of found) this.#violations.push({ at: this.world.now, ...violation });
    this.count('undecided', undecided.length);
    this.count('operations', operations.length);
    this.count('acknowledged', operations.filter(({ type }) => type === 'ok').length);
    return {
      violations: this.#violations,
      figures: this.#figures,
      traceHash: this.world.traceHash(),
      counts: { ...this.world.counts(), ...this.#counts },
      trace: this.world.trace(),
    };
  }

  #running(name: string): DfsNode | undefined {
    const app = this.#isUp(name) ? this.world.node(name) : undefined;
    return app instanceof DfsNode ? app : undefined;
  }

  #isUp(name: string): boolean {
    return this.world.names.includes(name) && this.world.state(name) === 'running';
  }

  #startNode(host: Host): DfsNode {
    const { rules = {}, master } = this.#options;
    return new DfsNode({
      host,
      log: this.log,
      rules,
      fences: rules.fencesDrops !== false,
      reports: this.#options.reports !== false,
      onStored: () => this.onStored(host.name),
      echoMs: () => this.echoMs,
      platter: this.platter(host.name),
      transport: this.#bus.over(host.transport(dfsPort)),
      servers: this.servers,
      address: (name) => this.#address(name),
      up: () => this.servers.filter((name) => this.#isUp(name) && !this.suspected.has(name)),
      master: { ...quickMaster, ...master },
      onFatal: (name, cause) => this.#onFatal(name, cause),
      count: (what) => this.count(what),
    });
  }

  #startClient(host: Host): DfsClient {
    const { files = 4, pauseMs = 30, replicas = 3 } = this.#options;
    return new DfsClient({
      host,
      transport: this.#bus.over(host.transport(dfsPort)),
      servers: this.servers,
      address: (name) => this.#address(name),
      history: this.#history,
      observe: (observation) => this.#observe(observation),
      onFatal: (name, cause) => this.#onFatal(name, cause),
      files,
      pauseMs,
      replicas,
      reports: this.#options.reports !== false,
    });
  }

  #address(name: string): Address {
    // A leader is known by its address, which is how it announces itself.
    return (name.includes(':') ? name : this.world.address(name, dfsPort)) as Address;
  }

  #observe(observation: DfsObservation): void {
    for (const checker of this.#checkers) checker.observe(observation);
  }

  #onFatal(name: string, cause: unknown): void {
    if (cause instanceof GrpError) throw cause;
    this.violate(
      'assertion',
      `${name}: ${cause instanceof Error ? `${cause.message} ${cause.stack ?? ''}` : String(cause)}`,
    );
  }
}
