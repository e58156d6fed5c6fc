import { below, chance, GrpError, type Millis, type Random } from '@grp/core';
import {
  raftConfig,
  raftPresets,
  type Configuration,
  type Message,
  type RaftConfig,
  type RaftPreset,
  type Restored,
  type Rules,
  type SessionRules,
} from '@grp/raft';
import {
  checkLinearizability,
  createWorld,
  electionSafety,
  exactlyOnce,
  leaderAppendOnly,
  leaderCompleteness,
  logMatching,
  OperationHistory,
  registerModel,
  stateMachineSafety,
  TypedMessages,
  type Checker,
  type CommandEvent,
  type Operation,
  type RaftEvent,
  type TraceEvent,
  type Violation,
  type World,
  type WorldOptions,
} from '@grp/sim';
import { RaftClient } from './client.ts';
import { Platter } from './platter.ts';
import { raftPort, RaftServer, type Moment, type RaftServerOptions } from './server.ts';

/** A simulated raft group and its clients. */
export interface RaftRunOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  /** Servers that begin as voters (default: all). */
  readonly voterCount?: number;
  readonly preset?: RaftPreset;
  readonly config?: Partial<RaftConfig>;
  readonly network?: NonNullable<WorldOptions<RaftServer>['network']>;
  readonly clientCount?: number;
  readonly keys?: number;
  readonly pauseMs?: Millis;
  readonly reads?: 'read-index' | 'lease';
  /** How likely a client opens a session (default 0.5). */
  readonly sessions?: number;
  readonly priorities?: Readonly<Record<string, number>>;
  readonly trace?: NonNullable<WorldOptions<RaftServer>['trace']>;
  /** What a server gets instead of its messages: the same ones, for whoever wants to see them pass. */
  readonly wire?: (name: string, messages: RaftServerOptions['messages']) => RaftServerOptions['messages'];
  /** Hears of every change of role. */
  readonly onRole?: (name: string, role: string, term: number) => void;
  /** Hears of every command that a server carries out; each is told by its value. */
  readonly onExecuted?: (name: string, value: string) => void;
  /** What a broken server does instead of what the paper says. */
  readonly rules?: Partial<Rules>;
  readonly sessionRules?: SessionRules;
  readonly retell?: (restored: Restored | undefined) => Restored | undefined;
}

/** What a run gives back: what was broken, what was measured, and the hash that a replay must reproduce. */
export interface RaftRunReport {
  readonly violations: readonly (Violation & { readonly at: Millis })[];
  readonly figures: Readonly<Record<string, number>>;
  readonly traceHash: string;
  /** How often each fault and each step really happened: what is 0 here was not tested. */
  readonly counts: Readonly<Record<string, number>>;
  /** What clients asked and heard, when `trace.recordMax` asked for a record. */
  readonly operations?: readonly Operation[];
  readonly trace: { readonly events: readonly TraceEvent[]; readonly omittedCount: number };
}

/** Small numbers make everything happen often: snapshots, chunks, reads from disk, full windows. */
export const smallLimits: Partial<RaftConfig> = {
  appendBytesMax: 400,
  inflightMax: 4,
  inflightBytesMax: 1_600,
  uncommittedBytesMax: 20_000,
  applyBytesMax: 600,
  cacheBytesMax: 1_000,
  snapshotEntries: 60,
  trailingEntries: 15,
  chunkBytes: 150,
  caughtUpEntries: 20,
};

