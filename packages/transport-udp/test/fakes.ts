// Virtual time and a network in memory, small enough to read, so that the wrapper's tests judge the wrapper alone.
import type {
  Address,
  ByteStream,
  Cancel,
  Clock,
  Random,
  StreamEnd,
  StreamHandlers,
  Streams,
  Transport,
} from '@grp/core';

/** Time that stands still until `run`. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  wakeAt(at: number, callback: () => void): Cancel {
    const timer = { at: Math.max(at, this.#now), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass, timer by timer, and the promises that they settle. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await flush();
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
    await flush();
  }
}

/** Waits until microtasks have run out. */
export async function flush(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Chance from a small seed (mulberry32). */
export function fakeRandom(seed = 1): Random {
  let state = seed >>> 0;
  return {
    nextU32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
    fork: (label) => fakeRandom(seed + 31 * label.length),
  };
}

/** A transport that remembers what is sent and lets the test deliver. */
export class FakeTransport implements Transport {
  readonly delivery = 'best-effort';
  readonly maxPayloadBytes = 1_400;
  readonly self: Address;
  readonly sent: { to: Address; payload: Uint8Array }[] = [];
  deliver: (from: Address, payload: Uint8Array) => void = () => {};
  closed = false;

  constructor(self: Address) {
    this.self = self;
  }

  send(to: Address, payload: Uint8Array): void {
    this.sent.push({ to, payload });
  }

  onReceive(listener: (from: Address, payload: Uint8Array) => void): Cancel {
    this.deliver = listener;
    return () => void (this.deliver = () => {});
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** One end of a stream in the test's hands. */
export class FakeEnd implements ByteStream {
  readonly peer: Address;
  handlers: StreamHandlers;
  readonly written: string[] = [];
  room = true;
  paused = false;
  ended = false;
  aborted = false;

  constructor(peer: Address, handlers: StreamHandlers = {}) {
    this.peer = peer;
    this.handlers = handlers;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes.length > 100 ? `${bytes.length}` : new TextDecoder().decode(bytes));
    return this.room;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    queueMicrotask(() => this.close('aborted'));
  }

  close(reason: StreamEnd): void {
    this.handlers.onClose?.(reason);
    this.handlers = {};
  }
}

/** Streams whose other ends are the test's. */
export class FakeStreams implements Streams {
  readonly self: Address;
  readonly dialled: FakeEnd[] = [];
  readonly timeouts: (number | undefined)[] = [];
  #accept: ((stream: ByteStream) => StreamHandlers | undefined) | undefined;

  constructor(self: Address) {
    this.self = self;
  }

  dial(to: Address, handlers: StreamHandlers, options?: { readonly timeoutMs?: number }): ByteStream {
    const end = new FakeEnd(to, handlers);
    this.dialled.push(end);
    this.timeouts.push(options?.timeoutMs);
    return end;
  }

  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): Cancel {
    this.#accept = accept;
    return () => void (this.#accept = undefined);
  }

  /** A stream comes in; undefined when it was refused. */
  arrive(from: Address): FakeEnd | undefined {
    const end = new FakeEnd(from);
    const handlers = this.#accept?.(end);
    if (handlers === undefined) return undefined;
    end.handlers = handlers;
    return end;
  }

  async close(): Promise<void> {
    for (const end of this.dialled) end.abort();
    await flush();
  }
}
