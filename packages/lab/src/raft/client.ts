import { below, chance, pick, type Millis, type Random } from '@grp/core';
import { decodeMapAnswer, encodeMapCommand, type ClientPayload, type Ended, type MapCommand } from '@grp/raft';
import type { CommandEvent, OngoingOperation, OperationHistory, World } from '@grp/sim';
import type { RaftServer } from './server.ts';

export interface RaftClientOptions {
  readonly name: string;
  readonly world: World<RaftServer>;
  readonly random: Random;
  readonly history: OperationHistory;
  readonly observe: (event: CommandEvent) => void;
  readonly keys: number;
  /** Whether it opens a session: then whatever is unsure is asked again, under the same sequence. */
  readonly hasSession: boolean;
  readonly reads: 'read-index' | 'lease';
  /** Mean pause between two operations. */
  readonly pauseMs: Millis;
}

type Action = { readonly f: 'read' } | { readonly f: 'write' | 'cas'; readonly command: MapCommand };

interface Current {
  readonly action: Action;
  readonly key: string;
  readonly operation: OngoingOperation<unknown>;
  sequence: number;
  attempts: number;
  /** Some attempt may still be carried out. */
  isUnsure: boolean;
}

const attemptMs = 600;
const attemptsMax = 40;

/** One client of the cluster, with one operation at a time. It writes values that nobody else writes. */
export class RaftClient {
  readonly #options: RaftClientOptions;
  #session: number | undefined;
  #sequence = 0;
  #number = 0;
  #target: string | undefined;
  #current: Current | undefined;
  #attempt = 0;
  #isStopped = false;
  #doneCount = 0;
  /** Values seen lately by key, for compare-and-set that has a chance. */
  readonly #seen = new Map<string, string | undefined>();

  constructor(options: RaftClientOptions) {
    this.#options = options;
  }

  get doneCount(): number {
    return this.#doneCount;
  }

  start(): void {
    this.#pause();
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isStopped = true;
  }

  get isIdle(): boolean {
    return this.#current === undefined;
  }

