import { GrpError, type ByteStream, type StreamHandlers } from '@grp/core';
import {
  decodeCopy,
  decodeDigest,
  decodeGet,
  decodeList,
  decodePut,
  decodeRemove,
  encodeAck,
  encodeContent,
  encodeError,
  encodeListed,
  type WireCopy,
} from './bodies.ts';
import { dfsError } from '../../errors.ts';
import { fetchBlob } from './fetch-blob.ts';
import { joined, kinds, type Kind, type WireFrame } from './frames.ts';
import { GetTransfer } from './get-transfer.ts';
import type { Peers } from './peers.ts';
import { PutTransfer } from './put-transfer.ts';
import type { ServerParts, ServerSession, Transfer } from './server-parts.ts';
import { Session } from './session.ts';
import { deepDigest } from '../store/scrub.ts';

export interface ConnectionServices {
  readonly answer: (request: Uint8Array) => Promise<Uint8Array>;
  /** For fetching blobs from other servers. */
  readonly peers: Peers;
}

/** What one client, or another server, asks for over one connection. */
export class ServerConnection implements ServerSession {
  /** Resolves when the connection has gone. */
  readonly gone: Promise<void>;
  readonly #parts: ServerParts;
  readonly #services: ConnectionServices;
  readonly #session: Session;
  readonly #transfers = new Map<number, Transfer>();
  #requests = 0;
  #isPaused = false;
  #attachedAt = 0;

