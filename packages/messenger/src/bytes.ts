const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Undefined when it is no UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** One after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Numbers and texts, one after the other. */
export class Writer {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.raw(Uint8Array.of(value));
  }

  u32(value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    return this.raw(bytes);
  }

  f64(value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value);
    return this.raw(bytes);
  }

  /** With its length in front, at most 65,535 bytes. */
  text(value: string): this {
    const bytes = utf8(value);
    return this.raw(Uint8Array.of(bytes.length >> 8, bytes.length & 255)).raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  bytes(): Uint8Array {
    return joined(this.#parts);
  }
}

/** Reads what `Writer` wrote. Never throws: what is missing reads as 0 or '', and `isBroken` says so. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Something was missing, or was no text, up to now. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** All was read, and nothing was broken. */
  get isDone(): boolean {
    return !this.#isBroken && this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#has(1) ? this.#view.getUint8(this.#at++) : 0;
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  f64(): number {
    if (!this.#has(8)) return 0;
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8);
  }

  text(): string {
    const text = fromUtf8(this.raw(this.u8() * 256 + this.u8()));
    if (text === undefined) this.#isBroken = true;
    return text ?? '';
  }

  /** A whole number from 0 up. */
  count(): number {
    const value = this.f64();
    if (Number.isSafeInteger(value) && value >= 0) return value;
    this.#isBroken = true;
    return 0;
  }

  raw(length: number): Uint8Array {
    if (!this.#has(length)) return new Uint8Array(0);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Uint8Array {
    return this.raw(this.#bytes.length - this.#at);
  }

  #has(length: number): boolean {
    if (!this.#isBroken && this.#at + length <= this.#bytes.length) return true;
    this.#isBroken = true;
    return false;
  }
}