/** A cluster under observation: servers, disks, clients, and every checker. */
export class RaftRun {
  readonly world: World<RaftServer>;
  readonly clients: readonly RaftClient[];
  readonly config: RaftConfig;
  readonly random: Random;
  readonly #options: RaftRunOptions;
  readonly #platters = new Map<string, Platter>();
  readonly #history: OperationHistory;
  readonly #checkers: readonly Checker<RaftEvent | CommandEvent>[] = [
    electionSafety(),
    logMatching(),
    leaderCompleteness(),
    stateMachineSafety(),
    leaderAppendOnly(),
    exactlyOnce(),
  ];
  readonly #violations: (Violation & { readonly at: Millis })[] = [];
  readonly #figures: Record<string, number> = {};
  readonly #counts: Record<string, number> = {};
  readonly #storages = new Map<string, RaftServer['storage']>();
  /** How likely each moment kills its server. */
  readonly moments = new Map<Moment, number>();
  readonly rotten = new Set<string>();

  constructor(options: RaftRunOptions) {
    this.#options = options;
    const { seed, nodeCount, voterCount = nodeCount, preset = 'lan', network, trace } = options;
    const wire = options.wire ?? ((_, messages) => messages);
    this.config = raftConfig.resolve({ ...raftPresets[preset], ...options.config });
    const names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
    const bootstrap: Configuration = {
      voters: names.slice(0, voterCount),
      outgoing: [],
      learners: [],
      addresses: {},
    };
    const bus = new TypedMessages<{ readonly from: string; readonly message: Message }>();
    this.world = createWorld<RaftServer>({
      seed,
      ...(network && { network }),
      ...(trace && { trace }),
      start: (host) => {
        const { name } = host;
        const server = new RaftServer({
          host,
          platter: this.#platter(name),
          config: this.config,
          priority: options.priorities?.[name] ?? 0,
          bootstrap: bootstrap.voters.includes(name)
            ? bootstrap
            : { voters: [], outgoing: [], learners: [], addresses: {} },
          rules: options.rules,
          sessionRules: options.sessionRules,
          retell: options.retell,
          messages: wire(name, bus.over(host.transport(raftPort))),
          address: (to) => (this.world.names.includes(to) ? this.world.address(to, raftPort) : undefined),
          now: () => this.world.now,
          observe: (event) => this.#observe(event),
          onMoment: (node, moment) => this.#onMoment(node, moment),
          onFatal: (node, cause) => this.#onFatal(node, cause),
          onStopped: (node) => this.#dieSoon(node, 'stopped'),
          onRecovered: (node) => {
            this.count('recovered');
            this.rotten.delete(node);
          },
        });
        this.#storages.set(name, server.storage);
        return server;
      },
    });
    this.random = this.world.random;
    this.#history = new OperationHistory(() => this.world.now);
    for (const name of names) this.world.addNode(name);
    this.clients = Array.from({ length: options.clientCount ?? 4 }, (_, index) => this.#client(`c${index + 1}`));
    for (const client of this.clients) client.start();
  }

  /** Kills a server; a cut of its power may take what was not durable, and a `clean` one takes all of that. */
  crash(name: string, kind: 'process' | 'host' | 'clean' = 'process'): void {
    if (this.world.state(name) === 'crashed') return;
    const open = this.#storages.get(name)?.open ?? [];
    this.world.crash(name, kind === 'process' ? 'process' : 'host');
    if (kind !== 'clean') this.#platter(name).crash(open, kind, this.random);
    this.count(kind === 'process' ? 'kill' : 'power-cut');
  }

  restart(name: string): void {
    if (this.world.state(name) === 'crashed') this.world.restart(name);
  }

  /** Acknowledged entries of a dead server rot. */
  rot(name: string): void {
    this.#platter(name).rot(this.random);
    this.rotten.add(name);
    this.count('rot');
  }

  rotUnnoticed(name: string, entries: number): void {
    this.#platter(name).rotUnnoticed(entries);
  }

  storage(name: string): RaftServer['storage'] {
    return this.world.node(name).storage;
  }

  running(): string[] {
    return this.world.names.filter((name) => this.world.state(name) === 'running');
  }

  /** Who leads, by its own account, in the latest term. */
  leader(): string | undefined {
    const leaders = this.running().filter((name) => this.world.node(name).isLeader);
    const term = (name: string): number => this.world.node(name).replica.status().term;
    return leaders.toSorted((a, b) => term(b) - term(a))[0];
  }

  violate(checker: string, message: string, node?: string): void {
    this.#violations.push({ checker, message, at: this.world.now, ...(node !== undefined && { node }) });
  }

  count(name: string, times = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + times;
  }

  figure(name: string, value: number): void {
    this.#figures[name] = value;
  }

  /** Virtual ms until it is so; a violation when that takes longer. */
  until(condition: () => boolean, withinMs: Millis, what: string): Millis {
    const startedAt = this.world.now;
    while (!condition()) {
      if (this.world.now - startedAt > withinMs) {
        this.violate('liveness', `${what} took more than ${withinMs} ms.`);
        break;
      }
      this.world.runFor(10);
    }
    return this.world.now - startedAt;
  }

  /** The liveness phase: all faults end, and everything must work and become equal. */
  settle(withinMs: Millis): Millis {
    const { world } = this;
    this.moments.clear();
    for (const name of world.names) if (world.state(name) === 'paused') world.resume(name);
    for (const name of this.running()) this.storage(name).setTrouble({});
    for (const name of this.running()) world.node(name).replica.setLowOnSpace(false);
    world.calm();
    world.network.set({ loss: 0, duplication: 0, reorder: 0 });
    const doneBefore = this.clients.map(({ doneCount }) => doneCount);
    const tookMs = this.until(
      () => this.clients.every(({ doneCount }, index) => doneCount > (doneBefore[index] as number) + 1),
      withinMs,
      'serving every client again',
    );
    world.runFor(1_000);
    for (const client of this.clients) client.stop();
    this.until(() => this.clients.every(({ isIdle }) => isIdle), withinMs, 'the last operations');
    this.until(() => this.#isEven(), withinMs, 'making all logs equal');
    return tookMs;
  }

  finish(): RaftRunReport {
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
      ...((this.#options.trace?.recordMax ?? 0) > 0 && { operations }),
      trace: this.world.trace(),
    };
  }

  get hasViolations(): boolean {
    return this.#violations.length > 0;
  }

  /** Everyone in the configuration of the leader has applied what it has, and is whole. */
  #isEven(): boolean {
    const leader = this.leader();
    if (leader === undefined) return false;
    const { commitIndex, lastIndex, configuration } = this.world.node(leader).replica.status();
    if (commitIndex !== lastIndex) return false;
    return [...configuration.voters, ...configuration.learners].every((name) => {
      if (this.world.state(name) !== 'running') return false;
      const { appliedIndex, isRecovering } = this.world.node(name).replica.status();
      return appliedIndex === commitIndex && !isRecovering;
    });
  }

  #client(name: string): RaftClient {
    const { keys = 4, pauseMs = 30, reads = 'read-index', sessions = 0.5 } = this.#options;
    const random = this.random.fork(`client:${name}`);
    return new RaftClient({
      name,
      world: this.world,
      random,
      history: this.#history,
      observe: (event) => this.#observe(event),
      keys,
      hasSession: chance(random, sessions),
      reads,
      pauseMs,
    });
  }

  #platter(name: string): Platter {
    const platter = this.#platters.get(name) ?? new Platter();
    this.#platters.set(name, platter);
    return platter;
  }

  #observe(event: RaftEvent | CommandEvent): void {
    for (const checker of this.#checkers) checker.observe(event);
    if (event.type === 'role') {
      this.count(event.role);
      this.#options.onRole?.(event.node, event.role, event.term);
    } else if (event.type === 'executed') this.#options.onExecuted?.(event.node, event.command);
    else if (event.type === 'restore' && event.index > 0) this.count('snapshot-restored');
  }

  #onMoment(name: string, moment: Moment): boolean {
    if (!chance(this.random, this.moments.get(moment) ?? 0)) return false;
    this.count(`died-${moment}`);
    // What the server is doing right now it still does: the message is out, the sync is done.
    // What was not durable is then lost, more often than not.
    const kind = moment === 'leader-appended' || chance(this.random, 0.7) ? 'host' : 'process';
    this.world.at(this.world.now, () => this.crash(name, kind));
    // A voter that is back at once may be asked again in the same term.
    if (moment === 'vote-sent' && chance(this.random, 0.7))
      this.world.at(this.world.now + below(this.random, 10), () => this.restart(name));
    return true;
  }

  #onFatal(name: string, cause: unknown): void {
    if (cause instanceof GrpError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    this.violate('assertion', `${name}: ${message}`, name);
    this.#dieSoon(name, 'assertion');
  }

  #dieSoon(name: string, why: string): void {
    this.count(why);
    this.world.at(this.world.now, () => this.crash(name, 'host'));
  }
}
