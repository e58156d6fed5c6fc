import { formatAddress } from '@grp/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeBasePorts } from '../cluster/ports.ts';
import { isAlive, sendSignal, type ProcessMark } from '../cluster/processes.ts';
import type { Driver, OwnCount, Planned } from './driver.ts';
import { benchError } from './errors.ts';
import type { Guard } from './guard.ts';
import { NewsLog, type News } from './news.ts';

const host = '127.0.0.1';

interface Member extends Planned {
  state: 'up' | 'killed' | 'leaving' | 'planned';
  mark: ProcessMark | undefined;
}

export interface ClusterOptions {
  readonly driver: Driver;
  readonly count: number;
  readonly quietMs: number;
  readonly wholeTimeoutMs: number;
  readonly guard: Guard;
  readonly signal: AbortSignal;
}

/** One cluster under measurement, of whichever system. Its first member is the seed, and lives as long as it does. */
export class BenchCluster {
  readonly news = new NewsLog();
  /** A list that gave up a member whose process was running: what must never happen. */
  readonly wronged: News[] = [];
  /** Suspicions of running members; harmless when refuted. */
  healthySuspected = 0;
  readonly driver: Driver;
  readonly #options: ClusterOptions;
  readonly #members = new Map<string, Member>();
  readonly #streams = new AbortController();
  #named = 0;

  private constructor(options: ClusterOptions) {
    this.driver = options.driver;
    this.#options = options;
  }

  /** Starts the seed, then all others at once through it. @throws GrpError BENCH_NOT_WHOLE; nothing is left running then */
  static async open(options: ClusterOptions): Promise<BenchCluster> {
    const cluster = new BenchCluster(options);
    try {
      const names = await cluster.plan(options.count);
      await cluster.start(names.slice(0, 1));
      await cluster.start(names.slice(1));
      await cluster.untilQuiet();
      return cluster;
    } catch (cause) {
      await cluster.close();
      throw cause;
    }
  }

  /** Names and free ports for members to be. */
  async plan(count: number): Promise<readonly string[]> {
    const ports = await freeBasePorts(host, count);
    return ports.map((port) => {
      const name = `n${++this.#named}`;
      this.#members.set(name, { name, host, port, controlPort: port + 7, state: 'planned', mark: undefined });
      return name;
    });
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** Members whose process runs and is meant to, the seed first. */
  get running(): readonly string[] {
    return this.#all('up').map(({ name }) => name);
  }

  /** All that may be killed or leave. */
  get expendable(): readonly string[] {
    return this.running.slice(1);
  }

  /** Ports of membership, for whoever looks at the wire. */
  get ports(): readonly number[] {
    return [...this.#members.values()].map(({ port }) => port);
  }

  /** Process ids of the running members. */
  get pids(): readonly number[] {
    return this.#all('up').flatMap(({ mark }) => (mark === undefined ? [] : [mark.pid]));
  }

  /** Starts these members at once; resolves when each is heard. */
  async start(names: readonly string[]): Promise<void> {
    const seed = this.#all('up')[0];
    const started = await Promise.allSettled(names.map((name) => this.#start(this.#member(name), seed)));
    const failure = started.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  /** SIGKILL; gives the moment just before it. */
  kill(names: readonly string[]): number {
    const at = performance.now();
    for (const name of names) this.#signal(name, 'SIGKILL', 'killed');
    return at;
  }

  /** SIGINT, on which both systems leave in order; gives the moment just before it. */
  leave(name: string): number {
    const at = performance.now();
    this.#signal(name, 'SIGINT', 'leaving');
    return at;
  }

  /** Waits until a member's process has ended; one that does not is ended. */
  async gone(name: string, timeoutMs = 15_000): Promise<void> {
    const { mark } = this.#member(name);
    const deadline = performance.now() + timeoutMs;
    if (mark === undefined) return;
    while (isAlive(mark)) {
      if (performance.now() > deadline) sendSignal(mark, 'SIGKILL');
      await sleep(20);
    }
  }

  /**
   * Waits until every list has all running members alive and nobody else, and no news has come for a while.
   * @throws GrpError BENCH_NOT_WHOLE
   */
  async untilQuiet(): Promise<void> {
    const { quietMs, wholeTimeoutMs, signal, driver } = this.#options;
    const began = performance.now();
    for (;;) {
      const waitMs = Math.max(this.news.latestAt, began) + quietMs - performance.now();
      if (waitMs > 0) {
        await sleep(waitMs, undefined, { signal });
        continue;
      }
      const reason = await this.#incomplete();
      if (reason === undefined && performance.now() - this.news.latestAt >= quietMs) return;
      if (performance.now() - began > wholeTimeoutMs) {
        throw benchError('BENCH_NOT_WHOLE', {
          context: { system: driver.system, timeoutMs: wholeTimeoutMs, reason: reason ?? 'news kept coming' },
        });
      }
      await sleep(250, undefined, { signal });
    }
  }

  /** What each running member says it has sent, counted anew with `reset`; undefined where the system does not count. */
  async ownCounts(what: 'reset' | 'read'): Promise<readonly OwnCount[] | undefined> {
    const { counters } = this.driver;
    if (counters === undefined) return undefined;
    const members = this.#all('up');
    if (what === 'reset') await Promise.all(members.map((member) => counters.reset(member)));
    return Promise.all(members.map((member) => counters.sent(member)));
  }

  /** Ends all processes. Never rejects. */
  async close(): Promise<void> {
    this.#streams.abort();
    const marks = [...this.#members.values()].flatMap(({ mark }) => (mark === undefined ? [] : [mark]));
    for (const member of this.#members.values()) member.state = 'killed';
    for (const mark of marks) sendSignal(mark, 'SIGKILL');
    while (marks.some((mark) => isAlive(mark))) await sleep(10);
  }

  async #start(member: Member, seed: Member | undefined): Promise<void> {
    const { driver, guard, signal } = this.#options;
    member.state = 'up';
    await driver.start(member, {
      seed: seed === undefined ? undefined : formatAddress(seed.host, seed.port),
      signal: AbortSignal.any([signal, this.#streams.signal]),
      onNews: (news) => this.#hear(news),
      onProcess: (mark) => {
        guard.add(mark);
        member.mark = mark;
      },
    });
  }

  #hear(news: News): void {
    const running = this.#members.get(news.about)?.state === 'up';
    const heard = this.#members.get(news.observer)?.state === 'up';
    if (heard && running && (news.kind === 'down' || news.kind === 'leave')) this.wronged.push(news);
    if (heard && running && news.kind === 'suspect') this.healthySuspected++;
    if (heard) this.news.add(news);
  }

  async #incomplete(): Promise<string | undefined> {
    const wanted = new Set(this.running);
    const lists = await Promise.all(
      this.#all('up').map(async (member) => ({
        name: member.name,
        list: await this.driver.list(member).catch(() => []),
      })),
    );
    const wrong = lists.filter(({ list }) => {
      const alive = list.filter(({ state }) => state === 'alive');
      return alive.length !== wanted.size || alive.some(({ name }) => !wanted.has(name));
    });
    return wrong.length === 0 ? undefined : `not the list of ${wrong.map(({ name }) => name).join(', ')}`;
  }

  #signal(name: string, signal: NodeJS.Signals, state: Member['state']): void {
    const member = this.#member(name);
    member.state = state;
    if (member.mark !== undefined) sendSignal(member.mark, signal);
  }

  #all(state: Member['state']): readonly Member[] {
    return [...this.#members.values()].filter((member) => member.state === state);
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new RangeError(`there is no member ${name}`);
    return member;
  }
}
