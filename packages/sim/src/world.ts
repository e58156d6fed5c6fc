import { GrpError, type Address, type LogFields, type Millis, type Random } from '@grp/core';
import { defaultDiskSettings, type DiskControl, type DiskSettings } from './disk-faults.ts';
import { Engine } from './engine.ts';
import { simError } from './errors.ts';
import type { Host, Start } from './host.ts';
import type { CrashKind } from './life.ts';
import type { LinkSettings } from './links.ts';
import { networkControl, type NetworkControl } from './network-control.ts';
import { Network } from './network.ts';
import { SimNode } from './node.ts';
import { Runner, type UntilOptions } from './runner.ts';
import { defaultStreamSettings, type StreamSettings } from './stream-flow.ts';
import type { TraceEvent, TraceKind, TraceOptions } from './trace.ts';

/** What a simulated world is made with. */
export interface WorldOptions<App> {
  /** All chance in the world comes from it. */
  readonly seed: number | string;
  /** How nodes start that are added without a start of their own. */
  readonly start?: Start<App>;
  /** Nodes to begin with, in this order. */
  readonly nodes?: readonly string[];
  /** Settings of all links at first; a heal does not change them. */
  readonly network?: Partial<LinkSettings>;
  readonly streams?: Partial<StreamSettings>;
  readonly disk?: Partial<DiskSettings>;
  readonly trace?: TraceOptions;
  /** Whether `Host.buggify` may say yes (default false). */
  readonly buggify?: boolean;
  /**
   * When `run` and `runUntil` let promises go on: after each event that calls a node (default), or only after one that
   * settled a promise of the world itself (a disk's, a `close`): faster, and right for nodes whose promises all hang on
   * those.
   */
  readonly promises?: 'each-event' | 'settled';
}

/** What is asked of a node's clock. */
export interface ClockChange {
  /** Moves the wall clock; monotonic time stays. */
  readonly jumpMs?: Millis;
  /** Local ms in one ms of the world, from now on (default: as before). Above 0. */
  readonly rate?: number;
}

/** A whole distributed system in one thread, in virtual time, with trouble on demand. Everything follows from the seed. */
export interface World<App> {
  readonly seed: number | string;
  /** Virtual ms since the start. */
  readonly now: Millis;
  /** For the test's own choices: drawing from it disturbs nothing in the world. */
  readonly random: Random;
  readonly network: NetworkControl;

  /** Adds a machine and starts a node on it. @throws GrpError SIM_NODE_EXISTS */
  addNode(name: string, start?: Start<App>): void;
  /** In the order of adding, whatever their state. */
  readonly names: readonly string[];
  /** The running app. @throws GrpError SIM_NODE_UNKNOWN, SIM_NODE_NOT_RUNNING */
  node(name: string): App;
  /** The ports of a running node. @throws GrpError SIM_NODE_UNKNOWN, SIM_NODE_NOT_RUNNING */
  host(name: string): Host;
  address(name: string, port: number): Address;
  state(name: string): 'running' | 'paused' | 'crashed';
  /** Does it hold for every node that runs? */
  everyNode(holds: (app: App, name: string) => boolean): boolean;

  /** Kills a process, or cuts the power of its host (then the disk loses what was not synced). Twice is once. */
  crash(name: string, kind?: CrashKind): void;
  /** Starts a new life, after a crash if it still lives, on the same disk or an empty one. */
  restart(name: string, options?: { readonly disk?: 'same' | 'empty' }): void;
  /** Stops a process as SIGSTOP does: its kernel goes on for it. */
  pause(name: string): void;
  resume(name: string): void;
  setClock(name: string, change: ClockChange): void;
  /** Each callback keeps the node busy for this long; 0 takes it back. */
  setCpuMs(name: string, ms: Millis): void;
  disk(name: string): DiskControl;
  /** Ends all faults: heals, resumes, restarts what crashed, sets clocks, processors, disks and links right. */
  calm(): void;
  /** Called by `calm`, before it sets anything right. */
  onCalm(listener: () => void): void;

