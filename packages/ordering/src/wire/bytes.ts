/** Appends numbers and bytes to a buffer that grows. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(sizeHint = 64) {
    this.#buffer = new Uint8Array(sizeHint);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A whole number in 0 … 2⁵³−1, seven bits per byte, the low ones first (LEB128). */
  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f_ff_ff_ff) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Reads what a `ByteWriter` wrote. After a mistake everything reads as 0 and `failed` stays true: nothing throws. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) {
      this.failed = true;
      return 0;
    }
    return this.#bytes[this.#at++] as number;
  }

  /** A whole number in 0 … 2⁵³−1; a greater one, or more than eight bytes, is a mistake. */
  number(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return this.failed || value > Number.MAX_SAFE_INTEGER ? this.#fail() : value;
      factor *= 128;
    }
    return this.#fail();
  }

  /** A number of things that follow, each of at least `bytesEach`: what cannot fit is a mistake, found before any room is made. */
  count(max: number, bytesEach = 1): number {
    const value = this.number();
    return value > max || value * bytesEach > this.remaining ? this.#fail() : value;
  }

  /** A view into the message, not a copy. */
  bytes(): Uint8Array {
    const length = this.number();
    if (length > this.remaining) this.#fail();
    if (this.failed) return this.#bytes.subarray(0, 0);
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  #fail(): number {
    this.failed = true;
    this.#at = this.#bytes.length;
    return 0;
  }
}
