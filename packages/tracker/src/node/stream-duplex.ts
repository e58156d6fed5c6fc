import { Duplex } from 'node:stream';
import type { ByteStream, StreamEnd, StreamHandlers } from '@grp/core';

/**
 * A byte stream of the `Streams` port as Node's own kind of stream, for `node:tls` to stand on. Attach the byte stream
 * right after it was dialled or accepted with these handlers.
 */
export class StreamDuplex extends Duplex {
  readonly handlers: StreamHandlers;
  /** How the byte stream ended. */
  ending: StreamEnd | undefined;
  #stream: ByteStream | undefined;
  #written: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.handlers = {
      onData: (bytes) => {
        if (!this.push(bytes)) this.#stream?.pause();
      },
      onEnd: () => void this.push(null),
      onDrain: () => this.#onDrain(),
      onClose: (reason) => {
        this.ending = reason;
        this.#onDrain();
        this.destroy();
      },
    };
  }

  attach(stream: ByteStream): void {
    this.#stream = stream;
  }

  override _read(): void {
    this.#stream?.resume();
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#stream?.write(bytes) === false && this.ending === undefined) this.#written = callback;
    else callback();
  }

  override _final(callback: () => void): void {
    this.#stream?.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.ending === undefined) this.#stream?.abort();
    callback(error);
  }

  #onDrain(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}
