import type { TLSSocket } from 'node:tls';
import type { Address, ByteStream, StreamEnd, StreamHandlers } from '@grp/core';
import type { StreamDuplex } from './stream-duplex.ts';

/** What is waiting to be written may grow to this; a writer that does not heed `false` is then cut off. */
const bufferBytesMax = 16_777_216;

/** The ByteStream port over one TLS connection. `onClose` comes when it has gone, never inside a call. */
export class TlsStream implements ByteStream {
  readonly peer: Address;
  readonly #socket: TLSSocket;
  readonly #below: StreamDuplex;
  #handlers: StreamHandlers = {};
  #reason: StreamEnd | undefined; // the first cause wins
  #isWritable = true;
  #isClosed = false;

  constructor(peer: Address, socket: TLSSocket, below: StreamDuplex) {
    this.peer = peer;
    this.#socket = socket;
    this.#below = below;
    socket.on('error', () => {}); // `close` follows, and `reason` is known by then
    // Whichever goes first takes the other along; TLS alone might wait for a farewell that never comes.
    below.on('close', () => this.#closed());
    socket.on('close', () => below.destroy());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** From now on the owner hears what happens. */
  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isAlive()) handlers.onData?.(new Uint8Array(chunk));
    });
    socket.on('end', () => this.#isAlive() && handlers.onEnd?.());
    socket.on('drain', () => this.#isAlive() && handlers.onDrain?.());
  }

  /** The handshake is done. */
  opened(): void {
    if (this.#isAlive()) this.#handlers.onOpen?.();
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isWritable || !this.#isAlive()) return false;
    if (this.#socket.writableLength >= bufferBytesMax) {
      this.abort();
      return false;
    }
    return this.#socket.write(Buffer.from(bytes)); // a copy: the caller may reuse its buffer
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (!this.#isWritable) return;
    this.#isWritable = false;
    this.#socket.end();
  }

  abort(): void {
    this.fail('aborted');
  }

  /** As `abort`, for another reason. */
  fail(reason: StreamEnd): void {
    this.#reason ??= reason;
    this.#isWritable = false;
    this.#below.destroy();
    this.#socket.destroy();
  }

  #isAlive(): boolean {
    return this.#reason === undefined && !this.#isClosed;
  }

  #closed(): void {
    if (this.#isClosed) return;
    const isOrderly = this.#socket.readableEnded && this.#socket.writableFinished;
    const below = this.#below.ending;
    // The bytes below may end in good order and the talk above them in the middle: somebody cut it.
    this.#reason ??= below !== undefined && below !== 'ended' ? below : isOrderly ? 'ended' : 'reset';
    this.#isClosed = true;
    this.#isWritable = false;
    this.#socket.destroy();
    this.#handlers.onClose?.(this.#reason);
    this.#handlers = {};
  }
}
