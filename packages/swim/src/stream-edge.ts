import type { BandwidthMeter, ByteStream, Cancel, Clock, StreamEnd, StreamHandlers, Streams } from '@grp/core';
import { encodeStream, isMalformed, StreamReader, type StreamMessage, type Wrapping } from '@grp/memberlist-wire';
import type { Effect, Input } from './effects.ts';

export interface StreamEdgeOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly meter: BandwidthMeter;
  readonly wrapping: Wrapping;
  readonly compress: boolean;
  readonly timeoutMs: number;
  readonly streamsMax: number;
  /** Hands the machine an input; does nothing once it has stopped, for streams end after that. */
  readonly push: (input: Input) => void;
}

type Exchange = Extract<Effect, { type: 'exchange' }>;

/** Of requests that are not complete yet, all together: a few of the largest that memberlist allows (20 MiB). */
const requestBytesMax = 64 * 1_048_576;

/**
 * One message each way per stream, on the `Streams` port. Every stream has a deadline, and there are never more than
 * `streamsMax` from outside: hostile or silent peers cost a bounded amount.
 */
export class StreamEdge {
  readonly #options: StreamEdgeOptions;
  /** Incoming streams that wait for the machine's answer. */
  readonly #waiting = new Map<number, ByteStream>();
  readonly #open = new Set<ByteStream>();
  #incoming = 0;
  #requestBytes = 0;
  #ticket = 0;
  #cancelAccept: Cancel = () => {};

  constructor(options: StreamEdgeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancelAccept = this.#options.streams.onAccept((stream) => this.#accept(stream));
  }

  stop(): void {
    this.#cancelAccept();
    for (const stream of this.#open) stream.abort();
  }

  exchange({ ticket, to, message, timeoutMs }: Exchange): void {
    const { streams, clock, wrapping, push, meter } = this.#options;
    const reader = new StreamReader(wrapping);
    let settled = false;
    let cancelTimer: Cancel = () => {};
    const settle = (input: Input): void => {
      if (settled) return;
      settled = true;
      push(input);
    };
    const fail = (reason: StreamEnd | 'malformed'): void => {
      settle({ type: 'no-reply', ticket, reason });
      stream.abort();
    };
    const stream = streams.dial(
      to,
      {
        onData: (bytes) => {
          if (settled) return;
          const reply = reader.push(bytes);
          if (reply === undefined) return;
          if (isMalformed(reply)) {
            meter.drop(`stream: ${reply.malformed}`);
            fail('malformed');
            return;
          }
          meter.message('in', reply.type, bytes.length);
          settle({ type: 'reply', ticket, message: reply });
          stream.end(); // the deadline still stands, for a peer that does not close
        },
        // Half a message and then the end: whoever answers must say it whole.
        onEnd: () => {
          if (!settled) fail('ended');
        },
        onClose: (reason) => {
          cancelTimer();
          this.#open.delete(stream);
          settle({ type: 'no-reply', ticket, reason });
        },
      },
      { timeoutMs },
    );
    this.#open.add(stream);
    cancelTimer = clock.wakeAt(clock.now() + timeoutMs, () => fail('timeout'));
    this.#write(stream, message);
  }

  answer(ticket: number, message: StreamMessage): void {
    const stream = this.#waiting.get(ticket);
    if (stream === undefined) return;
    this.#waiting.delete(ticket);
    this.#write(stream, message);
    stream.end();
  }

  hangUp(ticket: number): void {
    const stream = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    stream?.end();
  }

  #accept(stream: ByteStream): StreamHandlers | undefined {
    const { clock, wrapping, push, meter, timeoutMs, streamsMax } = this.#options;
    if (this.#incoming >= streamsMax) {
      meter.drop('streams-limit');
      return undefined;
    }
    this.#incoming++;
    this.#open.add(stream);
    const ticket = ++this.#ticket;
    const reader = new StreamReader(wrapping);
    let asked = false;
    let heldBytes = 0;
    const letGo = (): void => {
      this.#requestBytes -= heldBytes;
      heldBytes = 0;
    };
    const cancelTimer = clock.wakeAt(clock.now() + timeoutMs, () => {
      meter.drop('stream-timeout');
      stream.abort();
    });
    return {
      onData: (bytes) => {
        if (asked) return; // one request per stream
        const message = reader.push(bytes);
        if (message === undefined) {
          heldBytes += bytes.length;
          this.#requestBytes += bytes.length;
          if (this.#requestBytes <= requestBytesMax) return;
          meter.drop('stream-bytes-limit');
          stream.abort();
          return;
        }
        asked = true;
        letGo();
        if (isMalformed(message)) {
          meter.drop(`stream: ${message.malformed}`);
          stream.abort();
          return;
        }
        meter.message('in', message.type, bytes.length);
        this.#waiting.set(ticket, stream);
        push({ type: 'request', ticket, from: stream.peer, message });
      },
      onEnd: () => {
        if (!asked) stream.end();
      },
      onClose: () => {
        cancelTimer();
        letGo();
        this.#incoming--;
        this.#open.delete(stream);
        this.#waiting.delete(ticket);
      },
    };
  }

  #write(stream: ByteStream, message: StreamMessage): void {
    const { wrapping, compress, meter } = this.#options;
    const bytes = encodeStream(message, { ...wrapping, compress });
    meter.message('out', message.type, bytes.length);
    stream.write(bytes);
  }
}
