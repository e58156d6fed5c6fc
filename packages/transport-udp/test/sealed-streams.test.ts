import { describe, expect, test } from 'vitest';
import { Keyring, systemRandom, type Address, type ByteStream, type StreamEnd } from '@grp/core';
import type { StreamHandlers, Streams } from '@grp/core';
import { nodeAead, sealStreams } from '../src/index.ts';

const far = '10.0.0.2:1' as Address;

/** Two ends of a stream in memory. `alter` sees everything that passes, and may change it. */
class Pair implements Streams {
  readonly self = '10.0.0.1:1' as Address;
  /** Everything that the dialer has sent. */
  readonly sent: Uint8Array[] = [];
  alter: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  #accept: (stream: ByteStream) => StreamHandlers | undefined = () => undefined;

  dial(_to: string, handlers: StreamHandlers): ByteStream {
    const [near, other] = [new End(), new End()];
    near.other = other;
    other.other = near;
    near.passes = (bytes) => {
      this.sent.push(Uint8Array.from(bytes)); // a copy: the bytes are the listener's to keep
      return this.alter(bytes);
    };
    near.handlers = handlers;
    queueMicrotask(() => {
      const accepted = this.#accept(other);
      if (accepted === undefined) other.abort();
      else other.handlers = accepted;
    });
    return near;
  }

  onAccept(accept: (stream: ByteStream) => StreamHandlers | undefined): () => void {
    this.#accept = accept;
    return () => {};
  }

  async close(): Promise<void> {}
}

class End implements ByteStream {
  readonly peer = far;
  other: End | undefined;
  handlers: StreamHandlers = {};
  passes = (bytes: Uint8Array): Uint8Array => bytes;
  #isOver = false;

  write(bytes: Uint8Array): boolean {
    const passed = this.passes(bytes.slice());
    setImmediate(() => this.#isOver || this.other?.handlers.onData?.(passed));
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    setImmediate(() => this.other?.handlers.onEnd?.());
  }
  abort(): void {
    for (const [end, reason] of [
      [this, 'aborted'],
      [this.other, 'reset'],
    ] as const)
      setImmediate(() => end?.close(reason));
  }
  close(reason: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.handlers.onClose?.(reason);
  }
}

const keyA = new Uint8Array(32).fill(1);
const keyB = new Uint8Array(32).fill(2);

function ring(...keys: readonly Uint8Array[]): Keyring {
  return new Keyring({ aead: nodeAead(), random: systemRandom(), keys });
}

/** What one side hears. */
class Heard {
  readonly parts: Uint8Array[] = [];
  readonly closed: Promise<StreamEnd>;
  readonly handlers: StreamHandlers;
  bytes = 0;
  #wanted = Infinity;
  #reached: () => void = () => {};

  constructor() {
    let close: (reason: StreamEnd) => void = () => {};
    this.closed = new Promise((resolve) => (close = resolve));
    this.handlers = {
      onData: (bytes) => {
        this.parts.push(bytes);
        this.bytes += bytes.length;
        if (this.bytes >= this.#wanted) this.#reached();
      },
      onClose: (reason) => close(reason),
    };
  }

  async until(bytes: number): Promise<Buffer> {
    this.#wanted = bytes;
    if (this.bytes < bytes) await new Promise<void>((resolve) => (this.#reached = resolve));
    return Buffer.concat(this.parts);
  }
}

function open(dialer: Keyring, acceptor: Keyring, accepts = true) {
  const pair = new Pair();
  const refused: string[] = [];
  const onRefused = (_peer: string, why: string): void => void refused.push(why);
  const server = new Heard();
  let accepted: ByteStream | undefined;
  sealStreams({ streams: pair, keyring: acceptor, onRefused }).onAccept((stream) => {
    accepted = stream;
    return accepts ? server.handlers : undefined;
  });
  const client = new Heard();
  const stream = sealStreams({ streams: pair, keyring: dialer, onRefused }).dial(far, client.handlers);
  return { pair, refused, server, client, stream, back: () => accepted as ByteStream };
}

describe('sealed streams', () => {
  test('carry bytes of any length both ways, and nothing of them is to be seen', async () => {
    const { pair, server, client, stream, back } = open(ring(keyA), ring(keyA));
    const content = Buffer.alloc(700_001, 'secret ');
    let freed = 0;
    stream.give?.(content, () => freed++);
    stream.write(Buffer.from('and more'));
    expect((await server.until(content.length + 8)).equals(Buffer.concat([content, Buffer.from('and more')]))).toBe(
      true,
    );
    back().write(Buffer.from('answer'));
    expect((await client.until(6)).toString()).toBe('answer');
    expect([freed, Buffer.concat(pair.sent).includes('secret')]).toEqual([1, false]);
  });

  test('take any key that the acceptor holds, so that keys rotate; and no other', async () => {
    const rotating = open(ring(keyB), ring(keyA, keyB));
    rotating.stream.write(Buffer.from('x'));
    expect((await rotating.server.until(1)).toString()).toBe('x');
    const strange = open(ring(keyB), ring(keyA));
    strange.stream.write(Buffer.from('x'));
    expect([await strange.client.closed, strange.server.bytes, strange.refused]).toEqual(['reset', 0, ['no-key']]);
  });

  test.each([
    ['a flipped bit', (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1)],
    ['a wrong length', (bytes: Uint8Array) => bytes.with(0, 255)],
  ])('end at %s', async (_what, altered) => {
    const { pair, server, client, stream, back, refused } = open(ring(keyA), ring(keyA));
    stream.write(Buffer.from('first'));
    await server.until(5);
    back().write(Buffer.from('ok'));
    await client.until(2);
    pair.alter = altered;
    stream.write(Buffer.alloc(300_000, 1));
    expect([await server.closed, server.bytes, refused]).toEqual(['reset', 5, ['altered']]);
  });

  test('do not take what was said before, on this stream or another', async () => {
    const { pair, server, stream, client, refused } = open(ring(keyA), ring(keyA));
    stream.write(Buffer.from('pay'));
    await server.until(3);
    const said = [...pair.sent];
    const replayed = open(ring(keyA), ring(keyA));
    const raw = replayed.pair.dial(far, {});
    for (const bytes of said) raw.write(bytes);
    expect([await replayed.server.closed, replayed.server.bytes]).toEqual(['reset', 0]);
    const last = said.at(-1) as Uint8Array;
    pair.alter = () => last;
    stream.write(Buffer.from('pay'));
    expect([await client.closed, server.bytes, refused]).toEqual(['reset', 3, ['altered']]);
  });

  test('cut plaintext off, and are refused as others are', async () => {
    const { pair, server, refused } = open(ring(keyA), ring(keyA));
    pair.dial(far, {}).write(Buffer.alloc(100, 'GDFS'));
    await server.closed;
    expect([server.bytes, refused]).toEqual([0, ['no-key']]);
    const { client } = open(ring(keyA), ring(keyA), false);
    expect(await client.closed).toBe('reset');
  });
});
