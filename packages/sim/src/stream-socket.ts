import type { Address, ByteStream, Millis, StreamEnd, StreamHandlers } from '@grp/core';
import type { CrashKind, Job, Life } from './life.ts';
import type { Flow, Segment, StreamSettings } from './stream-flow.ts';

const segmentBytesMax = 65_536;

export interface SocketOptions {
  readonly life: Life;
  readonly peer: Address;
  readonly flow: Flow;
  readonly settings: StreamSettings;
  /** The owner forgets the socket: it is closed. */
  readonly onGone: (socket: StreamSocket) => void;
}

/**
 * One end of a byte stream: a kernel's half (windows, acknowledgements, buffers, which work on while the process is
 * stopped) and the process's half (handlers, called one at a time and never from within a call of the process).
 */
export class StreamSocket implements ByteStream, Job {
  readonly peer: Address;
  readonly life: Life;
  /** The way to the peer. */
  readonly flow: Flow;
  readonly #settings: StreamSettings;
  readonly #onGone: (socket: StreamSocket) => void;
  #other: StreamSocket | undefined;
  #handlers: StreamHandlers = {};
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** Closed other than by the orderly end: what still comes is answered with a reset. */
  #broken = false;

  // Sending. unacked ≤ windowBytes − credit: bytes that were received but not yet read keep their part of the window.
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #credit: number;
  #unackedBytes = 0;
  #progressAt: Millis = 0;
  #watched = false;
  #ending: 'no' | 'queued' | 'sent' = 'no';
  #drainWanted = false;

  // Receiving.
  #received: Uint8Array[] = [];
  #ackBytes = 0;
  #creditBytes = 0;
  #peerEnd: 'no' | 'received' | 'told' = 'no';
  #paused = false;

  // What the process has yet to be told.
  #openDue = false;
  #drainDue = false;
  #closeDue: StreamEnd | undefined;
  #posted = false;

  constructor({ life, peer, flow, settings, onGone }: SocketOptions) {
    this.life = life;
    this.peer = peer;
    this.flow = flow;
    this.#settings = settings;
    this.#onGone = onGone;
    this.#credit = settings.windowBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'closed' || this.#ending !== 'no' || !this.life.alive) return false;
    if (bytes.length > 0) {
      this.#queue.push(new Uint8Array(bytes));
      this.#queuedBytes += bytes.length;
      this.#flush();
    }
    const hasRoom = this.#queuedBytes < this.#settings.writeBufferBytes;
    if (!hasRoom) this.#drainWanted = true;
    return hasRoom;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#tellLater();
  }

