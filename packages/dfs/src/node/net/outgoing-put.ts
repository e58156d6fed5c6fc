import type { GrpError } from '@grp/core';
import type { Ack } from '../../model.ts';
import type { Frame } from '../store/blob-writer.ts';
import { frameBytes } from '../store/config.ts';
import { decodeAck, decodeCredit, encodeDataHead, encodeFinish, encodePut, type PutOrder } from './bodies.ts';
import { joined, kinds, type WireFrame } from './frames.ts';
import { errorOf, type Connection, type Peer } from './peer.ts';

export interface OutgoingPutEvents {
  /** The server has taken so many bytes in all. */
  onTaken(bytes: number): void;
  /** It is durable there. */
  onStored(ack: Ack): void;
  /** Nothing follows. `code` is the server's reason; undefined: it cannot be reached. */
  onFailed(problem: string, error: GrpError | undefined): void;
}

/** A blob on its way to one server. Frames wait here until the server has room for them. */
export class OutgoingPut {
  readonly #connection: Connection;
  readonly #request: number;
  readonly #events: OutgoingPutEvents;
  readonly #windowBytes: number;
  #waiting: { readonly frame: Frame; readonly index: number }[] = [];
  #count = 0;
  #sentBytes = 0;
  #takenBytes = 0;
  #finish: Buffer | undefined;
  #isOver = false;
  readonly #isOwn: boolean;

  constructor(peer: Peer, order: PutOrder, windowBytes: number, events: OutgoingPutEvents) {
    const isSmall = order.bytesHint > 0 && order.bytesHint <= frameBytes / 4;
    this.#isOwn = !isSmall;
    this.#connection = isSmall ? peer.shared() : peer.own();
    this.#events = events;
    this.#windowBytes = windowBytes;
    this.#request = this.#connection.begin({
      onFrame: (frame) => this.#heard(frame),
      onGone: (problem) => this.#fail(problem, undefined),
    });
    this.#connection.session.send(kinds.put, this.#request, [encodePut(order)]);
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Frames in order. Their parts must not change any more. */
  write(frame: Frame): void {
    this.#waiting.push({ frame, index: this.#count++ });
    this.#pump();
  }

  /** All frames are written. */
  finish(bytes: number, sha256: string): void {
    this.#finish = encodeFinish({ bytes, sha256 });
    this.#pump();
  }

  /** Gives up; the server forgets what it has. */
  cancel(): void {
    if (this.#isOver) return;
    if (this.#isOwn && this.#sentBytes > this.#takenBytes) this.#connection.discard();
    else this.#connection.session.send(kinds.cancel, this.#request);
    this.#over();
    this.#waiting = [];
  }

  #pump(): void {
    const { session } = this.#connection;
    // Before it has said what it takes, a server takes a frame.
    const windowBytes = Math.min(this.#windowBytes, session.peer?.windowBytes ?? frameBytes);
    while (!this.#isOver) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const { frame, index } = next;
      if (this.#sentBytes > 0 && this.#sentBytes - this.#takenBytes + frame.bytes > windowBytes) return;
      this.#waiting.shift();
      this.#sentBytes += frame.bytes;
      session.send(kinds.data, this.#request, [encodeDataHead(frame.crc, index), ...frame.parts]);
    }
    if (this.#isOver || this.#finish === undefined) return;
    session.send(kinds.finish, this.#request, [this.#finish]);
    this.#finish = undefined;
  }

  #heard(frame: WireFrame): void {
    if (frame.kind === kinds.credit) {
      const bytes = decodeCredit(joined(frame)) ?? 0;
      this.#takenBytes = Math.min(this.#sentBytes, this.#takenBytes + bytes);
      this.#pump();
      this.#events.onTaken(this.#takenBytes);
    } else if (frame.kind === kinds.stored) {
      const ack = decodeAck(joined(frame));
      if (ack === undefined) return this.#fail('a senseless answer', undefined);
      this.#over();
      this.#events.onStored(ack);
    } else {
      const error = errorOf(frame);
      this.#fail(error?.message ?? 'a senseless answer', error);
    }
  }

  #fail(problem: string, error: GrpError | undefined): void {
    if (this.#isOver) return;
    this.#over();
    this.#waiting = [];
    this.#events.onFailed(problem, error);
  }

  #over(): void {
    this.#isOver = true;
    this.#connection.end(this.#request);
  }
}
