// What goes over a connection: frames of a 12-byte header and a body. All numbers are little-endian.
import { crc32 } from 'node:zlib';
import { freeMemory } from '@grp/core';
import { frameBytes } from '../store/config.ts';
import { blockBytes, type FrameBuffer, type FrameBuffers } from '../store/frame-buffers.ts';
import { dataHeadBytes } from './bodies.ts';

export const headerBytes = 12;
/** Of the protocol; a peer of a newer one is told, and speaks this one. */
export const protocolVersion = 1;
/** The largest body: a frame of content with its CRC and place. */
export const bodyBytesMax = 4 * frameBytes + 256;

/** Numbers are for ever. */
export const kinds = {
  hello: 1,
  error: 2,
  cancel: 3,
  metaRequest: 4,
  metaReply: 5,
  put: 6,
  data: 7,
  finish: 8,
  stored: 9,
  credit: 10,
  get: 11,
  content: 12,
  digest: 13,
  digestReply: 14,
  copy: 15,
  remove: 16,
  removed: 17,
  list: 18,
  listed: 19,
  wipe: 20,
  wiped: 21,
} as const;
export type Kind = (typeof kinds)[keyof typeof kinds];
const kindMax = 21;

/** A frame as it came; its body in the pieces in which it came. */
export interface WireFrame {
  readonly kind: Kind;
  /** Chosen by who asks; tells the requests of one connection apart. */
  readonly request: number;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** Of content: its CRC-32, begun with what the reader's owner said. */
  readonly contentCrc?: number | undefined;
  /**
   * There for content that came into a buffer: the listener takes it over, and gives it back. Without this call the parts
   * are valid until the listener returns.
   */
  readonly keep?: (() => FrameBuffer) | undefined;
}

/** Content of fewer bytes stays where it came: a buffer of a whole frame would hold too much memory for it. */
export const bufferedBytesMin = frameBytes / 4;

export function encodeFrameHeader(kind: Kind, request: number, bodyBytes: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(bodyBytes, 0);
  header.writeUInt32LE(kind, 4);
  header.writeUInt32LE(request, 8);
  return header;
}

export interface FrameReaderOptions {
  readonly onFrame: (frame: WireFrame) => void;
  /** Content is copied into one of these, and the memory in which it came given back at once. */
  readonly buffers?: FrameBuffers | undefined;
  /** What the CRC of content begins with, by its request and its number; none: nobody waits for it. */
  readonly seedOf?: ((request: number, index: number) => number | undefined) | undefined;
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  #buffer: FrameBuffer | undefined;
  readonly #dataHead = Buffer.alloc(dataHeadBytes);
  #contentCrc: number | undefined;
  readonly #head = Buffer.alloc(headerBytes);
  #headFilled = 0;
  #parts: Uint8Array[] = [];
  #wanted = 0;
  #got = 0;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** Bytes of an unfinished frame. */
  get pendingBytes(): number {
    return this.#got;
  }

  /** False: this is not the protocol, and the rest is of no use. */
  push(chunk: Uint8Array): boolean {
    let at = 0;
    let isCopied = this.#options.buffers !== undefined;
    while (at < chunk.length) {
      if (this.#headFilled < headerBytes) {
        const part = chunk.subarray(at, at + headerBytes - this.#headFilled);
        this.#head.set(part, this.#headFilled);
        this.#headFilled += part.length;
        at += part.length;
        if (this.#headFilled < headerBytes) return true;
        this.#wanted = this.#head.readUInt32LE(0);
        if (this.#wanted > bodyBytesMax || this.#kind < 1 || this.#kind > kindMax) return false;
        const contentBytes = this.#kind === kinds.data ? this.#wanted - dataHeadBytes : 0;
        if (contentBytes >= bufferedBytesMin && contentBytes <= frameBytes)
          this.#buffer = this.#options.buffers?.take();
      }
      const part = chunk.subarray(at, at + this.#wanted - this.#got);
      if (this.#kind === kinds.data) this.#sum(part);
      if (this.#buffer !== undefined) this.#buffer.all.set(part, bodyOffset + this.#got);
      else if (part.length > 0) {
        this.#parts.push(part);
        isCopied = false;
      }
      this.#got += part.length;
      at += part.length;
      if (this.#got === this.#wanted) this.#emit();
    }
    if (isCopied) freeMemory(chunk);
    return true;
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#buffer !== undefined) this.#options.buffers?.giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  get #kind(): number {
    return this.#head.readUInt32LE(4);
  }

  get #request(): number {
    return this.#head.readUInt32LE(8);
  }

  /** While the bytes are in the processor's cache: a frame later they would have to be fetched again. */
  #sum(part: Uint8Array): void {
    let content = part;
    if (this.#got < dataHeadBytes) {
      const head = part.subarray(0, dataHeadBytes - this.#got);
      this.#dataHead.set(head, this.#got);
      content = part.subarray(head.length);
      if (this.#got + head.length < dataHeadBytes) return;
      this.#contentCrc = this.#options.seedOf?.(this.#request, this.#dataHead.readUInt32LE(4));
    }
    if (this.#contentCrc !== undefined) this.#contentCrc = crc32(content, this.#contentCrc);
  }

  #emit(): void {
    const { onFrame, buffers } = this.#options;
    const [kind, request, contentCrc] = [this.#kind as Kind, this.#request, this.#contentCrc];
    const [parts, bytes, buffer] = [this.#parts, this.#wanted, this.#buffer];
    this.#contentCrc = undefined;
    this.#headFilled = 0;
    this.#parts = [];
    this.#got = 0;
    this.#wanted = 0;
    if (buffer === undefined) return onFrame({ kind, request, parts, bytes, contentCrc });
    // The listener may end this reader meanwhile: the buffer is no longer the reader's.
    this.#buffer = undefined;
    let isKept = false;
    const keep = (): FrameBuffer => {
      isKept = true;
      return buffer;
    };
    const body = buffer.all.subarray(bodyOffset, bodyOffset + bytes);
    onFrame({ kind, request, parts: [body], bytes, contentCrc, keep });
    if (!isKept) buffers?.giveBack(buffer);
  }
}

/** So that the content, behind its own head, begins where a block does. */
const bodyOffset = blockBytes - dataHeadBytes;

/** The body in one piece. */
export function joined({ parts, bytes }: WireFrame): Buffer {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return Buffer.from(first.buffer, first.byteOffset, first.length);
  return Buffer.concat(parts, bytes);
}

/** The first bytes of a body, and the rest in its pieces. */
export function split(
  { parts, bytes }: WireFrame,
  at: number,
): { readonly head: Buffer; readonly rest: Uint8Array[] } | undefined {
  if (bytes < at) return undefined;
  const head = Buffer.allocUnsafe(at);
  const rest: Uint8Array[] = [];
  let filled = 0;
  for (const part of parts) {
    const take = Math.min(part.length, at - filled);
    head.set(part.subarray(0, take), filled);
    filled += take;
    if (take < part.length) rest.push(take === 0 ? part : part.subarray(take));
  }
  return { head, rest };
}
