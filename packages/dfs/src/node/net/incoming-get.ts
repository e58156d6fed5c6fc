import type { GrpError } from '@grp/core';
import { frameBytes } from '../store/config.ts';
import { frameLength, frameSeed } from '../store/frame-crc.ts';
import { dataHeadBytes, decodeContent, encodeCredit, encodeGet, type Content, type GetOrder } from './bodies.ts';
import { joined, kinds, split, type WireFrame } from './frames.ts';
import { errorOf, type Connection, type Peer } from './peer.ts';

/** Content whose CRC fits. */
export interface ReceivedFrame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
  /** As that of the frame in which it came. */
  readonly keep: WireFrame['keep'];
  /** Where it begins in the blob. */
  readonly offset: number;
}

export interface IncomingGetEvents {
  /** What the server says of its copy; before any content. */
  onContent(content: Content): void;
  onFrame(frame: ReceivedFrame): void;
  /** All that was asked for has come. */
  onEnd(): void;
  /** Nothing follows. `isDamaged`: what it has is not what it should be. `error`: undefined when it cannot be reached. */
  onFailed(problem: string, how: { readonly isDamaged: boolean; readonly error: GrpError | undefined }): void;
}

/** A blob, or a part of it, on its way from one server. */
export class IncomingGet {
  readonly #connection: Connection;
  readonly #request: number;
  readonly #order: GetOrder;
  readonly #events: IncomingGetEvents;
  #at: number;
  #content: Content | undefined;
  #isOver = false;
  readonly #isOwn: boolean;
  /** Received and not credited yet: as much as the owner still holds. */
  #uncreditedBytes = 0;

  constructor(peer: Peer, order: GetOrder, events: IncomingGetEvents, isSmall = false) {
    this.#isOwn = !isSmall;
    this.#connection = isSmall ? peer.shared() : peer.own();
    this.#order = order;
    this.#events = events;
    this.#at = order.offset;
    this.#request = this.#connection.begin({
      onFrame: (frame) => this.#heard(frame),
      seedOf: (index) => frameSeed(order.blob, index),
      onGone: (problem) => this.#fail(problem, { isDamaged: false, error: undefined }),
    });
    this.#connection.session.send(kinds.get, this.#request, [encodeGet(order)]);
  }

  /** The owner has let go of so many bytes: as many more may come. */
  credit(bytes: number): void {
    this.#uncreditedBytes -= bytes;
    if (!this.#isOver) this.#connection.session.send(kinds.credit, this.#request, [encodeCredit(bytes)]);
  }

  /** Gives up. */
  cancel(): void {
    if (this.#isOver) return;
    if (this.#isOwn) this.#connection.discard();
    else this.#connection.session.send(kinds.cancel, this.#request);
    this.#over();
  }

  #heard(frame: WireFrame): void {
    if (frame.kind === kinds.data) this.#data(frame);
    else if (frame.kind === kinds.content) {
      const content = decodeContent(joined(frame));
      if (content === undefined) return this.#senseless();
      this.#content = content;
      this.#events.onContent(content);
      this.#endIfWhole();
    } else {
      const error = errorOf(frame);
      if (error === undefined) return this.#senseless();
      this.#fail(error.message, { isDamaged: error.code === 'DFS_BLOB_DAMAGED' || error.kind === 'not-found', error });
    }
  }

  #data(frame: WireFrame): void {
    const found = split(frame, dataHeadBytes);
    if (found === undefined || this.#content === undefined) return this.#senseless();
    const { head, rest } = found;
    const bytes = frame.bytes - dataHeadBytes;
    const crc = head.readUInt32LE(0);
    const index = head.readUInt32LE(4);
    const end = this.#end(this.#content);
    const room = Math.min(end, index * frameBytes + frameLength(this.#content.bytes, index)) - this.#at;
    if (index !== Math.floor(this.#at / frameBytes) || bytes === 0 || bytes > room) return this.#senseless();
    this.#uncreditedBytes += bytes;
    if (this.#uncreditedBytes > Math.max(frameBytes, this.#order.windowBytes)) return this.#senseless();
    if (frame.contentCrc !== crc) return this.#fail(`frame ${index} is altered`, { isDamaged: true, error: undefined });
    const offset = this.#at;
    this.#at += bytes;
    this.#events.onFrame({ parts: rest, bytes, crc, offset, keep: frame.keep });
    this.#endIfWhole();
  }

  #end({ bytes }: Content): number {
    const { offset, length } = this.#order;
    return length === 0 ? bytes : Math.min(bytes, offset + length);
  }

  #endIfWhole(): void {
    if (this.#isOver || this.#content === undefined || this.#at < this.#end(this.#content)) return;
    this.#over();
    this.#events.onEnd();
  }

  /** A peer that does not keep to the protocol: nothing else of it is believed. */
  #senseless(): void {
    this.#fail('a senseless answer', { isDamaged: false, error: undefined });
    this.#connection.session.cut('senseless');
  }

  #fail(problem: string, how: { readonly isDamaged: boolean; readonly error: GrpError | undefined }): void {
    if (this.#isOver) return;
    this.#over();
    if (how.error === undefined) this.#connection.session.send(kinds.cancel, this.#request);
    this.#events.onFailed(problem, how);
  }

  #over(): void {
    this.#isOver = true;
    this.#connection.end(this.#request);
  }
}