  /** Does something at an instant of the world's time. What it throws ends the run. */
  at(ms: Millis, action: () => void): void;
  /** Lets time pass at once, for nodes that use no promises. @throws GrpError SIM_NODE_FAILED, SIM_NEEDS_ASYNC */
  runFor(ms: Millis): void;
  /** Lets time pass, and promises settle after each event. @throws GrpError SIM_NODE_FAILED */
  run(ms: Millis): Promise<void>;
  /** Runs until it is so; how long that took. @throws GrpError SIM_NODE_FAILED, SIM_TIMEOUT */
  runUntil(condition: () => boolean, options?: UntilOptions): Promise<Millis>;
  runUntilSync(condition: () => boolean, options?: UntilOptions): Millis;

  /** Writes a line into the trace. */
  note(text: string, fields?: LogFields): void;
  /** SHA-256, in hex, of all that happened up to now. */
  traceHash(): string;
  trace(): { readonly events: readonly TraceEvent[]; readonly omittedCount: number };
  /** How often each kind of thing really happened. */
  counts(): Readonly<Record<TraceKind, number>>;
}

/**
 * Makes a world.
 * @example
 * const world = createWorld({ seed: 1, nodes: ['a', 'b', 'c'], start: (host) => startMyNode(host) });
 * world.network.partition(['a', 'b'], ['c']);
 * await world.run(30_000);
 */
export function createWorld<App = unknown>(options: WorldOptions<App>): World<App> {
  const world = new SimWorld<App>(options);
  world.addNodes(options.nodes ?? []);
  return world;
}

class SimWorld<App> implements World<App> {
  readonly seed: number | string;
  readonly network: NetworkControl;
  readonly random: Random;
  readonly #options: WorldOptions<App>;
  readonly #engine: Engine;
  readonly #network: Network;
  readonly #runner: Runner;
  readonly #nodes = new Map<string, SimNode<App>>();
  readonly #calmListeners: (() => void)[] = [];

