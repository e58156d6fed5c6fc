/** Where an event stream goes: an HTTP response, or a test. */
export interface EventSink {
  /** False: no more, until `EventClient.drained`. */
  write(text: string): boolean;
  end(): void;
  /** Ends without waiting for what is still buffered. */
  destroy(): void;
}

/** How JSON texts become a stream. */
export interface StreamFormat {
  readonly contentType: string;
  /** Written before the first. */
  readonly opening: string;
  readonly frame: (json: string) => string;
  /** Says nothing, and shows that the stream lives; empty where the format has no such thing. */
  readonly ping: string;
}

/** As browsers read them. */
export const serverSentEvents: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  // Tells the reader that nothing from now on is missed, and to come back after a second when the stream breaks.
  opening: ': open\nretry: 1000\n\n',
  frame: (json) => `data: ${json}\n\n`,
  ping: ': ping\n\n',
};

/** One JSON text per line. */
export const jsonLines: StreamFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  opening: '',
  frame: (json) => `${json}\n`,
  ping: '',
};

export interface EventClientOptions {
  readonly sink: EventSink;
  readonly format: StreamFormat;
  /** Events kept while the reader is slow; then the oldest go. */
  readonly bufferMax: number;
  /** Their length, in UTF-16 units. */
  readonly bufferBytesMax: number;
  /** Makes the message that tells the reader how many events it has missed. */
  readonly droppedMessage: (count: number) => string;
}

// A reader that has taken nothing for so many pings has gone or hangs, and its place is given free.
const silentPingsMax = 4;

/** One reader of an event stream: a bounded buffer, and an honest count of what was lost. */
export class EventClient {
  readonly #options: EventClientOptions;
  readonly #buffer: string[] = [];
  #bufferBytes = 0;
  #missedCount = 0;
  #blocked = false;
  #silentPings = 0;

  constructor(options: EventClientOptions) {
    this.#options = options;
  }

  /** Sends one JSON text, or keeps it. Returns how many events had to go. */
  send(json: string): number {
    const frame = this.#options.format.frame(json);
    if (!this.#blocked) {
      this.#write(frame);
      return 0;
    }
    this.#buffer.push(frame);
    this.#bufferBytes += frame.length;
    return this.#trim();
  }

  /** The sink takes more. */
  drained(): void {
    this.#blocked = false;
    this.#silentPings = 0;
    if (this.#missedCount > 0) {
      const count = this.#missedCount;
      this.#missedCount = 0;
      this.#write(this.#options.format.frame(this.#options.droppedMessage(count)));
    }
    while (!this.#isBlocked() && this.#buffer.length > 0) {
      const frame = this.#buffer.shift() as string;
      this.#bufferBytes -= frame.length;
      this.#write(frame);
    }
  }

  /** So that proxies and readers know that the stream lives. */
  ping(): void {
    const { ping } = this.#options.format;
    if (!this.#blocked && ping !== '') this.#write(ping);
    else if (this.#blocked && ++this.#silentPings >= silentPingsMax) this.#options.sink.destroy();
  }

  /** Ends the stream; a reader that does not take what is left is cut off. */
  close(): void {
    if (this.#blocked) this.#options.sink.destroy();
    else this.#options.sink.end();
  }

  #write(text: string): void {
    this.#blocked = !this.#options.sink.write(text);
  }

  // A function, because TypeScript would otherwise believe that a write cannot have changed it.
  #isBlocked(): boolean {
    return this.#blocked;
  }

  #trim(): number {
    const { bufferMax, bufferBytesMax } = this.#options;
    let count = 0;
    while (this.#buffer.length > bufferMax || (this.#bufferBytes > bufferBytesMax && this.#buffer.length > 0)) {
      this.#bufferBytes -= (this.#buffer.shift() as string).length;
      count++;
    }
    this.#missedCount += count;
    return count;
  }
}
