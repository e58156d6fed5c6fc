import { chance, fraction, type Address, type ByteStream, type Cancel, type Millis } from '@grp/core';
import type { StreamEnd, StreamHandlers, Streams } from '@grp/core';
import type { FaultContext } from './faults.ts';
import { Outbox } from './outbox.ts';

export interface FaultStreamContext extends FaultContext {
  /** How long a stalled stream lives, in ms. */
  readonly stallTimeoutMs: number;
  /** The stream has ended and needs no more care. */
  readonly forget: (stream: FaultStream) => void;
}

// A writer that does not heed `false` is cut off here, as on a real stream.
const queuedBytesMax = 16_777_216;
// The smallest retransmission timeout of TCP on Linux; it doubles with each further loss (RFC 6298 §5.5).
const retransmitMs = 200;
const retransmissionsMax = 6;
const segmentBytes = 1_400;

/**
 * One stream with faults. What is written waits for its delay. While stalled nothing goes out, the real stream is
 * paused, and what it reports waits until the partition heals.
 */
export class FaultStream implements ByteStream {
  readonly peer: Address;
  /** Came from the peer, so that `peer` has a port which says nothing. */
  readonly isAccepted: boolean;
  readonly #context: FaultStreamContext;
  readonly #outbox: Outbox;
  #inner: ByteStream | undefined; // none while a dial is delayed or stalled
  #handlers: StreamHandlers = {};
  #connect: (() => void) | undefined; // a dial that is due and stalled
  #held: (() => void)[] = []; // what the real stream reported while stalled: at most one of each kind but data
  #isStalled = false;
  #isPaused = false;
  #phase: 'open' | 'ending' | 'aborted' | 'finished' = 'open';
  #innerIsGone = false;
  #timers: Cancel[] = [];
  #cancelDialTimer: Cancel = () => {};
  #cancelStallTimer: Cancel = () => {};

