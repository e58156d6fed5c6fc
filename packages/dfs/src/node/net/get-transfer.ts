import { GrpError } from '@grp/core';
import type { BlobReader } from '../store/blob-reader.ts';
import { frameBytes } from '../store/config.ts';
import { frameCrc } from '../store/frame-crc.ts';
import { decodeCredit, encodeContent, encodeDataHead, encodeError, type GetOrder } from './bodies.ts';
import { joined, kinds, type WireFrame } from './frames.ts';
import type { ServerParts, ServerSession, Transfer } from './server-parts.ts';

/** A blob, or a part of it, that goes out over a connection. */
export class GetTransfer implements Transfer {
  readonly #parts: ServerParts;
  readonly #session: ServerSession;
  readonly #request: number;
  readonly #order: GetOrder;
  #onWay = 0;
  #wake: () => void = () => {};
  #isEnded = false;
  movedAt: number;

  constructor(parts: ServerParts, session: ServerSession, request: number, order: GetOrder) {
    this.#parts = parts;
    this.#session = session;
    this.#request = request;
    this.#order = order;
    this.movedAt = parts.now();
    void this.#run();
  }

  get isOver(): boolean {
    return this.#isEnded;
  }

  get owes(): boolean {
    return !this.#isEnded && this.#onWay > 0;
  }

  heard(frame: WireFrame): void {
    this.movedAt = this.#parts.now();
    if (frame.kind === kinds.cancel) return this.end('cancelled');
    const bytes = frame.kind === kinds.credit ? decodeCredit(joined(frame)) : undefined;
    if (bytes === undefined || bytes > this.#onWay) return this.#session.cut('get-wrong-credit');
    this.#onWay -= bytes;
    this.#wake();
  }

  end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.counters.add(`get-${reason}`);
    this.#session.forget(this.#request);
    this.#wake();
  }

  async #run(): Promise<void> {
    const { blob } = this.#order;
    let reader: BlobReader | undefined;
    try {
      reader = await this.#parts.store.open(blob);
      const { bytes, sha256, epoch } = reader;
      this.#session.send(kinds.content, this.#request, [encodeContent({ bytes, sha256, epoch })]);
      await this.#sendAll(reader);
      this.end('served');
    } catch (cause) {
      if (!(cause instanceof GrpError)) throw cause;
      const { code, message } = cause;
      if (code === 'DFS_BLOB_DAMAGED') this.#parts.onDamaged(blob);
      this.#session.send(kinds.error, this.#request, [encodeError({ code, message })]);
      this.end('failed');
    } finally {
      reader?.close();
    }
  }

  async #sendAll(reader: BlobReader): Promise<void> {
    const { offset, length } = this.#order;
    const end = length === 0 ? reader.bytes : Math.min(reader.bytes, offset + length);
    for (let at = offset; at < end;) {
      const index = Math.floor(at / frameBytes);
      const stop = Math.min(end, (index + 1) * frameBytes);
      await this.#mayGo(stop - at);
      if (this.#isEnded || this.#session.isClosed) return;
      await this.#sendFrame(reader, { index, from: at - index * frameBytes, to: stop - index * frameBytes });
      at = stop;
    }
  }

  /** Waits for the peer's credit, for the connection, and for room in memory. */
  async #mayGo(bytes: number): Promise<void> {
    const window = Math.max(frameBytes, Math.min(this.#order.windowBytes, this.#parts.config.windowBytes));
    while (!this.#isEnded && this.#onWay > 0 && this.#onWay + bytes > window)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    await this.#session.writable();
    await this.#parts.budget.room();
  }

  async #sendFrame(
    reader: BlobReader,
    { index, from, to }: { readonly index: number; readonly from: number; readonly to: number },
  ): Promise<void> {
    const { budget, buffers, counters } = this.#parts;
    const bytes = to - from;
    const isWhole = from === 0 && to === Math.min(frameBytes, reader.bytes - index * frameBytes);
    const into = to > 65_536 ? buffers.take() : undefined;
    budget.take(bytes);
    const done = (): void => {
      budget.release(bytes);
      if (into !== undefined) buffers.giveBack(into);
    };
    try {
      // A whole frame goes out under the CRC from the disk, which whoever receives it compares: rot here or on the way
      // is found there. For a part a new one is made, so the old one is compared first.
      const stored = isWhole ? await reader.stored(index, into) : await reader.verified(index, into);
      const content = stored.bytes.subarray(from, to);
      const crc = isWhole ? stored.crc : frameCrc(reader.blob, index, [content]);
      this.#onWay += bytes;
      this.movedAt = this.#parts.now();
      counters.add('get-bytes', bytes);
      this.#session.send(kinds.data, this.#request, [encodeDataHead(crc, index), content], done);
    } catch (cause) {
      done();
      throw cause;
    }
  }
}
