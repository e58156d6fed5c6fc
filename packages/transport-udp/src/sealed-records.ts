import { createCipheriv, createDecipheriv, createSecretKey, type DecipherGCM, type KeyObject } from 'node:crypto';
import type { ByteStream } from '@grp/core';

// A record: its length in four bytes, little-endian, which the seal covers, too; the sealed bytes; a tag of sixteen.
const headBytes = 4;
const tagBytes = 16;
/** Nothing of a record is believed before its end: so much of it waits in memory. */
const recordBytesMax = 262_144;
/** Below, a copy is cheaper than another call. */
const smallBytesMax = 16_384;
const cipher = 'aes-256-gcm';
const nothing = (): void => {};

/** One key, and a nonce that counts: no record can be repeated, left out, or moved. */
class Nonces {
  readonly key: KeyObject;
  #count = 0;

  constructor(key: Uint8Array) {
    this.key = createSecretKey(key);
  }

  next(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(BigInt(this.#count++), 4);
    return nonce;
  }
}

/** Seals what goes out over one stream. */
export class SealingRecords {
  readonly #nonces: Nonces;

  constructor(key: Uint8Array) {
    this.#nonces = new Nonces(key);
  }

  /** False: the stream takes no more for now. `onFree` comes when all of it has gone. */
  send(to: ByteStream, bytes: Uint8Array, onFree: () => void): boolean {
    if (bytes.length === 0) {
      queueMicrotask(onFree);
      return true;
    }
    let before: Uint8Array = new Uint8Array(0); // the tag of the record before goes out with the next head
    for (let at = 0; at < bytes.length; at += recordBytesMax) {
      const { head, body, tag } = this.#seal(bytes.subarray(at, at + recordBytesMax));
      if (bytes.length <= smallBytesMax) return give(to, Buffer.concat([head, body, tag]), onFree);
      give(to, Buffer.concat([before, head]), nothing);
      give(to, body, nothing);
      before = tag;
    }
    return give(to, before, onFree);
  }

  #seal(bytes: Uint8Array): { readonly head: Buffer; readonly body: Buffer; readonly tag: Buffer } {
    const sealer = createCipheriv(cipher, this.#nonces.key, this.#nonces.next());
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt32LE(bytes.length);
    sealer.setAAD(head);
    const body = sealer.update(bytes);
    sealer.final(); // GCM holds nothing back
    return { head, body, tag: sealer.getAuthTag() };
  }
}

function give(to: ByteStream, bytes: Uint8Array, onFree: () => void): boolean {
  if (to.give !== undefined) return to.give(bytes, onFree);
  const hasRoom = to.write(bytes); // it has made a copy
  onFree();
  return hasRoom;
}

/** Opens what comes in over one stream, in whatever pieces it comes. */
export class OpeningRecords {
  readonly #nonces: Nonces;
  /** Head or tag as far as it has come. */
  readonly #fixed = Buffer.alloc(tagBytes);
  #fixedFilled = 0;
  #opener: DecipherGCM | undefined;
  #left = 0;
  #opened: Uint8Array[] = [];

  constructor(key: Uint8Array) {
    this.#nonces = new Nonces(key);
  }

  get isBetweenRecords(): boolean {
    return this.#opener === undefined && this.#fixedFilled === 0;
  }

  /** The content of the records that are complete, in pieces; undefined: this is not what was sealed. */
  open(chunk: Uint8Array): Uint8Array[] | undefined {
    const whole: Uint8Array[] = [];
    for (let rest = chunk; rest.length > 0;) {
      if (this.#opener !== undefined && this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        this.#opened.push(this.#opener.update(part));
        this.#left -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      const wanted = this.#opener === undefined ? headBytes : tagBytes;
      const part = rest.subarray(0, wanted - this.#fixedFilled);
      this.#fixed.set(part, this.#fixedFilled);
      this.#fixedFilled += part.length;
      rest = rest.subarray(part.length);
      if (this.#fixedFilled < wanted) break;
      this.#fixedFilled = 0;
      if (this.#opener === undefined ? !this.#begin() : !this.#finish(this.#opener, whole)) return undefined;
    }
    return whole;
  }

  #begin(): boolean {
    const head = Buffer.from(this.#fixed.subarray(0, headBytes));
    this.#left = head.readUInt32LE();
    if (this.#left === 0 || this.#left > recordBytesMax) return false;
    this.#opener = createDecipheriv(cipher, this.#nonces.key, this.#nonces.next());
    this.#opener.setAAD(head);
    return true;
  }

  #finish(opener: DecipherGCM, whole: Uint8Array[]): boolean {
    this.#opener = undefined;
    const opened = this.#opened;
    this.#opened = [];
    try {
      opener.setAuthTag(Buffer.from(this.#fixed));
      opener.final();
    } catch {
      return false;
    }
    whole.push(...opened);
    return true;
  }
}
