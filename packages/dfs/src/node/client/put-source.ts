import { createHash, hash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { frameBytes } from '../store/config.ts';

/** A frame of a source, before it is known under which id it will be stored. */
export interface SourceFrame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

export interface SourceEvents {
  /** A frame is there; the answer to reads follows in order. */
  onFrame(frame: SourceFrame): void;
  onEnd(bytes: number, sha256: string): void;
  onFailed(problem: string): void;
}

/** What is put. It is read no further than is asked for. */
export interface PutSource {
  /** It can be read again from the start: `frames` then gives all that was read. */
  readonly frames: readonly SourceFrame[] | undefined;
  /** Begins; frames come when they are asked for. */
  start(events: SourceEvents): void;
  /** It may be read up to here. */
  demand(bytes: number): void;
  /** Nobody wants the rest. */
  stop(): void;
}

/** Bytes in memory. They must not change until the put is over. */
export class BytesSource implements PutSource {
  readonly frames: SourceFrame[] = [];
  readonly #bytes: Uint8Array;
  #events: SourceEvents | undefined;
  #at = 0;
  #hash: Hash | undefined;
  #isEnded = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  start(events: SourceEvents): void {
    this.#events = events;
  }

  demand(bytes: number): void {
    while (!this.#isEnded && this.#at < this.#bytes.length && this.#at < bytes) this.#next();
    if (this.#at === this.#bytes.length) this.#end();
  }

  stop(): void {
    this.#isEnded = true;
  }

  #next(): void {
    const part = this.#bytes.subarray(this.#at, this.#at + frameBytes);
    this.#at += part.length;
    if (this.#bytes.length > frameBytes) this.#hash = (this.#hash ?? createHash('sha256')).update(part);
    const frame = { parts: [part], bytes: part.length };
    this.frames.push(frame);
    this.#events?.onFrame(frame);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const sha256 = this.#hash?.digest('hex') ?? hash('sha256', this.#bytes, 'hex');
    this.#events?.onEnd(this.#bytes.length, sha256);
  }
}

/** A stream, read once. */
export class StreamSource implements PutSource {
  readonly frames = undefined;
  readonly #stream: Readable;
  readonly #hash = createHash('sha256');
  #events: SourceEvents | undefined;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #readBytes = 0;
  #demand = 0;
  #isOver = false;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  start(events: SourceEvents): void {
    this.#events = events;
    const stream = this.#stream;
    // It may have failed before anybody looked.
    if (stream.errored !== null) return this.#fail(stream.errored);
    stream.on('error', (cause) => this.#fail(cause));
    stream.on('end', () => this.#end());
    stream.on('close', () => this.#fail(new Error('it was closed before its end')));
    stream.on('data', (chunk: unknown) => this.#chunk(chunk));
    stream.pause();
  }

  demand(bytes: number): void {
    this.#demand = Math.max(this.#demand, bytes);
    if (!this.#isOver && this.#readBytes < this.#demand) this.#stream.resume();
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
  }

  #chunk(chunk: unknown): void {
    if (this.#isOver) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) return this.#fail(new Error('it gave something else than bytes'));
    this.#hash.update(bytes);
    this.#readBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + frameBytes - this.#partBytes);
      this.#parts.push(part);
      this.#partBytes += part.length;
      at += part.length;
      if (this.#partBytes === frameBytes) this.#emit();
    }
    if (this.#readBytes >= this.#demand) this.#stream.pause();
  }

  #emit(): void {
    const frame = { parts: this.#parts, bytes: this.#partBytes };
    this.#parts = [];
    this.#partBytes = 0;
    this.#events?.onFrame(frame);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#partBytes > 0) this.#emit();
    this.#events?.onEnd(this.#readBytes, this.#hash.digest('hex'));
  }

  #fail(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    this.#events?.onFailed(cause.message);
  }
}
