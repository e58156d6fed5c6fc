import type { ByteStream, Cancel, Clock, Millis, StreamHandlers, Streams } from '@grp/core';
import type { TrackerConfig } from '../config.ts';
import { utf8 } from '../encoding.ts';
import { decodeCommand } from '../wire/decode.ts';
import { LineReader } from '../wire/lines.ts';
import { lineBytesMax } from '../wire/messages.ts';
import type { Input } from './effects.ts';
import { hostOf } from './hosts.ts';
import { TokenBucket } from './token-bucket.ts';

/** What happened at the tracker's door since the start. */
export interface EdgeCounts {
  readonly connections: number;
  readonly strangers: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections refused or closed by the edge, by reason; lines left out because their reader was behind. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface EdgeOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly config: TrackerConfig;
  readonly push: (input: Input) => void;
}

type EvictReason = Extract<Input, { type: 'evict' }>['why'];

interface Open {
  readonly number: number;
  readonly stream: ByteStream;
  readonly host: string;
  readonly reader: LineReader;
  readonly lines: TokenBucket;
  /** Closing: what it says is not heard any more, and it ends in a moment by force. */
  isClosing: boolean;
  isPaused: boolean;
  /** Bytes written since `write` said that the buffer is full; undefined: it is not. */
  behindBytes: number | undefined;
  /** When a line that was begun must be complete. */
  cancelLine: Cancel | undefined;
  cancelHello: Cancel;
  cancelPause: Cancel;
}

/** A connection that was told to close gets so long to take what was said last. */
const closeMs = 1_000;
/** What may come in while reading is paused; the kernel holds the rest back. */
const pausedBytesMax = 262_144;

/**
 * Connections and their limits: how many, from where, how long they may say nothing, how fast they may talk, how much may
 * wait for them. The machine behind it sees whole lines and commands only.
 */