  end(): void {
    if (this.#state === 'closed' || this.#ending !== 'no' || !this.life.alive) return;
    this.#ending = 'queued';
    this.#flush();
  }

  abort(): void {
    if (this.#state === 'closed' || !this.life.alive) return;
    this.#break('aborted', true);
    this.#tellLater();
  }

  /** Its process is gone. A living kernel says so to the peer. */
  crash(kind: CrashKind): void {
    if (this.#state !== 'closed') this.#break(undefined, kind === 'process');
  }

  /** Whom this end talks to. */
  attach(other: StreamSocket): void {
    this.#other = other;
  }

  /** Who hears of it; what there is to hear already follows. */
  adopt(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    this.#tellLater();
  }

  /** The accepting side says yes, and may send from now on. */
  confirm(): void {
    const other = this.#other;
    if (other === undefined || this.#state !== 'connecting') return;
    this.flow.send({ sizeBytes: 0, land: () => other.#onConfirm() });
    this.#open();
  }

  /** The accepting side says no. */
  refuse(): void {
    if (this.#state !== 'closed') this.#break(undefined, true);
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  /** It is over, for a reason from elsewhere. */
  fail(reason: StreamEnd): void {
    if (this.#state === 'closed') return;
    this.#break(reason, false);
    this.#tell();
  }

  /** As `fail`, heard after the current call of the process. */
  failLater(reason: StreamEnd): void {
    if (this.#state === 'closed') return;
    this.#break(reason, false);
    this.#tellLater();
  }

  /** Tells the peer that there is nobody here. */
  sendReset(): void {
    const other = this.#other;
    if (other !== undefined) this.flow.sendOnce({ sizeBytes: 0, land: () => other.onReset() });
  }

  #onConfirm(): void {
    if (this.#isGone() || this.#state !== 'connecting') return;
    this.#openDue = true;
    this.#open();
    this.#tell();
  }

  #open(): void {
    this.#state = 'open';
    this.#flush();
  }

  onReset(): void {
    this.fail(this.#state === 'connecting' ? 'refused' : 'reset');
  }

  onData(bytes: Uint8Array): void {
    if (this.#isGone()) return;
    this.#received.push(bytes);
    this.#ackBytes += bytes.length;
    this.#tell();
    this.#acknowledge();
  }

  onEnd(): void {
    if (this.#isGone()) return;
    this.#peerEnd = 'received';
    this.#ackBytes++; // the end counts as one byte, as in TCP
    this.#tell();
    this.#acknowledge();
  }

  onAck(ackBytes: number, creditBytes: number): void {
    if (this.#isGone()) return;
    this.#unackedBytes -= ackBytes;
    this.#credit += creditBytes;
    this.#progressAt = this.life.engine.now;
    this.#flush();
  }

  /** Tells the process what it has yet to hear, in order. */
  perform(): void {
    this.#posted = false;
    const { life } = this;
    while (life.alive && this.#tellOne()) {
      if (!life.blocked) continue;
      this.#tell();
      break;
    }
    this.#acknowledge();
  }

  get #isEnded(): boolean {
    return this.#ending === 'sent' && this.#peerEnd === 'told' && this.#state !== 'closed';
  }

  // A segment for an end that broke off: the kernel knows no such connection.
  #isGone(): boolean {
    if (this.#broken) this.sendReset();
    return this.#state === 'closed';
  }

  #break(reason: StreamEnd | undefined, resets: boolean): void {
    this.#close(reason);
    this.#broken = true;
    this.#openDue = false;
    this.#drainDue = false;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#received = [];
    if (resets) this.sendReset();
    this.flow.kill();
  }

  #close(reason: StreamEnd | undefined): void {
    this.#state = 'closed';
    this.#closeDue = reason;
    const { engine, owner } = this.life;
    engine.trace.text('stream.close', engine.now, owner, reason ?? 'crash');
    this.#onGone(this);
  }

  #tell(): void {
    if (this.#posted) return;
    this.#posted = true;
    this.life.post(this);
  }

  #tellLater(): void {
    const { engine } = this.life;
    engine.schedule(engine.now, { run: () => this.#tell() });
  }

  // Calls one handler; false when there is nothing to tell right now.
  #tellOne(): boolean {
    const handlers = this.#handlers;
    if (this.#closeDue !== undefined) {
      const reason = this.#closeDue;
      this.#closeDue = undefined;
      this.#handlers = {};
      handlers.onClose?.(reason);
      return false;
    }
    if (this.#state !== 'open') return false;
    if (this.#openDue) {
      this.#openDue = false;
      handlers.onOpen?.();
    } else if (this.#drainDue) {
      this.#drainDue = false;
      handlers.onDrain?.();
    } else if (this.#paused) return false;
    else if (this.#received.length > 0) this.#tellData(handlers);
    else if (this.#peerEnd === 'received') {
      this.#peerEnd = 'told';
      handlers.onEnd?.();
    } else if (this.#isEnded) this.#close('ended');
    else return false;
    return true;
  }

  #tellData(handlers: StreamHandlers): void {
    const bytes = this.#received.shift() as Uint8Array;
    const { engine, owner } = this.life;
    engine.trace.bytes('stream.data', engine.now, owner, bytes);
    this.#creditBytes += bytes.length;
    handlers.onData?.(bytes);
  }

  #acknowledge(): void {
    const other = this.#other;
    const [ackBytes, creditBytes] = [this.#ackBytes, this.#creditBytes];
    if (other === undefined || this.#broken || ackBytes + creditBytes === 0) return;
    this.#ackBytes = 0;
    this.#creditBytes = 0;
    this.flow.send({ sizeBytes: 0, land: () => other.onAck(ackBytes, creditBytes) });
  }

  #flush(): void {
    const other = this.#other;
    if (this.#state !== 'open' || other === undefined) return;
    while (this.#queuedBytes > 0 && this.#credit > 0) {
      const bytes = this.#take(Math.min(this.#credit, segmentBytesMax));
      this.#credit -= bytes.length;
      this.#sendCounted(bytes.length, { sizeBytes: bytes.length, land: () => other.onData(bytes) });
    }
    if (this.#queuedBytes === 0) {
      if (this.#drainWanted) {
        this.#drainWanted = false;
        this.#drainDue = true;
        this.#tellLater();
      }
      if (this.#ending === 'queued') {
        this.#ending = 'sent';
        this.#sendCounted(1, { sizeBytes: 1, land: () => other.onEnd() });
        if (this.#isEnded) this.#tellLater();
      }
    }
    this.#watch();
  }

  #take(lengthMax: number): Uint8Array {
    const first = this.#queue[0] as Uint8Array;
    const bytes = first.length > lengthMax ? first.subarray(0, lengthMax) : first;
    if (bytes === first) this.#queue.shift();
    else this.#queue[0] = first.subarray(lengthMax);
    this.#queuedBytes -= bytes.length;
    return bytes;
  }

  #sendCounted(sizeBytes: number, segment: Segment): void {
    if (this.#unackedBytes === 0) this.#progressAt = this.life.engine.now;
    this.#unackedBytes += sizeBytes;
    this.flow.send(segment);
  }

  // While bytes wait to be acknowledged, looks from time to time whether any were.
  #watch(): void {
    if (this.#watched || (this.#unackedBytes === 0 && this.#queuedBytes === 0)) return;
    this.#watched = true;
    const { engine } = this.life;
    engine.schedule(Math.max(this.#progressAt, engine.now - this.#settings.timeoutMs) + this.#settings.timeoutMs, {
      run: () => {
        this.#watched = false;
        if (this.#state !== 'open') return;
        const other = this.#other as StreamSocket;
        const canProbe = this.flow.reachable && other.flow.reachable;
        // Nothing on its way, but the peer's window is shut: TCP asks, and an answer is progress.
        if (this.#unackedBytes === 0 && canProbe) {
          if (other.#broken) return this.onReset();
          this.#progressAt = engine.now;
        }
        // The same sum as the wake-up's, or rounding would look again at this very instant for ever.
        if (engine.now >= this.#progressAt + this.#settings.timeoutMs) this.fail('timeout');
        else this.#watch();
      },
    });
  }
}
