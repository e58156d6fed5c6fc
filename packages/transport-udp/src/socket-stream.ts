import type { Socket } from 'node:net';
import type { Address, BandwidthMeter, ByteStream, StreamEnd, StreamHandlers } from '@grp/core';
import { systemCode } from './errors.ts';

export interface SocketStreamOptions {
  readonly socket: Socket;
  readonly peer: Address;
  readonly meter: BandwidthMeter;
  readonly bufferBytesMax: number;
}

const endOfCode: Readonly<Record<string, StreamEnd>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
};

/** Why a stream ended, from the system's error: what is not refused, reset or timed out never got anywhere. */
export function streamEndOf(cause: unknown): StreamEnd {
  return endOfCode[systemCode(cause)] ?? 'unreachable';
}

/** The ByteStream port over one TCP socket. `onClose` comes when the socket has gone, never inside a call. */
export class SocketStream implements ByteStream {
  readonly peer: Address;
  readonly #socket: Socket;
  readonly #meter: BandwidthMeter;
  readonly #bufferBytesMax: number;
  #handlers: StreamHandlers = {};
  #reason: StreamEnd | undefined; // the first cause wins
  #writable = true;

  constructor({ socket, peer, meter, bufferBytesMax }: SocketStreamOptions) {
    this.peer = peer;
    this.#socket = socket;
    this.#meter = meter;
    this.#bufferBytesMax = bufferBytesMax;
    socket.setNoDelay(true);
    // A peer that vanished without a word is noticed after about 40 s of silence: 30, then ten probes a second apart.
    socket.setKeepAlive(true, 30_000);
    socket.on('error', (cause) => (this.#reason ??= streamEndOf(cause)));
    socket.on('close', () => this.#closed());
  }

  /** From now on the owner hears what happens. */
  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    const socket = this.#socket;
    if (socket.connecting) socket.once('connect', () => this.#alive() && handlers.onOpen?.());
    socket.on('data', (chunk) => {
      this.#meter.stream('in', chunk.length);
      if (this.#alive()) handlers.onData?.(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    socket.on('end', () => this.#alive() && handlers.onEnd?.());
    socket.on('drain', () => this.#alive() && handlers.onDrain?.());
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#takes(bytes)) return false;
    return this.#socket.write(Buffer.from(bytes)); // a copy: the caller may reuse its buffer
  }

  give(bytes: Uint8Array, onFree: () => void): boolean {
    if (this.#takes(bytes)) return this.#socket.write(bytes, () => onFree());
    queueMicrotask(onFree);
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#socket.end();
  }

  abort(): void {
    this.fail('aborted');
  }

  /** As `abort`, for another reason. */
  fail(reason: StreamEnd): void {
    this.#reason ??= reason;
    this.#writable = false;
    const { connecting, destroyed, writableEnded, writableFinished } = this.#socket;
    // A socket that is still connecting would wait for the connection in order to reset it; and one whose orderly end is
    // under way cannot be reset any more: Node would lose it, and spin when the process ends.
    if (connecting || (writableEnded && !writableFinished)) this.#socket.destroy();
    else if (!destroyed) this.#socket.resetAndDestroy();
  }

  /** Resolves when the socket has gone and the owner has heard it. */
  async gone(): Promise<void> {
    if (!this.#socket.closed) await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  #takes(bytes: Uint8Array): boolean {
    if (!this.#writable || !this.#alive()) return false;
    if (this.#socket.writableLength >= this.#bufferBytesMax) {
      this.#meter.drop('stream.write-overflow');
      this.abort();
      return false;
    }
    this.#meter.stream('out', bytes.length);
    return true;
  }

  #alive(): boolean {
    return this.#reason === undefined;
  }

  #closed(): void {
    const orderly = this.#socket.readableEnded && this.#socket.writableFinished;
    this.#reason ??= orderly ? 'ended' : 'reset';
    this.#writable = false;
    this.#handlers.onClose?.(this.#reason);
    this.#handlers = {};
  }
}
