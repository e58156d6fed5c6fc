import { below, chance, type Address, type Millis, type Random } from '@grp/core';
import { clientConfig, type Failure, type ServerView } from '@grp/dfs';
import type { Host, OngoingOperation, OperationHistory } from '@grp/sim';
import { Caller } from './caller.ts';
import type { DfsObservation } from './checkers.ts';
import { Answers, type DfsTransport } from './messages.ts';
import { digestOf } from './store.ts';
import { simulateGet, simulatePut, type TransferOptions } from './transfer.ts';

export interface DfsClientOptions {
  readonly host: Host;
  readonly transport: DfsTransport;
  readonly servers: readonly string[];
  readonly address: (name: string) => Address;
  readonly history: OperationHistory;
  readonly observe: (observation: DfsObservation) => void;
  readonly onFatal: (name: string, cause: unknown) => void;
  readonly files: number;
  readonly replicas: number;
  readonly reports: boolean;
  /** Mean pause between two operations. */
  readonly pauseMs: Millis;
}

interface Seen {
  readonly version: number;
  readonly value: string;
}

const config = clientConfig.resolve({
  stallMs: 60,
  putTimeoutMs: 2_500,
  getTimeoutMs: 2_500,
  retryMs: 20,
  retryMaxMs: 200,
  lateMs: 400,
});

/** One client of the store, with one operation at a time. Every content that it writes is its own. */
export class DfsClient {
  readonly #options: DfsClientOptions;
  readonly #random: Random;
  readonly #transfer: TransferOptions;
  readonly #caller: Caller;
  readonly #seen = new Map<string, Seen>();
  #view: ServerView | undefined;
  #number = 0;
  #isStopped = false;
  #isBusy = false;
  doneCount = 0;

  constructor(options: DfsClientOptions) {
    this.#options = options;
    const { host, transport, servers, address } = options;
    const { clock, random, name } = host;
    this.#random = random;
    const answers = new Answers(host.incarnation);
    const send = transport.send.bind(transport);
    transport.onReceive((_, message) => void answers.take(message));
    this.#caller = new Caller({ clock, random: random.fork('caller'), answers, send, servers, address });
    const onFatal = (cause: unknown): void => options.onFatal(name, cause);
    this.#transfer = { clock, random, answers, caller: this.#caller, send, config, onFatal, reports: options.reports };
    this.#pause();
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isStopped = true;
  }

  get isIdle(): boolean {
    return !this.#isBusy;
  }

  #pause(): void {
    const { clock } = this.#options.host;
    this.#isBusy = false;
    clock.wakeAt(clock.now() + 1 + below(this.#random, 2 * this.#options.pauseMs), () => {
      if (this.#isStopped) return;
      this.#isBusy = true;
      this.#begin();
    });
  }

  #begin(): void {
    const name = `f${below(this.#random, this.#options.files)}`;
    const draw = below(this.#random, 100);
    if (draw < 40) return this.#get(name);
    if (draw < 45) return this.#remove(name);
    if (draw < 50) return this.#look();
    this.#put(name, draw < 80 ? 'write' : 'cas');
  }

  #get(name: string): void {
    const { history, host, observe, servers } = this.#options;
    const operation = history.begin({ process: host.name, f: 'read', key: name });
    observe({ type: 'began', client: host.name, name });
    const prefer = [servers[below(this.#random, servers.length)] as string];
    simulateGet(this.#transfer, { name, isWhole: true, prefer }, (ended) => {
      if (ended.type === 'done') {
        const { version } = ended.value.manifest;
        const value = ended.value.content.split('|')[0] as string;
        this.#seen.set(name, { version, value });
        observe({ type: 'seen', client: host.name, name, version, digest: digestOf(ended.value.content), by: 'get' });
        operation.ok(value);
      } else if (ended.failure.code === 'DFS_NOT_FOUND') operation.ok();
      else operation.fail();
      this.#end();
    });
  }

  #put(name: string, kind: 'write' | 'cas'): void {
    const { history, host, replicas } = this.#options;
    const value = `${host.name}.${host.incarnation}.${++this.#number}`;
    const content = `${value}|${'x'.repeat(below(this.#random, 40))}`;
    const seen = this.#seen.get(name);
    const isAbsent = kind === 'cas' && (seen === undefined || chance(this.#random, 0.3));
    const expected = isAbsent ? null : (seen?.value ?? null);
    const condition = kind === 'write' ? {} : isAbsent ? { ifAbsent: true } : { ifVersion: seen?.version };
    const asked = kind === 'write' ? value : [expected, value];
    const operation = history.begin({ process: host.name, f: kind, key: name, value: asked });
    this.#options.observe({ type: 'began', client: host.name, name });
    const view = chance(this.#random, 0.5) ? this.#view : undefined;
    const common = { name, requestId: value, replicas, reserveBytes: 0 };
    const keep = chance(this.#random, 0.1) ? 1 + below(this.#random, 6) : undefined;
    const replayable = chance(this.#random, 0.7);
    simulatePut(this.#transfer, { ...common, ...condition, keep, replayable, view }, content, (ended) => {
      if (ended.type === 'done') this.#onPut(operation, { name, version: ended.value.version, content, value, kind });
      else this.#onRefused(operation, ended.failure, kind);
      this.#end();
    });
  }

  #onPut(
    operation: OngoingOperation<unknown>,
    put: {
      readonly name: string;
      readonly version: number;
      readonly content: string;
      readonly value: string;
      readonly kind: string;
    },
  ): void {
    const { observe, host } = this.#options;
    const { name, version, content, value, kind } = put;
    this.#seen.set(name, { version, value });
    observe({ type: 'seen', client: host.name, name, version, digest: digestOf(content), by: 'put' });
    operation.ok(kind === 'cas' ? true : undefined);
  }

  #onRefused(operation: OngoingOperation<unknown>, { code }: Failure, kind: 'write' | 'cas'): void {
    if (code === 'DFS_CONFLICT' && kind === 'cas') operation.ok(false);
    else if (code === 'DFS_NO_SERVERS' || code === 'DFS_NO_QUORUM') operation.fail();
    else operation.info();
  }

  #remove(name: string): void {
    const { history, host, observe } = this.#options;
    const operation = history.begin({ process: host.name, f: 'write', key: name });
    observe({ type: 'began', client: host.name, name });
    const requestId = `${host.name}-${host.incarnation}-rm-${++this.#number}`;
    this.#caller.call({ kind: 'remove', name, requestId }, (reply) => {
      if (reply?.kind === 'committed' || reply?.kind === 'not-found') operation.ok();
      else operation.info();
      this.#seen.delete(name);
      this.#end();
    });
  }

  /** Refreshes what it knows of the servers: puts may then place by themselves. */
  #look(): void {
    this.#caller.call({ kind: 'servers' }, (reply) => {
      if (reply?.kind === 'servers-listed') this.#view = reply.view;
      this.#pause();
    });
  }

  #end(): void {
    this.doneCount++;
    this.#options.observe({ type: 'ended', client: this.#options.host.name });
    this.#pause();
  }
}
