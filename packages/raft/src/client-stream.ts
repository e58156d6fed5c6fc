import type { ByteStream } from '@grp/core';
import type { ByteWriter } from './bytes.ts';
import {
  decodeClientRequest,
  writeClientResponse,
  type ClientRequest,
  type ClientResponse,
} from './wire/client-frames.ts';
import { FrameWriter } from './wire/frames.ts';
import type { PayloadCodec } from './wire/payload.ts';

/** Carries out what a client asks; `answer` is called once, later or at once. */
export type ServeClient = (payload: ClientRequest['payload'], answer: (response: ClientResponse) => void) => void;

/** Requests of one client that are not answered yet; more are refused as `overloaded`. */
const openMax = 65_536;

/** One client's stream, on the side of the server: requests in, answers out, all answers of one turn in one write. */
export class ClientStream {
  readonly #stream: ByteStream;
  readonly #payloads: PayloadCodec;
  readonly #serve: ServeClient;
  readonly #answers = new FrameWriter();
  #open = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;

  constructor(stream: ByteStream, payloads: PayloadCodec, serve: ServeClient) {
    this.#stream = stream;
    this.#payloads = payloads;
    this.#serve = serve;
  }

  /** False: that was no request, and the stream is not to be believed any more. */
  take(frame: Uint8Array): boolean {
    const request = decodeClientRequest(frame, this.#payloads);
    if (request === undefined) return false;
    const { ticket, payload } = request;
    if (this.#open >= openMax) {
      this.#say(ticket, { type: 'not-done', reason: 'overloaded', leader: '' });
      return true;
    }
    this.#open++;
    this.#serve(payload, (response) => {
      this.#open--;
      this.#say(ticket, response);
    });
    return true;
  }

  /** The client has read: there is room again. */
  drained(): void {
    this.#isBlocked = false;
    this.#stream.resume();
    this.#flush();
  }

  close(): void {
    this.#isClosed = true;
  }

  #say(ticket: number, response: ClientResponse): void {
    if (this.#isClosed) return;
    this.#answers.frame((writer: ByteWriter) => writeClientResponse(writer, ticket, response));
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed || this.#isBlocked || this.#answers.length === 0) return;
    this.#isBlocked = !this.#stream.write(this.#answers.take());
    // Whoever does not read its answers is not read from either: what waits for it stays bounded.
    if (this.#isBlocked) this.#stream.pause();
  }
}