  constructor(parts: ServerParts, services: ConnectionServices, onGone: (why: string | undefined) => void) {
    this.#parts = parts;
    this.#services = services;
    let tellGone: () => void = () => {};
    this.gone = new Promise((resolve) => (tellGone = resolve));
    this.#session = new Session({
      node: parts.node,
      windowBytes: parts.config.windowBytes,
      buffers: parts.buffers,
      seedOf: (request, index) => this.#transfers.get(request)?.seedOf?.(index),
      onFrame: (frame) => this.#heard(frame),
      onClose: (_end, why) => {
        for (const transfer of this.#transfers.values()) transfer.end('gone');
        onGone(why);
        tellGone();
      },
    });
  }

  get transferCount(): number {
    return this.#transfers.size;
  }

  get isClosed(): boolean {
    return this.#session.isClosed;
  }

  attach(stream: ByteStream): StreamHandlers {
    this.#attachedAt = this.#parts.now();
    this.#session.attach(stream);
    return this.#session.handlers;
  }

  send(kind: Kind, request: number, parts?: readonly Uint8Array[], onSent?: () => void): void {
    this.#session.send(kind, request, parts, onSent);
  }

  writable(): Promise<void> {
    return this.#session.writable();
  }

  cut(why: string): void {
    this.#session.cut(why);
  }

  forget(request: number): void {
    this.#transfers.delete(request);
  }

  close(): void {
    this.#session.close();
  }

  heedBudget(): void {
    const { budget } = this.#parts;
    if (this.#isPaused || !budget.isSpent) return;
    this.#isPaused = true;
    this.#session.pause();
    void budget.room().then(() => {
      this.#isPaused = false;
      this.#session.resume();
    });
  }

  /** Cuts off a peer that has owed something, or a greeting, since before `time`. */
  endStalled(time: number): void {
    if (this.#session.peer === undefined && this.#attachedAt < time) return this.cut('no-greeting');
    for (const transfer of this.#transfers.values())
      if (transfer.owes && transfer.movedAt < time) {
        transfer.end('stalled');
        return this.cut('stalled');
      }
  }

  #heard(frame: WireFrame): void {
    const { request, kind } = frame;
    const transfer = this.#transfers.get(request);
    if (transfer !== undefined) transfer.heard(frame);
    else if (kind === kinds.put) this.#begin(frame);
    else if (kind === kinds.get) this.#begin(frame);
    else if (kind !== kinds.data && kind !== kinds.finish && kind !== kinds.credit && kind !== kinds.cancel)
      void this.#answer(frame);
    // What is left belongs to a transfer that is over: its sender does not know yet.
  }

  #begin(frame: WireFrame): void {
    const { request } = frame;
    if (this.#transfers.size >= this.#parts.config.transfersMax)
      return this.#tell(request, { code: 'DFS_BUSY', message: 'Too much at once.' });
    const body = joined(frame);
    const transfer =
      frame.kind === kinds.put
        ? this.#made(decodePut(body), (order) => new PutTransfer(this.#parts, this, request, order))
        : this.#made(decodeGet(body), (order) => new GetTransfer(this.#parts, this, request, order));
    if (transfer?.isOver === false) this.#transfers.set(request, transfer);
  }

  #made<Order>(order: Order | undefined, make: (order: Order) => Transfer): Transfer | undefined {
    if (order !== undefined) return make(order);
    this.cut('malformed');
    return undefined;
  }

  async #answer(frame: WireFrame): Promise<void> {
    const { request } = frame;
    if (this.#requests >= 16 * this.#parts.config.transfersMax)
      return this.#tell(request, { code: 'DFS_BUSY', message: 'Too much at once.' });
    this.#requests++;
    try {
      await this.#answerNow(frame, joined(frame));
    } catch (cause) {
      if (!(cause instanceof GrpError)) throw cause;
      this.#tell(request, cause);
    } finally {
      this.#requests--;
    }
  }

  async #answerNow({ kind, request }: WireFrame, body: Buffer): Promise<void> {
    if (kind === kinds.metaRequest) this.send(kinds.metaReply, request, [await this.#services.answer(body)]);
    else if (kind === kinds.digest) await this.#digest(request, body);
    else if (kind === kinds.copy) await this.#copy(request, body);
    else if (kind === kinds.remove) await this.#remove(request, body);
    else if (kind === kinds.list) {
      const order = decodeList(body);
      if (order === undefined) return this.cut('malformed');
      this.send(kinds.listed, request, [encodeListed(this.#parts.store.list(order.limit, order.after))]);
    } else this.cut('unexpected');
  }

  async #digest(request: number, body: Buffer): Promise<void> {
    const order = decodeDigest(body);
    if (order === undefined) return this.cut('malformed');
    const { store, onDamaged } = this.#parts;
    const reader = await store.open(order.blob);
    try {
      const { bytes, epoch } = reader;
      const sha256 = order.deep ? await deepDigest(reader) : reader.sha256;
      this.send(kinds.digestReply, request, [encodeContent({ bytes, sha256, epoch })]);
    } catch (cause) {
      if (cause instanceof GrpError && cause.code === 'DFS_BLOB_DAMAGED') onDamaged(order.blob);
      throw cause;
    } finally {
      reader.close();
    }
  }

  async #copy(request: number, body: Buffer): Promise<void> {
    const order = decodeCopy(body);
    if (order === undefined) return this.cut('malformed');
    const { node, incarnation } = this.#parts;
    this.#checkLife(order.incarnation);
    const epoch = await this.#fetch(order);
    this.#checkLife(order.incarnation);
    this.send(kinds.stored, request, [encodeAck({ node, incarnation: incarnation(), epoch })]);
  }

  /** An order that is given again, because it took so long, waits for the copy that is under way. */
  #fetch(order: WireCopy): Promise<number> {
    const { fetching } = this.#parts;
    const key = `${order.blob} ${order.from}`;
    const known = fetching.get(key);
    if (known !== undefined) return known;
    const fetched = fetchBlob(this.#parts, this.#services.peers.at(order.from), order)
      .then(() => order.epoch)
      .finally(() => fetching.delete(key));
    fetching.set(key, fetched);
    return fetched;
  }

  async #remove(request: number, body: Buffer): Promise<void> {
    const order = decodeRemove(body);
    if (order === undefined) return this.cut('malformed');
    const { store, counters } = this.#parts;
    this.#checkLife(order.incarnation);
    const removed = await Promise.all(order.items.map(({ blob, epoch }) => store.remove(blob, epoch)));
    counters.add('removed', removed.filter(Boolean).length);
    this.send(kinds.removed, request);
  }

  /** An order for another life says nothing about this one. @throws GrpError DFS_SERVER_EXPELLED */
  #checkLife(incarnation: number): void {
    const { node } = this.#parts;
    if (incarnation !== this.#parts.incarnation()) throw dfsError('DFS_SERVER_EXPELLED', { context: { node } });
  }

  #tell(request: number, { code, message }: { readonly code: string; readonly message: string }): void {
    this.send(kinds.error, request, [encodeError({ code, message })]);
  }
}
