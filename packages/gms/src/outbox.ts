import type { Address } from '@grp/core';
import type { Links } from './ports.ts';

interface Box {
  readonly waiting: Uint8Array[];
  bytes: number;
}

export interface OutboxOptions {
  readonly links: Links;
  /** Bytes that may wait for one peer. */
  readonly bytesMax: number;
  /** More than that waits for this peer: everything was dropped, as if the links had begun anew. */
  readonly onOverflow: (peer: Address) => void;
}

/**
 * What the links do not take yet, in order, for each peer. The bytes are shared with the row and with other peers' boxes,
 * and flow control bounds them; the limit here is for a peer that takes nothing at all.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #boxes = new Map<Address, Box>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** `isRetry`: dropped when older messages wait, because it repeats one of them. */
  send(to: Address, bytes: Uint8Array, isRetry: boolean): void {
    const box = this.#boxes.get(to);
    if (box === undefined) {
      if (!this.#options.links.send(to, bytes)) this.#boxes.set(to, { waiting: [bytes], bytes: bytes.length });
      return;
    }
    if (isRetry) return;
    box.waiting.push(bytes);
    box.bytes += bytes.length;
    if (box.bytes <= this.#options.bytesMax) return;
    this.#boxes.delete(to);
    this.#options.onOverflow(to);
  }

  /** The links have room for this peer again. */
  drain(peer: Address): void {
    const box = this.#boxes.get(peer);
    if (box === undefined) return;
    let count = 0;
    for (const bytes of box.waiting) {
      if (!this.#options.links.send(peer, bytes)) break;
      box.bytes -= bytes.length;
      count++;
    }
    if (count === box.waiting.length) this.#boxes.delete(peer);
    else box.waiting.splice(0, count);
  }

  forget(peer: Address): void {
    this.#boxes.delete(peer);
  }

  get bytes(): number {
    let sum = 0;
    for (const box of this.#boxes.values()) sum += box.bytes;
    return sum;
  }
}