  #pause(): void {
    const { world, random, pauseMs } = this.#options;
    world.at(world.now + 0.1 + below(random, Math.ceil(2 * pauseMs)), () => {
      if (this.#isStopped) return;
      if (this.#options.hasSession && this.#session === undefined) this.#register();
      else this.#begin();
    });
  }

  #register(): void {
    const attempt = ++this.#attempt;
    this.#propose({ type: 'register' }, (ended) => {
      if (attempt !== this.#attempt) return;
      this.#attempt++;
      if (ended.type === 'done') this.#session = ended.index;
      else this.#target = undefined;
      this.#sequence = 0;
      this.#pause();
    });
    this.#after(attemptMs, attempt, () => {
      this.#attempt++;
      this.#target = undefined;
      this.#pause();
    });
  }

  #begin(): void {
    const { random, history, name, keys } = this.#options;
    const key = `k${below(random, keys)}`;
    const action = this.#draw(key);
    const value = action.f === 'read' ? undefined : valueOf(action.command);
    const operation = history.begin({ process: name, f: action.f, key, value });
    const sequence = action.f === 'read' ? 0 : ++this.#sequence;
    this.#current = { action, key, operation, sequence, attempts: 0, isUnsure: false };
    this.#try();
  }

  #draw(key: string): Action {
    const { random, name } = this.#options;
    if (chance(random, 0.45)) return { f: 'read' };
    const value = `${name}.${++this.#number}`;
    if (chance(random, 0.3))
      return { f: 'cas', command: { type: 'compare-and-set', key, expected: this.#seen.get(key), value } };
    return { f: 'write', command: { type: 'put', key, value } };
  }

  #try(): void {
    const current = this.#current;
    if (current === undefined) return;
    const attempt = ++this.#attempt;
    if (++current.attempts > attemptsMax) return this.#giveUp(current);
    this.#after(attemptMs, attempt, () => this.#onSilence(current));
    const { action, key } = current;
    if (action.f === 'read') return this.#read(current, key, attempt);
    return this.#propose(this.#payload(action.command, current.sequence), (ended) => {
      // With a session any attempt's answer is the answer; without one each attempt is a command of its own.
      if (this.#current === current && (attempt === this.#attempt || this.#session !== undefined))
        this.#onWritten(current, ended, attempt);
    });
  }

  #payload(command: MapCommand, sequence: number): ClientPayload {
    const bytes = encodeMapCommand(command);
    const session = this.#session;
    if (session === undefined) return { type: 'command', session: 0, sequence: 0, acknowledged: 0, command: bytes };
    return { type: 'command', session, sequence, acknowledged: sequence, command: bytes };
  }

  #read(current: Current, key: string, attempt: number): void {
    const server = this.#server();
    if (server === undefined) return this.#retrySoon(current, attempt);
    const { random } = this.#options;
    return server.replica.read(
      this.#options.reads,
      (answer) => {
        // A state machine that takes its time: the server may be paused, deposed or dead before it answers.
        const value = server.map.get(key) ?? null;
        const { clock } = server;
        clock.wakeAt(clock.now() + (chance(random, 0.2) ? below(random, 20) : 0), () => answer(value));
      },
      (ended) => {
        if (this.#current !== current || attempt !== this.#attempt) return;
        if (ended.type === 'done') this.#finish(current, ended.value);
        else this.#retryAt(ended.leader, current, attempt);
      },
    );
  }

  #onWritten(current: Current, ended: Ended, attempt: number): void {
    if (ended.type === 'done') {
      const { holds } = decodeMapAnswer(ended.answer);
      this.#finish(current, current.action.f === 'cas' ? holds : null);
    } else if (ended.type === 'refused') {
      this.#session = undefined;
      this.#giveUp(current);
    } else if (ended.type === 'unknown') {
      current.isUnsure = true;
      if (attempt === this.#attempt) this.#onSilence(current);
    } else if (attempt === this.#attempt) this.#retryAt(ended.leader, current, attempt);
  }

  #onSilence(current: Current): void {
    this.#target = undefined;
    current.isUnsure = true;
    if (current.action.f === 'read' || this.#session !== undefined) this.#try();
    else this.#giveUp(current);
  }

  #retryAt(leader: string | undefined, current: Current, attempt: number): void {
    this.#target = leader === this.#target ? undefined : leader;
    this.#retrySoon(current, attempt);
  }

  #retrySoon(current: Current, attempt: number): void {
    this.#after(10 + below(this.#options.random, 40), attempt, () => {
      if (this.#current === current) this.#try();
    });
  }

  #finish(current: Current, out: unknown): void {
    const { world, observe } = this.#options;
    current.operation.ok(out);
    const { action, key } = current;
    if (action.f === 'read') this.#seen.set(key, (out as string | null) ?? undefined);
    else {
      if ('value' in action.command && out !== false) this.#seen.set(key, action.command.value);
      observe({ type: 'acknowledged', at: world.now, command: nameOf(action.command) });
    }
    this.#doneCount++;
    this.#end();
  }

  #giveUp(current: Current): void {
    const { world, observe } = this.#options;
    if (current.isUnsure || current.action.f === 'read') current.operation.info();
    else {
      current.operation.fail();
      observe({ type: 'denied', at: world.now, command: nameOf(current.action.command) });
    }
    // An answer that comes now is to a question that was dropped; its sequence is not used again.
    this.#end();
  }

  #end(): void {
    this.#current = undefined;
    this.#attempt++;
    this.#pause();
  }

  #propose(payload: ClientPayload, done: (ended: Ended) => void): void {
    const server = this.#server();
    if (server === undefined) done({ type: 'not-done', reason: 'not-leader', leader: undefined });
    else server.replica.propose(payload, done);
  }

  #server(): RaftServer | undefined {
    const { world, random } = this.#options;
    const running = world.names.filter((name) => world.state(name) === 'running');
    if (this.#target === undefined || !running.includes(this.#target)) this.#target = pick(random, running);
    return this.#target === undefined ? undefined : world.node(this.#target);
  }

  #after(ms: Millis, attempt: number, action: () => void): void {
    const { world } = this.#options;
    world.at(world.now + ms, () => {
      if (attempt === this.#attempt) action();
    });
  }
}

function nameOf(command: MapCommand): string {
  return 'value' in command ? command.value : '';
}

function valueOf(command: MapCommand): unknown {
  if (command.type === 'compare-and-set') return [command.expected ?? null, command.value];
  return 'value' in command ? command.value : null;
}
