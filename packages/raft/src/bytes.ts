const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Appends numbers and bytes to a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** @param begin how much it will probably be, or memory to write into as long as it lasts */
  constructor(begin: number | Uint8Array = 256) {
    this.#bytes = typeof begin === 'number' ? new Uint8Array(begin) : begin;
  }

  /** A whole number of 0 … 2⁵³−1, in as few bytes as it needs (base 128, low digits first, as in Protocol Buffers). */
  varint(value: number): this {
    let rest = value;
    this.#reserve(8);
    // Bits can be had of numbers below 2³¹ only, and are quicker than divisions.
    for (; rest >= 0x80 && rest < 0x8000_0000; rest >>>= 7) this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Four bytes, big end first. */
  uint32(value: number): this {
    this.#reserve(4);
    this.#length += 4;
    this.setUint32(this.#length - 4, value);
    return this;
  }

  /** Writes four bytes again that were written before. */
  setUint32(at: number, value: number): void {
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
  }

  /** Bytes with their length before them. */
  bytes(value: Uint8Array): this {
    this.varint(value.length);
    return this.raw(value);
  }

  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(encoder.encode(value));
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * Reads what a `ByteWriter` wrote. It never throws: at the first thing that does not fit it becomes `isBroken`, and gives
 * zeros and empty values from then on.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#offset;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get remaining(): number {
    return this.#isBroken ? 0 : this.#bytes.length - this.#offset;
  }

  varint(): number {
    const first = this.#bytes[this.#offset];
    if (first !== undefined && first < 0x80 && !this.#isBroken) {
      this.#offset++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) break;
      value += (byte % 0x80) * scale;
      if (byte < 0x80) return this.#isBroken || value > Number.MAX_SAFE_INTEGER ? this.#fail(0) : value;
      scale *= 0x80;
    }
    return this.#fail(0);
  }

  /** A number of things that follow, each at least one byte long: a false count cannot ask for more than there is. */
  count(): number {
    const value = this.varint();
    return value <= this.remaining ? value : this.#fail(0);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.count());
  }

  raw(length: number): Uint8Array {
    if (length > this.remaining) return this.#fail(new Uint8Array(0));
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch {
      return this.#fail('');
    }
  }

  #fail<Value>(value: Value): Value {
    this.#isBroken = true;
    return value;
  }
}

/** Several pieces as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
