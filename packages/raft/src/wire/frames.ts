import { ByteReader, ByteWriter } from '../bytes.ts';

/** A frame: four bytes of length, big end first, and as many bytes. */
export const frameHeaderBytes = 4;
/** A snapshot's chunk and an append of one huge entry fit in. */
export const frameBytesMax = 33_554_432;
const magic = 0x67_72_70_72; // 'grpr'
export const wireVersion = 1;

/** The first frame of a stream: who speaks, of which group. */
export interface Hello {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  /** Where `from` listens, for a receiver that has not been told of it yet. */
  readonly address: string;
}

export function encodeHello({ group, from, to, address }: Hello): Uint8Array {
  return new ByteWriter(64).varint(magic).varint(wireVersion).text(group).text(from).text(to).text(address).finish();
}

/** Undefined: not the beginning of a stream of this protocol, or of a version that is not understood. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  const reader = new ByteReader(bytes);
  if (reader.varint() !== magic || reader.varint() !== wireVersion) return undefined;
  const hello = { group: reader.text(), from: reader.text(), to: reader.text(), address: reader.text() };
  return reader.isBroken ? undefined : hello;
}

/** Several frames in one piece, for one write. */
export function joinFrames(bodies: readonly Uint8Array[]): Uint8Array {
  const size = bodies.reduce((sum, { length }) => sum + frameHeaderBytes + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const body of bodies) {
    view.setUint32(at, body.length);
    bytes.set(body, at + frameHeaderBytes);
    at += frameHeaderBytes + body.length;
  }
  return bytes;
}

/** Cuts a byte stream into frames. Memory is what has arrived of one frame. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #size = 0;

  /** Whole frames, each in memory of its own; undefined: the stream is not to be believed any more. */
  push(bytes: Uint8Array): Uint8Array[] | undefined {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    const frames: Uint8Array[] = [];
    for (;;) {
      if (this.#size < frameHeaderBytes) return frames;
      const head = this.#peek(frameHeaderBytes);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
      if (length > frameBytesMax) return undefined;
      if (this.#size < frameHeaderBytes + length) return frames;
      frames.push(this.#take(frameHeaderBytes + length).subarray(frameHeaderBytes));
    }
  }

  #peek(count: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) return first;
    const all = this.#copy(this.#size);
    this.#chunks = [all];
    return all;
  }

  #take(count: number): Uint8Array {
    const taken = this.#copy(count);
    let left = count;
    while (left > 0) {
      const chunk = this.#chunks[0] as Uint8Array;
      if (chunk.length <= left) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(left);
      left -= Math.min(left, chunk.length);
    }
    this.#size -= count;
    return taken;
  }

  #copy(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    let at = 0;
    for (const chunk of this.#chunks) {
      if (at >= count) break;
      const part = chunk.subarray(0, count - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}
