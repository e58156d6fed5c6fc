// What goes over a connection: frames of a 12-byte header and a body. All numbers are little-endian.
import { frameBytes } from '../store/config.ts';

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
}

export function encodeFrameHeader(kind: Kind, request: number, bodyBytes: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(bodyBytes, 0);
  header.writeUInt32LE(kind, 4);
  header.writeUInt32LE(request, 8);
  return header;
}

/** Cuts a byte stream into frames, without copying. */
export class FrameReader {
  readonly #onFrame: (frame: WireFrame) => void;
  readonly #head = Buffer.alloc(headerBytes);
  #headFilled = 0;
  #parts: Uint8Array[] = [];
  #wanted = 0;
  #got = 0;

  constructor(onFrame: (frame: WireFrame) => void) {
    this.#onFrame = onFrame;
  }

  /** Bytes of an unfinished frame. */
  get pendingBytes(): number {
    return this.#got;
  }

  /** False: this is not the protocol, and the rest is of no use. */
  push(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headFilled < headerBytes) {
        const part = chunk.subarray(at, at + headerBytes - this.#headFilled);
        this.#head.set(part, this.#headFilled);
        this.#headFilled += part.length;
        at += part.length;
        if (this.#headFilled < headerBytes) return true;
        this.#wanted = this.#head.readUInt32LE(0);
        const kind = this.#head.readUInt32LE(4);
        if (this.#wanted > bodyBytesMax || kind < 1 || kind > kindMax) return false;
      }
      const part = chunk.subarray(at, at + this.#wanted - this.#got);
      if (part.length > 0) this.#parts.push(part);
      this.#got += part.length;
      at += part.length;
      if (this.#got === this.#wanted) this.#emit();
    }
    return true;
  }

  #emit(): void {
    const kind = this.#head.readUInt32LE(4) as Kind;
    const frame = { kind, request: this.#head.readUInt32LE(8), parts: this.#parts, bytes: this.#wanted };
    this.#headFilled = 0;
    this.#parts = [];
    this.#got = 0;
    this.#wanted = 0;
    this.#onFrame(frame);
  }
}

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