  constructor(peer: Address, context: FaultStreamContext, inner?: ByteStream) {
    this.peer = peer;
    this.isAccepted = inner !== undefined;
    this.#context = context;
    this.#inner = inner;
    this.#outbox = new Outbox({
      clock: context.clock,
      delayMs: (bytes) => this.#delayMs(bytes),
      write: (bytes, onFree) => this.#forward(bytes, onFree),
      end: () => this.#inner?.end(),
      onDrain: () => this.#isLive() && this.#handlers.onDrain?.(),
    });
    this.#outbox.setOpen(inner !== undefined);
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  /** Dials after the delay, unless the stream is stalled; then when it heals. */
  dial(streams: Streams, timeoutMs: number): void {
    const { clock } = this.#context;
    const deadline = clock.now() + Math.max(0, timeoutMs);
    this.#cancelDialTimer = clock.wakeAt(deadline, () => this.#fail('timeout'));
    const connect = (): void => {
      const left = Math.max(0, deadline - clock.now());
      this.#inner = streams.dial(this.peer, this.innerHandlers(), { timeoutMs: left });
      if (this.#isPaused) this.#inner.pause();
      this.#outbox.setOpen(true);
    };
    const due = (): void => {
      if (this.#isStalled) this.#connect = connect;
      else connect();
    };
    const delayMs = this.#delayMs(0);
    if (delayMs === 0) due();
    else this.#timers.push(clock.wakeAt(clock.now() + delayMs, due));
  }

  /** What the real stream is to report to. */
  innerHandlers(): StreamHandlers {
    return {
      onOpen: () =>
        this.whenConnected(() => {
          this.#cancelDialTimer();
          this.#handlers.onOpen?.();
        }),
      onData: (bytes) => this.whenConnected(() => this.#handlers.onData?.(bytes)),
      onEnd: () => this.whenConnected(() => this.#handlers.onEnd?.()),
      onDrain: () => this.#outbox.drained(),
      onClose: (reason) => {
        this.#innerIsGone = true;
        if (this.#phase === 'aborted') this.finish('aborted');
        else this.whenConnected(() => this.finish(reason));
      },
    };
  }

  /** Now, or when the partition heals; never once the owner has aborted. */
  whenConnected(report: () => void): void {
    if (this.#isStalled) this.#held.push(report);
    else if (this.#isLive()) report();
  }

  setStalled(isStalled: boolean): void {
    if (isStalled === this.#isStalled || this.#phase === 'finished') return;
    this.#isStalled = isStalled;
    if (isStalled) this.#stall();
    else this.#heal();
  }

  write(bytes: Uint8Array): boolean {
    return this.#takes() && this.#outbox.write(bytes);
  }

  give(bytes: Uint8Array, onFree: () => void): boolean {
    if (this.#takes()) return this.#outbox.write(bytes, onFree);
    queueMicrotask(onFree);
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    this.#inner?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isStalled) this.#inner?.resume();
  }

  end(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'ending';
    this.#outbox.end();
  }

  abort(): void {
    if (!this.#isLive()) return;
    this.#phase = 'aborted';
    this.#outbox.clear();
    this.#held = [];
    this.#inner?.abort();
    if (this.#inner === undefined || this.#innerIsGone) queueMicrotask(() => this.finish('aborted'));
  }

  /** Tells the owner, once, and lets go of everything. */
  finish(reason: StreamEnd): void {
    if (this.#phase === 'finished') return;
    this.#phase = 'finished';
    for (const cancel of [...this.#timers, this.#cancelDialTimer, this.#cancelStallTimer]) cancel();
    this.#outbox.clear();
    this.#held = [];
    this.#context.forget(this);
    this.#handlers.onClose?.(reason);
    this.#handlers = {};
  }

  #takes(): boolean {
    if (this.#phase !== 'open') return false;
    if (this.#outbox.queuedBytes < queuedBytesMax) return true;
    this.#context.drop('stream-overflow');
    this.abort();
    return false;
  }

  #forward(bytes: Uint8Array, onFree: (() => void) | undefined): boolean {
    const inner = this.#inner;
    if (inner?.give !== undefined && onFree !== undefined) return inner.give(bytes, onFree);
    const hasRoom = inner?.write(bytes) ?? false; // it has made a copy
    onFree?.();
    return hasRoom;
  }

  #stall(): void {
    const { clock, stallTimeoutMs } = this.#context;
    this.#inner?.pause();
    this.#outbox.setOpen(false);
    this.#cancelStallTimer = clock.wakeAt(clock.now() + stallTimeoutMs, () => this.#fail('timeout'));
  }

  #heal(): void {
    this.#cancelStallTimer();
    const connect = this.#connect;
    this.#connect = undefined;
    connect?.();
    const held = this.#held;
    this.#held = [];
    for (const report of held) this.whenConnected(report); // which may stall or abort it again
    if (this.#isStalled || !this.#isLive()) return;
    if (!this.#isPaused) this.#inner?.resume();
    this.#outbox.setOpen(this.#inner !== undefined);
  }

  /** The network's fault, not the owner's. */
  #fail(reason: StreamEnd): void {
    const inner = this.#inner;
    this.finish(reason);
    inner?.abort();
  }

  #isLive(): boolean {
    return this.#phase === 'open' || this.#phase === 'ending';
  }

  /** What a write takes: the delay, and a retransmission for every time that one of its segments is lost. */
  #delayMs(bytes: number): Millis {
    const { random, settings } = this.#context;
    const { loss, delayMs, delayJitterMs } = settings();
    let sum = delayMs + (delayJitterMs > 0 ? delayJitterMs * fraction(random) : 0);
    const segments = Math.max(1, Math.ceil(bytes / segmentBytes));
    let lossNow = 1 - (1 - loss) ** segments;
    for (let count = 0; count < retransmissionsMax && chance(random, lossNow); count++) {
      sum += retransmitMs * 2 ** count;
      lossNow = loss;
    }
    return sum;
  }
}
