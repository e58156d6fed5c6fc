import { GrpError } from '@grp/core';
import type { BlobReader } from '../store/blob-reader.ts';
import { frameBytes } from '../store/config.ts';
import { frameCrc } from '../store/frame-crc.ts';
import { decodeCredit, encodeContent, encodeDataHead, encodeError, type GetOrder } from './bodies.ts';
import { bufferedBytesMin, joined, kinds, type WireFrame } from './frames.ts';
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
    let ahead: Promise<ReadFrame> | undefined;
    try {
      for (let at = offset; at < end;) {
        const frame = await (ahead ?? this.#read(reader, at, end));
        at += frame.content.length;
        // While one frame goes out the next one is read.
        ahead = at < end && !this.#isEnded ? this.#read(reader, at, end) : undefined;
        ahead?.catch(() => {}); // told in its turn
        await this.#mayGo(frame.content.length);
        if (this.#isEnded || this.#session.isClosed) return frame.onFree();
        this.#send(frame);
      }
    } finally {
      ahead?.then(({ onFree }) => onFree()).catch(() => {});
    }
  }

  /** Waits for the peer's credit, and for the connection. */
  async #mayGo(bytes: number): Promise<void> {
    const window = Math.max(frameBytes, Math.min(this.#order.windowBytes, this.#parts.config.windowBytes));
    while (!this.#isEnded && this.#onWay > 0 && this.#onWay + bytes > window)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    await this.#session.writable();
  }

  /** The frame in which `at` is, from there on, as soon as there is room in memory for it. */
  async #read(reader: BlobReader, at: number, end: number): Promise<ReadFrame> {
    const { budget, buffers } = this.#parts;
    const index = Math.floor(at / frameBytes);
    const from = at - index * frameBytes;
    const to = Math.min(frameBytes, end - index * frameBytes);
    await budget.room();
    const into = to > bufferedBytesMin ? buffers.take() : undefined;
    const memoryBytes = into?.all.length ?? to;
    budget.take(memoryBytes);
    const onFree = (): void => {
      budget.release(memoryBytes);
      if (into !== undefined) buffers.giveBack(into);
    };
    try {
      // A whole frame goes out under the CRC from the disk, which whoever receives it compares: rot here or on the way
      // is found there. For a part a new one is made, so the old one is compared first.
      const isWhole = from === 0 && to === Math.min(frameBytes, reader.bytes - index * frameBytes);
      const stored = isWhole ? await reader.stored(index, into?.content) : await reader.verified(index, into?.content);
      const content = stored.bytes.subarray(from, to);
      return { index, content, crc: isWhole ? stored.crc : frameCrc(reader.blob, index, [content]), onFree };
    } catch (cause) {
      onFree();
      throw cause;
    }
  }

  #send({ index, content, crc, onFree }: ReadFrame): void {
    this.#onWay += content.length;
    this.movedAt = this.#parts.now();
    this.#parts.counters.add('get-bytes', content.length);
    this.#session.send(kinds.data, this.#request, [encodeDataHead(crc, index), content], onFree);
  }
}

interface ReadFrame {
  readonly index: number;
  readonly content: Buffer;
  readonly crc: number;
  /** To be called once, when the memory is of no more use. */
  readonly onFree: () => void;
}
