import { randomBytes } from 'node:crypto';
import type { Address, ByteStream, Cancel, Keyring, StreamHandlers, Streams } from '@grp/core';
import { helloOf, keysOf, proves, saltBytes, saltOf } from './sealed-hello.ts';
import { SealedStream } from './sealed-stream.ts';

/** Which streams are sealed, and with what keys. */
export interface SealStreamsOptions {
  readonly streams: Streams;
  readonly keyring: Keyring;
  /** Hears of each stream that was cut off: its peer has no key of the ring (`no-key`), or its bytes were altered (`altered`). */
  readonly onRefused?: (peer: Address, why: 'no-key' | 'altered') => void;
}

/**
 * Seals byte streams with AES-256-GCM, under keys that are made for each stream from a key of the ring and from salts of
 * both sides (HKDF, RFC 5869): records cannot be replayed, reordered, or sent to anybody else. The dialer uses the primary
 * key, the acceptor whichever key the dialer proves, so that keys rotate without downtime; a key that is removed opens no
 * new stream. Plaintext is cut off. An end of the stream is not sealed: what goes over it must say how long it is.
 */
export function sealStreams(options: SealStreamsOptions): Streams {
  return new SealedStreams(options);
}

class SealedStreams implements Streams {
  readonly #options: SealStreamsOptions;

  constructor(options: SealStreamsOptions) {
    this.#options = options;
  }

  get self(): Address {
    return this.#options.streams.self;
  }

  dial(to: Address, handlers: StreamHandlers, options?: { readonly timeoutMs?: number }): ByteStream {
    const { streams, keyring, onRefused } = this.#options;
    const key = keyring.keys()[0] as Uint8Array;
    const salt = randomBytes(saltBytes);
    const stream = new SealedStream({
      peer: to,
      hello: helloOf(key, 'dialer', salt),
      answer: (hello) => {
        const theirs = saltOf(hello);
        const isProven = theirs !== undefined && proves(hello, key, 'acceptor', salt);
        return isProven ? { keys: keysOf(key, 'dialer', [salt, theirs]) } : undefined;
      },
      onRefused,
    });
    stream.attach(handlers);
    stream.begin(streams.dial(to, stream.innerHandlers, options));
    return stream;
  }

  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): Cancel {
    const { streams, keyring, onRefused } = this.#options;
    return streams.onAccept((inner) => {
      const stream = new SealedStream({
        peer: inner.peer,
        hello: undefined,
        answer: (hello) => {
          const theirs = saltOf(hello);
          const key = theirs && keyring.keys().find((one) => proves(hello, one, 'dialer', new Uint8Array(0)));
          if (theirs === undefined || key === undefined) return undefined;
          const salt = randomBytes(saltBytes);
          return { keys: keysOf(key, 'acceptor', [theirs, salt]), hello: helloOf(key, 'acceptor', salt, theirs) };
        },
        onRefused,
      });
      const handlers = accept(stream);
      if (handlers === undefined) return undefined;
      stream.attach(handlers);
      stream.begin(inner);
      return stream.innerHandlers;
    });
  }

  close(): Promise<void> {
    return this.#options.streams.close();
  }
}
