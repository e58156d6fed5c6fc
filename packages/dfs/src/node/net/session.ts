import type { ByteStream, StreamEnd, StreamHandlers } from '@grp/core';
import { decodeHello, encodeHello, type Hello } from './bodies.ts';
import type { FrameBuffers } from '../store/frame-buffers.ts';
import { encodeFrameHeader, FrameReader, joined, kinds, protocolVersion } from './frames.ts';
import type { FrameReaderOptions, Kind, WireFrame } from './frames.ts';

/** Below, parts are put together before they are written: a copy is cheaper than a call. */
const smallBytesMax = 16_384;
/** Written and not taken by the system: a peer that reads nothing is cut off here. */
const queuedBytesMax = 12_582_912;
/** From here on content waits: enough that the system never runs dry while the next frame is read. */
const queuedBytesHigh = 2_097_152;

export interface SessionOptions {
  /** This side's id; empty for a client. */
  readonly node: string;
  /** What this side takes in one transfer before it gives credit. */
  readonly windowBytes: number;
  /** Where content is put that comes in; none: it stays in the pieces in which it came. */
  readonly buffers?: FrameBuffers | undefined;
  /** As that of the reader of frames. */
  readonly seedOf?: FrameReaderOptions['seedOf'];
  readonly onHello?: (hello: Hello) => void;
  readonly onFrame: (frame: WireFrame, session: Session) => void;
  /** Called once. `why` says what was wrong with the peer, if anything was. */
  readonly onClose: (end: StreamEnd, why: string | undefined) => void;
}

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

/** One connection: frames out, coalesced; frames in. Both sides say hello first. */
export class Session {
  readonly handlers: StreamHandlers;
  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  #stream: ByteStream | undefined;
  #out: Outgoing[] = [];
  #isFlushing = false;
  #hasFlushed = false;
  #isFull = false;
  #queuedBytes = 0;
  #waiting: (() => void)[] = [];
  #peer: Hello | undefined;
  #why: string | undefined;
  #isClosed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#reader = new FrameReader({ ...options, onFrame: (frame) => this.#heard(frame) });
    this.handlers = {
      onData: (bytes) => this.#reader.push(bytes) || this.cut('no-protocol'),
      onEnd: () => this.#stream?.end(),
      onDrain: () => this.#drained(),
      onClose: (end) => this.#closed(end),
    };
  }

  /** Begins: what was sent before goes out behind the greeting. */
  attach(stream: ByteStream): void {
    this.#stream = stream;
    const { node, windowBytes } = this.#options;
    const body = encodeHello({ version: protocolVersion, node, windowBytes });
    this.#out.unshift(
      { bytes: encodeFrameHeader(kinds.hello, 0, body.length), onSent: undefined },
      { bytes: body, onSent: undefined },
    );
    this.#schedule();
  }

  /** Who answered; undefined before the greeting. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The system takes no more for the moment. Content waits for `writable`; short answers do not. */
  get isBlocked(): boolean {
    return this.#isFull || this.#queuedBytes >= queuedBytesHigh;
  }

  /** Resolves when more content may be sent, or none ever. */
  async writable(): Promise<void> {
    while (this.isBlocked && !this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Queues a frame. Its parts must not change before `onSent`, which comes also when nothing can be sent any more. */
  send(kind: Kind, request: number, parts: readonly Uint8Array[] = [], onSent?: () => void): void {
    if (this.#isClosed) {
      if (onSent !== undefined) queueMicrotask(onSent);
      return;
    }
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#out.push({ bytes: encodeFrameHeader(kind, request, bytes), onSent: parts.length === 0 ? onSent : undefined });
    for (const [index, part] of parts.entries())
      this.#out.push({ bytes: part, onSent: index === parts.length - 1 ? onSent : undefined });
    this.#schedule();
  }

  /** Reads no further until `resume`. */
  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /** Ends the connection because of what the peer did. */
  cut(why: string): void {
    this.#why ??= why;
    this.close();
  }

  close(): void {
    if (this.#stream === undefined) this.#closed('aborted');
    else this.#stream.abort();
  }

  #heard(frame: WireFrame): void {
    if (this.#isClosed || this.#why !== undefined) return;
    if (this.#peer === undefined) {
      const hello = frame.kind === kinds.hello ? decodeHello(joined(frame)) : undefined;
      if (hello === undefined) return this.cut('no-hello');
      this.#peer = hello;
      this.#options.onHello?.(hello);
    } else this.#options.onFrame(frame, this);
  }

  /** The first frames of a turn of the event loop go out at its end; what follows in the same turn goes out together. */
  #schedule(): void {
    if (this.#isFlushing || this.#stream === undefined) return;
    this.#isFlushing = true;
    if (this.#hasFlushed) return;
    this.#hasFlushed = true;
    queueMicrotask(() => this.#flush());
    setImmediate(() => {
      this.#hasFlushed = false;
      if (this.#isFlushing) this.#flush();
    });
  }

  #flush(): void {
    this.#isFlushing = false;
    const out = this.#out;
    this.#out = [];
    let small: Outgoing[] = [];
    for (const item of out) {
      if (item.bytes.length <= smallBytesMax) small.push(item);
      else {
        this.#write(small);
        this.#write([item]);
        small = [];
      }
    }
    this.#write(small);
  }

  #write(items: readonly Outgoing[]): void {
    const [first] = items;
    const stream = this.#stream;
    if (first === undefined || stream === undefined) return;
    const bytes = items.length === 1 ? first.bytes : Buffer.concat(items.map((item) => item.bytes));
    const sent = items.flatMap(({ onSent }) => onSent ?? []);
    this.#queuedBytes += bytes.length;
    const done = (): void => {
      this.#queuedBytes -= bytes.length;
      for (const onSent of sent) onSent();
      if (this.#queuedBytes < queuedBytesHigh && this.#waiting.length > 0) this.#resumeWaiting();
    };
    if (stream.give === undefined) {
      // A stream that copies says itself when it has room.
      if (!stream.write(bytes)) this.#isFull = true;
      done();
    } else if (!stream.give(bytes, done) && this.#queuedBytes === 0) {
      // It has made a copy after all, because something holds it back: then it says itself, too.
      this.#isFull = true;
    }
    if (this.#queuedBytes > queuedBytesMax) this.cut('reads-nothing');
  }

  #resumeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #drained(): void {
    this.#isFull = false;
    this.#resumeWaiting();
  }

  #closed(end: StreamEnd): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reader.end();
    const out = this.#out;
    this.#out = [];
    for (const { onSent } of out) onSent?.();
    this.#drained();
    this.#options.onClose(end, this.#why);
  }
}
