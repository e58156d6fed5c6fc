import { GrpError } from '@grp/core';
import type { BlobWriter } from '../store/blob-writer.ts';
import { frameBytes } from '../store/config.ts';
import { frameSeed } from '../store/frame-crc.ts';
import { dataHeadBytes, decodeFinish, encodeAck, encodeCredit, encodeError, type PutOrder } from './bodies.ts';
import { joined, kinds, split, type WireFrame } from './frames.ts';
import { memoryOf, storable, type ServerParts, type ServerSession, type Transfer } from './server-parts.ts';

/** A blob that comes in over a connection. */
export class PutTransfer implements Transfer {
  readonly #parts: ServerParts;
  readonly #session: ServerSession;
  readonly #request: number;
  readonly #order: PutOrder;
  /** Of the life in which it began: should the node begin another one meanwhile, the acknowledgement counts for nothing. */
  readonly #incarnation: number;
  #writer: BlobWriter | undefined;
  #index = 0;
  #bytes = 0;
  #creditedBytes = 0;
  /** Of memory, all in all, and for frames that the store has not taken yet. */
  #heldBytes = 0;
  #movingBytes = 0;
  #writes: Promise<void> = Promise.resolve();
  #isEnded = false;
  movedAt: number;

  constructor(parts: ServerParts, session: ServerSession, request: number, order: PutOrder) {
    this.#parts = parts;
    this.#session = session;
    this.#request = request;
    this.#order = order;
    this.#incarnation = parts.incarnation();
    this.movedAt = parts.now();
    try {
      this.#writer = parts.store.create(order.blob, order.epoch, order.bytesHint);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  get isOver(): boolean {
    return this.#isEnded;
  }

  /** While the store works, the peer owes nothing. */
  get owes(): boolean {
    return !this.#isEnded && this.#creditedBytes === this.#bytes;
  }

  seedOf(index: number): number {
    return frameSeed(this.#order.blob, index);
  }

  heard(frame: WireFrame): void {
    this.movedAt = this.#parts.now();
    if (this.#isEnded) return;
    if (frame.kind === kinds.data) this.#data(frame);
    else if (frame.kind === kinds.finish) void this.#finish(frame);
    else if (frame.kind === kinds.cancel) this.end('cancelled');
    else this.#refuse('put-unexpected-frame');
  }

  /** The connection has gone, the peer has stalled, or it has changed its mind: nothing of the blob is kept. */
  end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.counters.add(`put-${reason}`);
    void this.#writer?.abort();
    this.#release(this.#heldBytes);
    this.#session.forget(this.#request);
  }

  #data(frame: WireFrame): void {
    const found = split(frame, dataHeadBytes);
    const writer = this.#writer;
    if (found === undefined || writer === undefined) return this.#refuse('put-short-frame');
    const { head, rest } = found;
    const bytes = frame.bytes - dataHeadBytes;
    const index = head.readUInt32LE(4);
    // Only the last frame may be shorter, so that a place in the blob says in which frame it is.
    if (index !== this.#index || bytes === 0 || bytes > frameBytes || this.#bytes % frameBytes !== 0)
      return this.#refuse('put-wrong-place');
    const crc = head.readUInt32LE(0);
    if (frame.contentCrc !== crc) return this.#refuse('put-wrong-crc');
    this.#index++;
    this.#bytes += bytes;
    if (this.#bytes - this.#creditedBytes > this.#parts.config.windowBytes) return this.#refuse('put-window-exceeded');
    const { budget, buffers, retaining } = this.#parts;
    const content = storable({ crc, parts: rest, bytes, keep: frame.keep }, index, buffers);
    const memoryBytes = memoryOf(content);
    this.#heldBytes += memoryBytes;
    this.#movingBytes += memoryBytes;
    budget.take(memoryBytes);
    retaining.add(this);
    this.#write(writer.write(content), { bytes, memoryBytes });
    if (budget.isSpent) {
      // Blobs that wait in memory for their end would keep each other from it.
      for (const transfer of retaining) transfer.spill();
      this.#session.heedBudget();
    }
  }

  /** What is in memory goes to the disk, so that it does not take room from others. */
  spill(): void {
    if (!this.#isEnded && this.#writer?.isInFile === false)
      this.#write(this.#writer.spill(), { bytes: 0, memoryBytes: 0 });
  }

  #write(written: Promise<void>, moved: { readonly bytes: number; readonly memoryBytes: number }): void {
    this.#writes = Promise.all([this.#writes, written]).then(() => this.#credit(moved));
    this.#writes.catch((cause: unknown) => this.#fail(cause));
  }

  #credit({ bytes, memoryBytes }: { readonly bytes: number; readonly memoryBytes: number }): void {
    if (this.#isEnded) return;
    this.#creditedBytes += bytes;
    this.#movingBytes -= memoryBytes;
    this.movedAt = this.#parts.now();
    // What lies in a file has left memory; what goes into the log stays until the blob is whole.
    if (this.#writer?.isInFile === true) this.#release(this.#heldBytes - this.#movingBytes);
    // All has come, and waits for the log: the acknowledgement is next, and there is nothing to grant.
    const isAll = this.#bytes === this.#order.bytesHint && this.#writer?.isInFile === false;
    if (bytes > 0 && !isAll) this.#session.send(kinds.credit, this.#request, [encodeCredit(bytes)]);
  }

  async #finish(frame: WireFrame): Promise<void> {
    const finish = decodeFinish(joined(frame));
    if (finish === undefined || this.#writer === undefined) return this.#refuse('put-no-finish');
    if (finish.bytes !== this.#bytes) return this.#refuse('put-wrong-length');
    try {
      await this.#writes;
      if (this.#isEnded) return;
      await this.#writer.finish(finish.sha256);
    } catch (cause) {
      return this.#fail(cause);
    }
    if (this.#isEnded) return; // the connection has gone; the blob is there, and nobody was told
    this.#isEnded = true;
    this.#release(this.#heldBytes);
    this.#parts.counters.add('put-stored');
    this.#parts.counters.add('put-bytes', this.#bytes);
    const ack = { node: this.#parts.node, incarnation: this.#incarnation, epoch: this.#order.epoch };
    this.#session.send(kinds.stored, this.#request, [encodeAck(ack)]);
    this.#session.forget(this.#request);
  }

  /** What the peer sent is not what it says: nothing of it is kept. */
  #refuse(reason: string): void {
    this.#tell('DFS_CORRUPT', reason);
    this.end(reason.replace('put-', ''));
  }

  #fail(cause: unknown): void {
    if (this.#isEnded) return;
    if (!(cause instanceof GrpError)) throw cause;
    this.#tell(cause.code, cause.message);
    this.end('failed');
  }

  #tell(code: string, message: string): void {
    this.#session.send(kinds.error, this.#request, [encodeError({ code, message })]);
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#heldBytes === 0) this.#parts.retaining.delete(this);
    this.#parts.budget.release(bytes);
  }
}
