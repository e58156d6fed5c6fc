import { below, chance, fraction, type Cancel, type Clock, type Millis, type Random } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { MaelstromNode, type MaelstromWorkload } from '../../src/index.ts';

export interface NetworkOptions {
  readonly workload: MaelstromWorkload;
  readonly seed: number;
  readonly nodeCount: number;
  /** Of one message, at most; each draws its own. */
  readonly latencyMs?: Millis;
  /** Share of the messages between nodes that are lost. */
  readonly loss?: number;
}

export interface Answer {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Event {
  readonly at: Millis;
  readonly number: number;
  readonly action: () => void;
}

/** Plays Maelstrom's part in virtual time: starts nodes, carries their messages, loses some, cuts some off, asks as clients do. */
export class MaelstromNetwork {
  readonly names: readonly string[];
  readonly random: Random;
  readonly #options: NetworkOptions;
  readonly #nodes = new Map<string, MaelstromNode>();
  readonly #calls = new Map<number, (answer: Answer) => void>();
  #events: Event[] = [];
  #now = 0;
  #number = 0;
  /** Who can speak to whom; everybody when undefined. */
  #sides: readonly (readonly string[])[] | undefined;
  /** Lines between nodes, for tests that count. */
  messageCount = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.names = Array.from({ length: options.nodeCount }, (_, index) => `n${index + 1}`);
    for (const name of this.names) this.#nodes.set(name, this.#start(name));
    for (const name of this.names) this.ask(name, { type: 'init', node_id: name, node_ids: this.names }, () => {});
    this.run(100);
  }

  get now(): Millis {
    return this.#now;
  }

  readonly clock: Clock = {
    now: () => this.#now,
    wallMs: () => this.#now,
    wakeAt: (at, action) => this.at(at, action),
  };

  at(at: Millis, action: () => void): Cancel {
    let isCancelled = false;
    const event = { at: Math.max(at, this.#now), number: this.#number++, action: () => isCancelled || action() };
    // Binary search: thousands of events wait at a time.
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as Event).at <= event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event as Event);
    return () => void (isCancelled = true);
  }

  run(ms: Millis): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.at > end) break;
      this.#events.shift();
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }

  /** A client's request; clients reach every node, and nothing of theirs is lost. */
  ask(node: string, body: object, done: (answer: Answer) => void): void {
    const id = ++this.#number;
    this.#calls.set(id, done);
    const line = JSON.stringify({ src: 'c1', dest: node, body: { ...body, msg_id: id } });
    this.at(this.#now + this.#latency(), () => this.#nodes.get(node)?.receive(line));
  }

  /** The answer, after running until it is there. */
  askNow(node: string, body: object): Answer {
    const answers: Answer[] = [];
    this.ask(node, body, (answer) => answers.push(answer));
    for (let turns = 0; answers.length === 0 && turns < 10_000; turns++) this.run(1);
    return answers[0] ?? { type: 'none' };
  }

  partition(...sides: readonly (readonly string[])[]): void {
    this.#sides = sides;
  }

  heal(): void {
    this.#sides = undefined;
  }

  /** Every so often another cut, or none; the last one is healed at `until`. */
  disturb(everyMs: Millis, until: Millis): void {
    const { random, names } = this;
    if (this.#now >= until) return this.heal();
    const shuffled = names.toSorted(() => fraction(random) - 0.5);
    const size = below(random, names.length);
    if (size === 0) this.heal();
    else this.partition(shuffled.slice(0, size), shuffled.slice(size));
    this.at(Math.min(until, this.#now + everyMs), () => this.disturb(everyMs, until));
    return undefined;
  }

  stop(): void {
    for (const node of this.#nodes.values()) node.stop();
  }

  #start(name: string): MaelstromNode {
    return new MaelstromNode({
      workload: this.#options.workload,
      clock: this.clock,
      random: this.random.fork(name),
      later: (callback) => void this.at(this.#now, callback),
      send: (line) => this.#carry(line),
      onFatal: (cause) => {
        throw cause;
      },
    });
  }

  #carry(line: string): void {
    const { src, dest, body } = JSON.parse(line) as { src: string; dest: string; body: Answer };
    if (dest.startsWith('c')) {
      const id = Number(body['in_reply_to']);
      const done = this.#calls.get(id);
      this.#calls.delete(id);
      this.at(this.#now + this.#latency(), () => done?.(body));
      return;
    }
    this.messageCount++;
    if (this.#isCut(src, dest) || chance(this.random, this.#options.loss ?? 0)) return;
    this.at(this.#now + this.#latency(), () => this.#nodes.get(dest)?.receive(line));
  }

  #isCut(from: string, to: string): boolean {
    return this.#sides !== undefined && !this.#sides.some((side) => side.includes(from) && side.includes(to));
  }

  #latency(): Millis {
    return 0.1 + fraction(this.random) * (this.#options.latencyMs ?? 5);
  }
}
