import type { Address, ByteStream, Clock, Streams } from '@grp/core';
import { utf8 } from '../encoding.ts';
import { decodeReply } from '../wire/decode.ts';
import { LineReader } from '../wire/lines.ts';
import { lineBytesMax } from '../wire/messages.ts';
import type { ClientInput } from './effects.ts';

export interface ClientEdgeOptions {
  readonly streams: Pick<Streams, 'dial'>;
  readonly tracker: Address;
  readonly clock: Clock;
  readonly dialTimeoutMs: number;
  readonly push: (input: ClientInput) => void;
}

/** A tracker may say one kibibyte more than a client, so that it can grow. */
const replyBytesMax = lineBytesMax + 1_024;

const endMs = 1_000;

/** The one stream to the tracker, as lines. */
export class ClientEdge {
  readonly #options: ClientEdgeOptions;
  #stream: ByteStream | undefined;
  #connection = 0;
  /** Who waits for the end of a stream. */
  readonly #onClosed = new WeakMap<ByteStream, () => void>();

  constructor(options: ClientEdgeOptions) {
    this.#options = options;
  }

  dial(connection: number): void {
    const { streams, tracker, dialTimeoutMs, push } = this.#options;
    this.#connection = connection;
    const reader = new LineReader(replyBytesMax);
    const isCurrent = (): boolean => this.#connection === connection;
    const stream = streams.dial(
      tracker,
      {
        onData: (bytes) => {
          reader.push(bytes);
          for (let line = reader.next(); line !== 'incomplete' && isCurrent(); line = reader.next()) {
            if (line === 'too-long') {
              stream.abort();
              return;
            }
            push({ type: 'line', connection, decoded: decodeReply(line.bytes) });
          }
        },
        onEnd: () => stream.end(),
        onClose: (reason) => {
          if (this.#stream === stream) this.#stream = undefined;
          this.#onClosed.get(stream)?.();
          push({ type: 'closed', connection, reason });
        },
      },
      { timeoutMs: dialTimeoutMs },
    );
    this.#stream = stream;
  }

  write(connection: number, line: string): void {
    if (connection === this.#connection) this.#stream?.write(utf8(`${line}\n`));
  }

  hangUp(connection: number): void {
    if (connection !== this.#connection) return;
    this.#connection = 0;
    this.#stream?.abort();
    this.#stream = undefined;
  }

  /** Ends after what was written has left; resolves when the stream has gone, by force after a second. */
  async end(): Promise<void> {
    const stream = this.#stream;
    this.#connection = 0;
    this.#stream = undefined;
    if (stream === undefined) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.wakeAt(clock.now() + endMs, () => stream.abort());
      this.#onClosed.set(stream, () => {
        cancelTimer();
        resolve();
      });
      stream.end();
    });
  }
}
