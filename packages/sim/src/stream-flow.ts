import { chance, type Millis, type Random } from '@grp/core';
import { drawDelay } from './delay.ts';
import type { Engine } from './engine.ts';
import type { Task } from './event-queue.ts';
import { loopbackMs, type Network, type NetworkHost } from './network.ts';

/** What the streams of a world have in common. */
export interface StreamSettings {
  /** Bytes on their way and in the receiver's kernel buffer together, by direction (default 262,144). */
  readonly windowBytes: number;
  /** Bytes that `write` queues before it returns false (default 65,536). */
  readonly writeBufferBytes: number;
  /** A stream whose bytes are not acknowledged for this long ends with `timeout` (default 15,000 ms). */
  readonly timeoutMs: Millis;
  /** The first wait before a lost segment is sent again; it doubles up to `retryMsMax` (default 200 ms). */
  readonly retryMs: Millis;
  /** Default 3,000 ms. */
  readonly retryMsMax: Millis;
  /** Streams a kernel opens for a process that does not listen right now (default 511). */
  readonly backlogMax: number;
}

export const defaultStreamSettings: StreamSettings = {
  windowBytes: 262_144,
  writeBufferBytes: 65_536,
  timeoutMs: 15_000,
  retryMs: 200,
  retryMsMax: 3_000,
  backlogMax: 511,
};

/** What a segment does at the other end. */
export interface Segment {
  readonly sizeBytes: number;
  /** Can the other end take it now? If not, it is as good as lost on the way. */
  welcome?(): boolean;
  land(): void;
}

// IPv4 and TCP headers.
const headerBytes = 40;

export interface FlowOptions {
  readonly network: Network;
  readonly random: Random;
  readonly settings: StreamSettings;
  readonly from: NetworkHost;
  readonly to: NetworkHost;
}

/**
 * One direction of one connection: segments in order, each sent again until it gets through. While a cut or a dead host
 * is in the way the first one is tried again and the others queue behind it, for at most `timeoutMs`.
 */
export class Flow {
  readonly #options: FlowOptions;
  readonly #engine: Engine;
  #lastArrival: Millis = 0;
  #stalled: Segment[] = [];
  #stalledSince: Millis = 0;
  #waitMs: Millis = 0;
  #dead = false;
  readonly #retry: Task = { run: () => this.#tryAgain() };

  constructor(options: FlowOptions) {
    this.#options = options;
    this.#engine = options.network.engine;
  }

  get reachable(): boolean {
    const { network, from, to } = this.#options;
    return to.up && network.reachable(from, to);
  }

  send(segment: Segment, firstRetryMs: Millis = this.#options.settings.retryMs): void {
    if (this.#dead) return;
    let delayMs = this.#travelMs(segment.sizeBytes);
    const { random, settings } = this.#options;
    const loss = this.#loss();
    // A lost segment comes after the next retry; five in a row are as many as TCP would mind.
    let retryMs = firstRetryMs;
    for (let tries = 0; tries < 5 && chance(random, loss); tries++) {
      delayMs += retryMs;
      retryMs = Math.min(retryMs * 2, settings.retryMsMax);
      this.#engine.trace.event('stream.retry', this.#engine.now, this.#options.from);
    }
    this.#arriveIn(delayMs, () => this.#arrive(segment, firstRetryMs));
  }

  /** Sends once, after what is on its way; what is lost stays lost. */
  sendOnce(segment: Segment): void {
    if (chance(this.#options.random, this.#loss())) return;
    this.#arriveIn(this.#travelMs(segment.sizeBytes), () => {
      if (this.reachable) segment.land();
    });
  }

  /** Forgets what is stalled and tries nothing again; what is on its way still arrives. */
  kill(): void {
    this.#dead = true;
    this.#stalled = [];
  }

  #travelMs(sizeBytes: number): Millis {
    const { network, from, to, random } = this.#options;
    if (from === to) return loopbackMs;
    const link = network.links.between(from.index, to.index);
    const waitMs = link.enqueue(this.#engine.now, sizeBytes + headerBytes, Infinity) ?? 0;
    return waitMs + drawDelay(random, link.settings.delay);
  }

  #loss(): number {
    const { network, from, to } = this.#options;
    return from === to ? 0 : network.links.between(from.index, to.index).settings.loss;
  }

  #arriveIn(delayMs: Millis, arrive: () => void): void {
    const at = this.#engine.now + delayMs;
    this.#lastArrival = at > this.#lastArrival ? at : this.#lastArrival;
    this.#engine.schedule(this.#lastArrival, { run: arrive });
  }

  #arrive(segment: Segment, retryMs: Millis): void {
    if (this.#stalled.length > 0) this.#stalled.push(segment);
    else if (this.#passes(segment)) segment.land();
    else if (!this.#dead) {
      this.#stalled = [segment];
      this.#stalledSince = this.#engine.now;
      this.#waitMs = retryMs;
      this.#engine.schedule(this.#engine.now + retryMs, this.#retry);
    }
  }

  #passes(segment: Segment): boolean {
    return this.reachable && (segment.welcome?.() ?? true);
  }

  #tryAgain(): void {
    const { settings, from } = this.#options;
    const engine = this.#engine;
    const first = this.#stalled[0];
    if (first === undefined) return;
    engine.trace.event('stream.retry', engine.now, from);
    if (this.#passes(first)) {
      const segments = this.#stalled;
      this.#stalled = [];
      for (const segment of segments) segment.land();
    } else if (engine.now - this.#stalledSince >= settings.timeoutMs) this.kill();
    else {
      this.#waitMs = Math.min(this.#waitMs * 2, settings.retryMsMax);
      engine.schedule(engine.now + this.#waitMs, this.#retry);
    }
  }
}