export class ConnectionEdge {
  readonly #options: EdgeOptions;
  readonly #open = new Map<number, Open>();
  /** Who has not said hello, oldest first. */
  readonly #strangers = new Set<Open>();
  readonly #hosts = new Map<string, number>();
  readonly #dropped = new Map<string, number>();
  #number = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #cancelAccept: Cancel = () => {};
  #onEmpty: () => void = () => {};

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancelAccept = this.#options.streams.onAccept((stream) => this.#accept(stream));
  }

  /** What was sent leaves, then everything is closed; resolves when it is, within about a second. */
  async stop(): Promise<void> {
    this.#cancelAccept();
    for (const { number } of [...this.#open.values()]) this.close(number);
    if (this.#open.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  counts(): EdgeCounts {
    return {
      connections: this.#open.size,
      strangers: this.#strangers.size,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      dropped: Object.fromEntries(this.#dropped),
    };
  }

  send(number: number, line: string, isDroppable: boolean): void {
    const open = this.#open.get(number);
    if (open === undefined || open.isClosing) return;
    if (isDroppable && open.behindBytes !== undefined) {
      this.#drop('reader-behind');
      return;
    }
    const bytes = utf8(`${line}\n`);
    this.#bytesOut += bytes.length;
    const hasRoom = open.stream.write(bytes);
    if (hasRoom && open.behindBytes === undefined) return;
    open.behindBytes = (open.behindBytes ?? 0) + bytes.length;
    if (open.behindBytes <= this.#options.config.sendQueueBytesMax) return;
    this.#drop('slow-reader');
    open.isClosing = true;
    open.stream.abort(); // it would not read a farewell either
  }

  close(number: number): void {
    const open = this.#open.get(number);
    if (open === undefined || open.isClosing) return;
    const { clock } = this.#options;
    open.isClosing = true;
    this.#forgetTimers(open);
    open.cancelHello = clock.wakeAt(clock.now() + closeMs, () => open.stream.abort());
    if (open.isPaused) open.stream.resume(); // or its end would not be seen
    open.stream.end();
  }

  registered(number: number): void {
    const open = this.#open.get(number);
    if (open === undefined || open.isClosing) return;
    this.#strangers.delete(open);
    open.cancelHello();
  }

  #accept(stream: ByteStream): StreamHandlers | undefined {
    const { clock, config, push } = this.#options;
    const host = hostOf(stream.peer);
    const fromHost = this.#hosts.get(host) ?? 0;
    if (this.#open.size >= config.connectionsMax || fromHost >= config.connectionsPerHostMax) {
      this.#drop(fromHost >= config.connectionsPerHostMax ? 'too-many-from-host' : 'too-many');
      return undefined;
    }
    const number = ++this.#number;
    const open: Open = {
      ...{ number, stream, host, isClosing: false, isPaused: false },
      reader: new LineReader(lineBytesMax),
      lines: new TokenBucket(config.linesBurst),
      behindBytes: undefined,
      cancelLine: undefined,
      cancelHello: clock.wakeAt(clock.now() + config.helloTimeoutMs, () => this.#evict(open, 'hello')),
      cancelPause: () => {},
    };
    this.#open.set(number, open);
    this.#hosts.set(host, fromHost + 1);
    this.#strangers.add(open);
    if (this.#strangers.size > config.strangersMax) {
      const [oldest] = this.#strangers;
      if (oldest !== undefined) this.#evict(oldest, 'hello');
    }
    push({ type: 'open', connection: number, peer: stream.peer });
    return {
      onData: (bytes) => this.#receive(open, bytes),
      onEnd: () => this.close(number),
      onDrain: () => (open.behindBytes = undefined),
      onClose: () => this.#closed(open),
    };
  }

  #receive(open: Open, bytes: Uint8Array): void {
    this.#bytesIn += bytes.length;
    if (open.isClosing) return;
    open.reader.push(bytes);
    if (!open.isPaused) this.#readLines(open);
    else if (open.reader.heldBytes > pausedBytesMax) this.#evict(open, 'flood');
  }

  #readLines(open: Open): void {
    const { clock, config, push } = this.#options;
    const rate = { perSecond: config.linesPerSecond, burst: config.linesBurst };
    for (;;) {
      if (open.isClosing) return;
      const waitMs = open.lines.wait(clock.now(), rate);
      if (waitMs > 0 && open.reader.heldBytes > 0) {
        this.#pause(open, waitMs);
        return;
      }
      const line = open.reader.next();
      if (line === 'too-long') {
        this.#evict(open, 'too-long');
        return;
      }
      if (line === 'incomplete') break;
      open.lines.take(clock.now(), rate);
      open.cancelLine?.();
      open.cancelLine = undefined;
      // An empty line is nobody's command; it costs a token all the same.
      if (line.bytes.length > 0) push({ type: 'line', connection: open.number, decoded: decodeCommand(line.bytes) });
    }
    if (open.reader.heldBytes === 0) return;
    open.cancelLine ??= clock.wakeAt(clock.now() + config.lineTimeoutMs, () => this.#evict(open, 'line'));
  }

  #pause(open: Open, ms: Millis): void {
    const { clock } = this.#options;
    this.#drop('paused');
    open.isPaused = true;
    open.stream.pause();
    open.cancelPause = clock.wakeAt(clock.now() + ms, () => {
      open.isPaused = false;
      open.stream.resume();
      this.#readLines(open);
    });
  }

  /** The machine says why, then it is closed. */
  #evict(open: Open, why: EvictReason): void {
    if (open.isClosing) return;
    this.#drop(why === 'hello' ? 'no-hello' : why);
    this.#strangers.delete(open);
    this.#options.push({ type: 'evict', connection: open.number, why });
  }

  #closed(open: Open): void {
    this.#forgetTimers(open);
    open.isClosing = true;
    if (!this.#open.delete(open.number)) return;
    this.#strangers.delete(open);
    if (this.#open.size === 0) this.#onEmpty();
    const left = (this.#hosts.get(open.host) ?? 1) - 1;
    if (left === 0) this.#hosts.delete(open.host);
    else this.#hosts.set(open.host, left);
    this.#options.push({ type: 'closed', connection: open.number });
  }

  #forgetTimers(open: Open): void {
    open.cancelHello();
    open.cancelPause();
    open.cancelLine?.();
    open.cancelLine = undefined;
  }

  #drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }
}
