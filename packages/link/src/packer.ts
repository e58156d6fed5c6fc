import type { ChunkPool, Chunk } from './chunks.ts';
import { dataHeaderBytes, frameHeaderBytes, offsets, packetFlags, packetTypes, protocolVersion } from './wire.ts';
import { totalBytes, writeI32, writeU16 } from './wire.ts';

/**
 * Packs messages into datagrams: each message is copied once, to where it is sent from and kept until it is
 * acknowledged. Messages share a datagram as long as they fit; one that fits no datagram is split.
 */
export class Packer {
  readonly #pool: ChunkPool;
  readonly #datagramBytes: number;
  readonly #onFormed: (chunk: Chunk, bytes: Uint8Array) => void;
  #chunk: Chunk | undefined;
  // The open datagram is chunk.bytes[start … at); start < 0: there is none.
  #start = -1;
  #at = 0;
  #flags = 0;

  constructor(pool: ChunkPool, datagramBytes: number, onFormed: (chunk: Chunk, bytes: Uint8Array) => void) {
    this.#pool = pool;
    this.#datagramBytes = datagramBytes;
    this.#onFormed = onFormed;
  }

  /** Bytes of the datagram that is being filled. */
  get openBytes(): number {
    return this.#start < 0 ? 0 : this.#at - this.#start;
  }

  add(message: Uint8Array): void {
    const needed = frameHeaderBytes + message.length;
    if (dataHeaderBytes + needed > this.#datagramBytes) return this.#split(message);
    if (this.#start >= 0 && this.#at + needed > this.#start + this.#datagramBytes) this.close();
    if (this.#start < 0) this.#open();
    const { bytes } = this.#chunk as Chunk;
    writeU16(bytes, this.#at, message.length);
    bytes.set(message, this.#at + frameHeaderBytes);
    this.#at += needed;
  }

  /** Completes the open datagram, if there is one. */
  close(): void {
    if (this.#start < 0) return;
    const chunk = this.#chunk as Chunk;
    chunk.bytes[this.#start + offsets.version] = protocolVersion;
    chunk.bytes[this.#start + offsets.type] = packetTypes.data | this.#flags;
    const bytes = chunk.bytes.subarray(this.#start, this.#at);
    chunk.used = this.#at;
    chunk.live++;
    this.#start = -1;
    this.#onFormed(chunk, bytes);
  }

  /** A datagram out of this chunk is not needed any more. */
  release(chunk: Chunk): void {
    if (--chunk.live > 0) return;
    if (chunk !== this.#chunk) return this.#pool.giveBack(chunk);
    if (this.#start >= 0) return;
    this.#chunk = undefined;
    this.#pool.giveBack(chunk);
  }

  /** Forgets the open datagram. */
  clear(): void {
    this.#start = -1;
    const chunk = this.#chunk;
    this.#chunk = undefined;
    if (chunk !== undefined && chunk.live === 0) this.#pool.giveBack(chunk);
  }

  #open(): void {
    let chunk = this.#chunk;
    if (chunk === undefined || chunk.used + this.#datagramBytes > chunk.bytes.length) {
      if (chunk !== undefined && chunk.live === 0) this.#pool.giveBack(chunk);
      chunk = this.#pool.take();
      this.#chunk = chunk;
    }
    this.#start = chunk.used;
    this.#at = chunk.used + dataHeaderBytes;
    this.#flags = 0;
  }

  #split(message: Uint8Array): void {
    let offset = 0;
    while (offset < message.length) {
      // A small rest of a datagram is not worth a fragment.
      const room = this.#start < 0 ? 0 : this.#start + this.#datagramBytes - this.#at;
      if (room < this.#datagramBytes / 4) {
        this.close();
        this.#open();
      }
      const { bytes } = this.#chunk as Chunk;
      const prefix = offset === 0 ? totalBytes : 0;
      const free = this.#start + this.#datagramBytes - this.#at - frameHeaderBytes - prefix;
      const end = Math.min(message.length, offset + free);
      writeU16(bytes, this.#at, prefix + end - offset);
      this.#at += frameHeaderBytes;
      if (prefix > 0) writeI32(bytes, this.#at, message.length);
      else this.#flags |= packetFlags.continues;
      this.#at += prefix;
      bytes.set(message.subarray(offset, end), this.#at);
      this.#at += end - offset;
      offset = end;
      if (offset === message.length) return;
      this.#flags |= packetFlags.more;
      this.close();
    }
  }
}
