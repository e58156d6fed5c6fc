import { ByteReader } from './bytes.ts';

/** Reads records from bytes that come in pieces, cut anywhere. What is not all there yet waits for the next piece. */
export class RecordReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #offset = 0;

  push(piece: Uint8Array): void {
    const rest = this.rest();
    if (rest.length === 0) this.#bytes = piece;
    else {
      const bytes = new Uint8Array(rest.length + piece.length);
      bytes.set(rest);
      bytes.set(piece, rest.length);
      this.#bytes = bytes;
    }
    this.#offset = 0;
  }

  /** The next record; undefined: it is not all there yet. */
  take<Value>(read: (reader: ByteReader) => Value): Value | undefined {
    const reader = new ByteReader(this.#bytes, this.#offset);
    const value = read(reader);
    if (reader.isBroken) return undefined;
    this.#offset = reader.offset;
    return value;
  }

  /** What no record was read from. A view, not a copy. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#offset);
  }
}
