const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const digits = '0123456789abcdef';
/** Characters put together in one call. */
const codesMax = 64;

/** Writes the wire format of Protocol Buffers into a buffer that grows. */
export class WireWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** 0 … 2⁵³−1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    const most = value.length * 3;
    this.#reserve(most + 5);
    if (most < 0x80) {
      const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#length + 1));
      this.#bytes[this.#length] = written;
      this.#length += 1 + written;
      return;
    }
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.#append(bytes);
  }

  /** Two hex digits become a byte. */
  hex(value: string): void {
    const count = value.length >> 1;
    this.varint(count);
    this.#reserve(count);
    for (let index = 0; index < count; index++)
      this.#bytes[this.#length++] = (digit(value, 2 * index) << 4) | digit(value, 2 * index + 1);
  }

  /** What `write` writes, behind its length. */
  nested(write: () => void): void {
    this.#reserve(1);
    const at = this.#length++;
    write();
    const size = this.#length - at - 1;
    if (size < 0x80) {
      this.#bytes[at] = size;
      return;
    }
    // The length needs more than the one byte that was left for it: what follows moves up.
    const lengthBytes = Math.ceil((32 - Math.clz32(size)) / 7);
    this.#reserve(lengthBytes);
    this.#bytes.copyWithin(at + lengthBytes, at + 1, this.#length);
    this.#length = at;
    this.varint(size);
    this.#length += size;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads the wire format of Protocol Buffers. Wrong bytes make it `broken`, and it then gives zeros and empty texts. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #end: number;
  #broken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Nothing is left of the message that is being read. */
  get atEnd(): boolean {
    return this.#broken || this.#offset >= this.#end;
  }

  /** Numbers of 2⁵³ and above are broken. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#offset >= this.#end) break;
      const byte = this.#bytes[this.#offset++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : this.#break();
      scale *= 0x80;
    }
    return this.#break();
  }

  text(): string {
    const bytes = this.#take();
    if (bytes.length < 32) {
      const short = ascii(bytes);
      if (short !== undefined) return short;
    }
    try {
      return decoder.decode(bytes);
    } catch {
      this.#break();
      return '';
    }
  }

  hex(): string {
    const codes: number[] = [];
    let text = '';
    for (const byte of this.#take()) {
      codes.push(digits.charCodeAt(byte >> 4), digits.charCodeAt(byte & 15));
      if (codes.length >= codesMax) text += flat(codes.splice(0));
    }
    return text === '' || codes.length > 0 ? text + flat(codes) : text;
  }

  /** Reads a message behind its length with `read`, which must not look beyond it. */
  nested<Value>(read: () => Value): Value {
    const size = this.varint();
    const outer = this.#end;
    const end = this.#offset + size;
    if (end > outer) this.#break();
    else this.#end = end;
    const value = read();
    this.#end = outer;
    if (!this.#broken) this.#offset = end;
    return value;
  }

  /** Leaves out a field of a later version of the protocol. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 2) this.#take();
    else if (wireType === 1) this.#advance(8);
    else if (wireType === 5) this.#advance(4);
    else this.#break();
  }

  fail(): void {
    this.#break();
  }

  #take(): Uint8Array {
    const size = this.varint();
    const start = this.#offset;
    this.#advance(size);
    return this.#broken ? new Uint8Array(0) : this.#bytes.subarray(start, start + size);
  }

  #advance(size: number): void {
    if (this.#offset + size > this.#end) this.#break();
    else this.#offset += size;
  }

  #break(): 0 {
    this.#broken = true;
    return 0;
  }
}

function digit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}

function ascii(bytes: Uint8Array): string | undefined {
  const codes: number[] = [];
  for (const byte of bytes) {
    if (byte > 0x7f) return undefined;
    codes.push(byte);
  }
  return flat(codes);
}

/** In one piece: a text put together bit by bit is a tree, which takes thirty times the room for as long as it is kept. */
function flat(codes: number[]): string {
  return String.fromCharCode.apply(undefined, codes);
}
