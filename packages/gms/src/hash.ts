import type { NodeId } from '@grp/core';

/** Two lanes of 32 bits. */
export type HashState = readonly [high: number, low: number];

export const emptyHash: HashState = [0x6a09e667, 0xbb67ae85 | 0];

/**
 * A running 64-bit hash over (sequence, sender, payload) of each message, four bytes a step: the words of a payload go to
 * the two lanes by turns, and the lanes are mixed after each message. It finds rows that differ; it is no proof against
 * somebody who wants to fool it.
 */
export class OrderHash {
  #high: number;
  #low: number;

  constructor([high, low]: HashState = emptyHash) {
    this.#high = high;
    this.#low = low;
  }

  get state(): HashState {
    return [this.#high, this.#low];
  }

  /** 16 hexadecimal digits. */
  get hex(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Takes in the message whose payload lies from `start` to `end` in `view`. */
  add(sequence: number, sender: number, view: DataView, start: number, end: number): void {
    let high = stir(this.#high, (sequence % 0x1_0000_0000) | 0);
    let low = stir(this.#low, sender ^ (sequence / 0x1_0000_0000));
    let at = start;
    for (; at + 8 <= end; at += 8) {
      high = stir(high, view.getInt32(at, true));
      low = stir(low, view.getInt32(at + 4, true));
    }
    if (at + 4 <= end) {
      high = stir(high, view.getInt32(at, true));
      at += 4;
    }
    let tail = end - start; // the length, so that bytes cannot move from one message to the next
    for (; at < end; at++) tail = (tail << 8) ^ view.getUint8(at) ^ (tail >>> 24);
    low = stir(low, tail);
    this.#high = (high + low) | 0;
    this.#low = low ^ ((this.#high << 13) | (this.#high >>> 19));
  }
}

function stir(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** 32 bits of a name (FNV-1a over UTF-16 units, then mixed), for hashes and group lineages. */
export function hashText(text: string | NodeId): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return stir(hash, text.length) >>> 0;
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
