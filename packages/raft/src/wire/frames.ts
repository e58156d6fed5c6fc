import { ByteReader, ByteWriter, joined } from '../bytes.ts';

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

/** Frames that are written one after the other into one piece, for one write. */
export class FrameWriter {
  #writer = new ByteWriter(4_096);
  /** How long the last pieces were: the next one will be, too. */
  #sizeHint = 4_096;

  get length(): number {
    return this.#writer.length;
  }

  /** Adds a frame, whose body `write` writes. */
  frame(write: (writer: ByteWriter) => void): void {
    const writer = this.#writer;
    const at = writer.length;
    writer.uint32(0);
    write(writer);
    writer.setUint32(at, writer.length - at - frameHeaderBytes);
  }

  /** All that was written since the last time. */
  take(): Uint8Array {
    const bytes = this.#writer.finish();
    this.#sizeHint = Math.max(256, Math.min(262_144, Math.max(bytes.length, this.#sizeHint >> 1)));
    this.#writer = new ByteWriter(this.#sizeHint);
    return bytes;
  }
}

/** Cuts a byte stream into frames. Memory is what has arrived of one frame. */
export class FrameReader {
  /** The beginning of a frame whose end is yet to come. */
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** So much makes it whole, or tells how long it is. */
  #needed = frameHeaderBytes;

  /** Whole frames, views of what has arrived; undefined: the stream is not to be believed any more. */
  push(bytes: Uint8Array): Uint8Array[] | undefined {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    const frames: Uint8Array[] = [];
    if (this.#size < this.#needed) return frames;
    const all = joined(this.#chunks);
    let at = 0;
    for (;;) {
      const left = all.length - at;
      this.#needed = left < frameHeaderBytes ? frameHeaderBytes : frameHeaderBytes + uint32At(all, at);
      if (this.#needed > frameHeaderBytes + frameBytesMax) return undefined;
      if (left < this.#needed || left === 0) break;
      frames.push(all.subarray(at + frameHeaderBytes, at + this.#needed));
      at += this.#needed;
    }
    this.#size = all.length - at;
    this.#chunks = this.#size === 0 ? [] : [all.subarray(at)];
    return frames;
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  const byte = (offset: number): number => bytes[at + offset] as number;
  return byte(0) * 0x100_0000 + ((byte(1) << 16) | (byte(2) << 8) | byte(3));
}