  constructor(options: WorldOptions<App>) {
    this.#options = options;
    this.seed = options.seed;
    this.#engine = new Engine(options.seed, options.trace);
    this.#network = new Network(this.#engine, options.network ?? {});
    this.network = networkControl(this.#engine, this.#network);
    this.#runner = new Runner(this.#engine, options.promises ?? 'each-event');
    this.random = this.#engine.random.fork('test');
  }

  get now(): Millis {
    return this.#engine.now;
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  addNode(name: string, start?: Start<App>): void {
    this.#start(this.#add(name, start));
  }

  /** All machines first, so that the first node to start can already send to the last one. */
  addNodes(names: readonly string[]): void {
    for (const node of names.map((name) => this.#add(name))) this.#start(node);
  }

  #add(name: string, start: Start<App> | undefined = this.#options.start): SimNode<App> {
    if (this.#nodes.has(name)) throw simError('SIM_NODE_EXISTS', { context: { name } });
    const { streams, disk, buggify = false } = this.#options;
    const node = new SimNode<App>({
      engine: this.#engine,
      network: this.#network,
      name,
      start: start ?? (() => undefined as App),
      streams: { ...defaultStreamSettings, ...streams },
      disk: { ...defaultDiskSettings, ...disk },
      buggify,
      onFailure: (cause) => this.#runner.fail(this.#failed(name, cause)),
    });
    this.#nodes.set(name, node);
    return node;
  }

  node(name: string): App {
    const node = this.#node(name);
    if (node.app !== undefined) return node.app;
    const state = node.isRunning ? 'still starting' : 'crashed';
    throw simError('SIM_NODE_NOT_RUNNING', { context: { name, state } });
  }

  host(name: string): Host {
    const { port } = this.#node(name);
    if (port !== undefined) return port;
    throw simError('SIM_NODE_NOT_RUNNING', { context: { name, state: 'crashed' } });
  }

  address(name: string, port: number): Address {
    return this.#node(name).host.endpoint(port).address;
  }

  state(name: string): 'running' | 'paused' | 'crashed' {
    const node = this.#node(name);
    if (!node.isRunning) return 'crashed';
    return node.isPaused ? 'paused' : 'running';
  }

  everyNode(holds: (app: App, name: string) => boolean): boolean {
    for (const { name, app, isRunning } of this.#nodes.values())
      if (isRunning && (app === undefined || !holds(app, name))) return false;
    return true;
  }

  crash(name: string, kind: CrashKind = 'process'): void {
    this.#node(name).crash(kind);
  }

  restart(name: string, { disk = 'same' }: { readonly disk?: 'same' | 'empty' } = {}): void {
    const node = this.#node(name);
    node.crash('process');
    if (disk === 'empty') {
      node.disk.wipe();
      this.#trace('wipe', node);
    }
    this.#start(node);
  }

  pause(name: string): void {
    const node = this.#node(name);
    if (!node.isRunning || node.isPaused) return;
    node.pause();
    this.#trace('pause', node);
  }

  resume(name: string): void {
    const node = this.#node(name);
    if (!node.isPaused) return;
    node.resume();
    this.#trace('resume', node);
  }

  setClock(name: string, { jumpMs = 0, rate }: ClockChange): void {
    const node = this.#node(name);
    if (jumpMs !== 0) {
      node.clock.jump(jumpMs);
      this.#trace('clock-jump', node, Math.trunc(jumpMs));
    }
    if (rate !== undefined && rate !== node.clock.rate) {
      node.setRate(rate);
      this.#trace('clock-drift', node, Math.trunc(rate * 1_000_000));
    }
  }

  setCpuMs(name: string, ms: Millis): void {
    const node = this.#node(name);
    if (node.cpuMs === ms) return;
    node.setCpuMs(ms);
    if (ms > 0) this.#trace('cpu-slow', node, Math.trunc(ms * 1_000));
  }

  disk(name: string): DiskControl {
    return this.#node(name).disk;
  }

  onCalm(listener: () => void): void {
    this.#calmListeners.push(listener);
  }

  calm(): void {
    for (const listener of this.#calmListeners.splice(0)) listener();
    this.network.heal();
    this.network.reset();
    for (const node of this.#nodes.values()) {
      node.disk.setFaults({});
      if (node.clock.rate !== 1) node.setRate(1);
      node.clock.correct(this.now);
      node.setCpuMs(0);
      this.resume(node.name);
      if (!node.isRunning) this.#start(node);
    }
    this.#engine.trace.world('calm');
  }

  at(ms: Millis, action: () => void): void {
    const engine = this.#engine;
    const run = (): void => {
      engine.called = true;
      engine.running = undefined; // what the test throws is its own
      action();
    };
    engine.schedule(ms, { run });
  }

  runFor(ms: Millis): void {
    this.#runner.runSync(this.now + ms);
  }

  run(ms: Millis): Promise<void> {
    return this.#runner.run(this.now + ms);
  }

  runUntil(condition: () => boolean, options?: UntilOptions): Promise<Millis> {
    return this.#runner.until(condition, options);
  }

  runUntilSync(condition: () => boolean, options?: UntilOptions): Millis {
    return this.#runner.untilSync(condition, options);
  }

  note(text: string, fields?: LogFields): void {
    this.#engine.trace.text('note', this.now, undefined, text, fields);
  }

  traceHash(): string {
    return this.#engine.trace.digest();
  }

  trace(): { readonly events: readonly TraceEvent[]; readonly omittedCount: number } {
    return this.#engine.trace.records();
  }

  counts(): Readonly<Record<TraceKind, number>> {
    return this.#engine.trace.counts();
  }

  #node(name: string): SimNode<App> {
    const node = this.#nodes.get(name);
    if (node === undefined) throw simError('SIM_NODE_UNKNOWN', { context: { name } });
    return node;
  }

  #start(node: SimNode<App>): void {
    try {
      node.start();
    } catch (cause) {
      throw this.#failed(node.name, cause);
    }
  }

  #failed(name: string, cause: unknown): GrpError {
    if (cause instanceof GrpError && cause.code === 'SIM_NODE_FAILED') return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return simError('SIM_NODE_FAILED', { context: { node: name, now: this.now, seed: this.seed, reason }, cause });
  }

  #trace(kind: TraceKind, node: SimNode<App>, detail = 0): void {
    this.#engine.trace.event(kind, this.now, node.host, detail);
  }
}
