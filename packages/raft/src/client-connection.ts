import type { Address, ByteStream, GrpError, Millis, Streams } from '@grp/core';
import type { ByteWriter } from './bytes.ts';
import {
  decodeClientResponse,
  encodeClientHello,
  writeClientRequest,
  type ClientRequest,
  type ClientResponse,
} from './wire/client-frames.ts';
import { FrameReader, FrameWriter } from './wire/frames.ts';
import { PayloadCodec } from './wire/payload.ts';

/** A request of a client, through all its attempts. */
export interface Asked {
  readonly payload: ClientRequest['payload'];
  readonly deadline: Millis;
  readonly done: (response: Extract<ClientResponse, { type: 'done' }>) => void;
  readonly fail: (error: GrpError) => void;
}

const dialTimeoutMs = 1_000;

/** A client's stream to one server: many requests at a time, all of one turn in one write. */
export class ClientConnection {
  readonly address: Address;
  readonly #settle: (asked: Asked, response: ClientResponse | 'not-sent') => void;
  readonly #stream: ByteStream;
  readonly #payloads = new PayloadCodec();
  readonly #reader = new FrameReader();
  readonly #requests = new FrameWriter();
  readonly #asked = new Map<number, Asked>();
  #ticket = 0;
  /** Requests up to this one have been given to the stream. */
  #sentThrough = 0;
  #isScheduled = false;
  #isOpen = false;
  #isBlocked = false;
  #isClosed = false;
  /** It takes no more requests; whatever was on it has been settled. */
  onGone: (connection: ClientConnection) => void = () => {};

  constructor(
    streams: Streams,
    { address, group }: { readonly address: Address; readonly group: string },
    settle: (asked: Asked, response: ClientResponse | 'not-sent') => void,
  ) {
    this.address = address;
    this.#settle = settle;
    this.#requests.frame((writer) => writer.raw(encodeClientHello(group)));
    this.#stream = streams.dial(
      address,
      {
        onOpen: () => {
          this.#isOpen = true;
          this.#flush();
        },
        onData: (bytes) => this.#read(bytes),
        onDrain: () => {
          this.#isBlocked = false;
          this.#flush();
        },
        // A server that ends its side, as the system does for one that was killed, answers nothing more.
        onEnd: () => {
          this.#stream.abort();
          this.#broken();
        },
        onClose: () => this.#broken(),
      },
      { timeoutMs: dialTimeoutMs },
    );
  }

  /** Requests that are not answered. */
  get size(): number {
    return this.#asked.size;
  }

  ask(asked: Asked): void {
    const ticket = ++this.#ticket;
    this.#asked.set(ticket, asked);
    this.#requests.frame((writer: ByteWriter) =>
      writeClientRequest(writer, { ticket, payload: asked.payload }, this.#payloads),
    );
    if (this.#isScheduled || this.#isBlocked || !this.#isOpen) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Forgets requests, and gives them back; an answer that comes yet is nobody's. */
  drop(which: (asked: Asked) => boolean): readonly Asked[] {
    const dropped: Asked[] = [];
    for (const [ticket, asked] of this.#asked) {
      if (!which(asked)) continue;
      this.#asked.delete(ticket);
      dropped.push(asked);
    }
    return dropped;
  }

  close(): void {
    if (this.#isOpen) this.#stream.end();
    else this.#stream.abort();
    this.#broken();
  }

  #flush(): void {
    if (this.#isClosed || this.#isBlocked || !this.#isOpen || this.#requests.length === 0) return;
    this.#sentThrough = this.#ticket;
    this.#isBlocked = !this.#stream.write(this.#requests.take());
  }

  #read(bytes: Uint8Array): void {
    const frames = this.#reader.push(bytes);
    if (frames === undefined) return this.#stream.abort();
    for (const frame of frames) {
      const answer = decodeClientResponse(frame);
      if (answer === undefined) return this.#stream.abort();
      const asked = this.#asked.get(answer.ticket);
      this.#asked.delete(answer.ticket);
      if (asked !== undefined) this.#settle(asked, answer.response);
    }
    return undefined;
  }

  #broken(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onGone(this);
    for (const [ticket, asked] of this.#asked)
      this.#settle(asked, ticket > this.#sentThrough ? 'not-sent' : { type: 'unknown' });
    this.#asked.clear();
  }
}
