import { chance, type Logger } from '@grp/core';
import { SimTransport } from './datagrams.ts';
import { SimDisk } from './disk.ts';
import type { DiskSettings } from './disk-faults.ts';
import type { Engine } from './engine.ts';
import { HostClock } from './host-clock.ts';
import type { Host, Start } from './host.ts';
import { Life, lifeClock, Timer, type CrashKind } from './life.ts';
import type { Network, NetworkHost } from './network.ts';
import type { StreamSettings } from './stream-flow.ts';
import { SimStreams } from './streams.ts';

export interface NodeOptions<App> {
  readonly engine: Engine;
  readonly network: Network;
  readonly name: string;
  readonly start: Start<App>;
  readonly streams: StreamSettings;
  readonly disk: DiskSettings;
  readonly buggify: boolean;
  /** A start that returned a promise failed. */
  readonly onFailure: (cause: unknown) => void;
}

/** A machine, and the process on it. */
export class SimNode<App> {
  readonly name: string;
  readonly host: NetworkHost;
  readonly clock = new HostClock();
  readonly disk: SimDisk;
  readonly #options: NodeOptions<App>;
  #life: Life | undefined;
  #incarnation = 0;
  #app: App | undefined;
  #cpuMs = 0;
  #port: Host | undefined;

  constructor(options: NodeOptions<App>) {
    const { engine, network, name, disk } = options;
    this.name = name;
    this.#options = options;
    this.host = network.addHost(name);
    this.disk = new SimDisk({ engine, owner: this.host, random: engine.random.fork(`disk:${name}`), settings: disk });
  }

  get isRunning(): boolean {
    return this.#life?.alive === true;
  }

  get isPaused(): boolean {
    return this.isRunning && this.#life?.paused === true;
  }

  get cpuMs(): number {
    return this.#cpuMs;
  }

  /** What `start` returned in this life; undefined while it is still starting, or dead. */
  get app(): App | undefined {
    return this.isRunning ? this.#app : undefined;
  }

  /** The ports of this life. */
  get port(): Host | undefined {
    return this.isRunning ? this.#port : undefined;
  }

  start(): void {
    const { engine, start, onFailure } = this.#options;
    const life = new Life(engine, this.host, this.clock, ++this.#incarnation);
    life.setCpuMs(this.#cpuMs);
    this.host.up = true;
    this.#life = life;
    this.#app = undefined;
    engine.trace.event('start', engine.now, this.host, life.incarnation);
    this.#port = this.#hostPort(life);
    engine.running = this.name;
    const app = start(this.#port);
    engine.running = undefined;
    if (!isPromise(app)) {
      this.#app = app;
      return;
    }
    engine.settled = true;
    app.then(
      (ready) => {
        if (life === this.#life) this.#app = ready;
      },
      (cause: unknown) => {
        if (life.alive) onFailure(cause);
      },
    );
  }

  crash(kind: CrashKind): void {
    const { trace, now } = this.#options.engine;
    const hasPower = this.host.up;
    if (this.isRunning || (kind === 'host' && hasPower))
      trace.event(kind === 'host' ? 'host-crash' : 'crash', now, this.host);
    if (kind === 'host') this.host.up = false;
    this.#life?.end(kind);
    this.#app = undefined;
    // Last, so that nothing which the process had under way reaches it any more.
    if (kind === 'host' && hasPower) this.disk.losePower();
  }

  pause(): void {
    this.#life?.pause();
  }

  resume(): void {
    this.#life?.resume();
  }

  setCpuMs(ms: number): void {
    this.#cpuMs = ms;
    this.#life?.setCpuMs(ms);
  }

  /** The clock runs at another rate from now on, and what waits for it is set anew. */
  setRate(rate: number): void {
    const { engine } = this.#options;
    this.clock.setRate(engine.now, rate);
    const timers = [...engine.queue.tasks()].filter((task) => task instanceof Timer);
    for (const timer of timers) if (timer.pending && timer.life === this.#life) timer.schedule();
  }

  #hostPort(life: Life): Host {
    const { engine, network, streams } = this.#options;
    const { host, name } = this;
    const random = engine.random.fork(`node:${name}`).fork(`life:${life.incarnation}`);
    const streamRandom = engine.random.fork('streams').fork(name);
    return {
      name,
      ip: host.ip,
      incarnation: life.incarnation,
      clock: lifeClock(life),
      random,
      logger: this.#logger(life),
      disk: this.disk.port(life),
      transport: (port, options) =>
        new SimTransport(network, host.endpoint(port === 0 ? host.freePort() : port), life, options),
      streams: (port) => {
        const endpoint = host.endpoint(port === 0 ? host.freePort() : port);
        const random = streamRandom.fork(`${life.incarnation}:${endpoint.code}`);
        return new SimStreams({ network, endpoint, life, random, settings: streams });
      },
      exit: (reason) => {
        if (!life.alive) return;
        engine.trace.text('exit', engine.now, host, reason);
        life.end('process');
        this.#app = undefined;
      },
      buggify: this.#buggify(life),
    };
  }

  #logger(life: Life): Logger {
    const { trace } = this.#options.engine;
    return {
      log: (level, event, fields) => {
        if (life.alive) trace.text('log', life.engine.now, this.host, event, { level, ...fields });
      },
    };
  }

  #buggify(life: Life): Host['buggify'] {
    const { engine, buggify } = this.#options;
    if (!buggify) return () => false;
    const draws = engine.random.fork('buggify').fork(`${this.name}:${life.incarnation}`);
    const enabled = new Map<string, boolean>();
    return (name, probability = 0.05) => {
      let isEnabled = enabled.get(name);
      if (isEnabled === undefined) {
        // The same for all nodes of one seed.
        isEnabled = chance(engine.random.fork('buggify-names').fork(name), 0.25);
        enabled.set(name, isEnabled);
      }
      const happens = isEnabled && life.alive && chance(draws, probability);
      if (happens) engine.trace.text('buggify', engine.now, this.host, name);
      return happens;
    };
  }
}

function isPromise<App>(app: App | Promise<App>): app is Promise<App> {
  return app instanceof Promise;
}
