// Protocol Buffers by hand, for what is encoded and decoded thousands of times a second: fields in a known order, in one
// buffer whose size was counted before. Nothing here allocates more than it must.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Texts up to this length are mostly names: putting them together beats asking for a decoder. */
const shortMax = 24;
/** Up to so many bytes a loop is quicker than a copy. */
const loopMax = 40;

/** The tag of a field with a length: bytes, a text, a message. Fields below 16 have one byte. */
export function field(number: number): number {
  return number * 8 + 2;
}

/** The tag of a field with a number. */
export function numberField(number: number): number {
  return number * 8;
}

/** A part of some bytes: what a view is, without what making a view costs. */
export class ByteRange {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }

  get length(): number {
    return this.to - this.from;
  }

  view(): Uint8Array {
    return this.bytes.subarray(this.from, this.to);
  }
}

const nothing = new ByteRange(new Uint8Array(0));

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): ByteRange {
  const { length } = text;
  if (length > shortMax) return new ByteRange(encoder.encode(text));
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return new ByteRange(encoder.encode(text));
    bytes[at] = code;
  }
  return new ByteRange(bytes);
}

/** Undefined: that is no UTF-8. */
export function textOf(range: ByteRange): string | undefined {
  if (range.length <= shortMax && isAscii(range)) return keyOf(range);
  try {
    return decoder.decode(range.view());
  } catch {
    return undefined;
  }
}

/** Whether `textOf` would give a text; mostly without making one. */
export function isText(range: ByteRange): boolean {
  return isAscii(range) || textOf(range) !== undefined;
}

function isAscii({ bytes, from, to }: ByteRange): boolean {
  let all = 0;
  for (let at = from; at < to; at++) all |= bytes[at] as number;
  return all < 0x80;
}

/** Bytes as a key of a map: one character for each. */
export function keyOf({ bytes, from, to }: ByteRange): string {
  let at = from;
  let key = '';
  for (; to - at >= keyStep; at += keyStep) key += key16(bytes, at);
  for (; at < to; at++) key += String.fromCharCode(bytes[at] as number);
  return key;
}

/** The bytes of `keyOf`. */
export function bytesOfKey(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = key.charCodeAt(at);
  return bytes;
}

const keyStep = 16;

// Each byte named, because nothing else makes a string of bytes as fast.
function key16(b: Uint8Array, at: number): string {
  const of = (offset: number): number => b[at + offset] as number;
  return String.fromCharCode(
    of(0),
    of(1),
    of(2),
    of(3),
    of(4),
    of(5),
    of(6),
    of(7),
    of(8),
    of(9),
    of(10),
    of(11),
    of(12),
    of(13),
    of(14),
    of(15),
  );
}

/** What `FieldWriter.number` writes; a zero is left out, as in proto3. */
export function numberSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

/** What `FieldWriter.bytes` writes for so many bytes; none are left out. */
export function bytesSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes fields one after the other into bytes that are surely long enough. Empty values are left out, as in proto3. */
export class FieldWriter {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next field goes. */
  get at(): number {
    return this.#at;
  }

  number(tag: number, value: number): this {
    if (value === 0) return this;
    this.#bytes[this.#at++] = tag;
    return this.#varint(value);
  }

  bytes(tag: number, { bytes, from, to }: ByteRange): this {
    const length = to - from;
    if (length === 0) return this;
    this.open(tag, length);
    if (length <= loopMax) for (let at = from; at < to; at++) this.#bytes[this.#at++] = bytes[at] as number;
    else {
      this.#bytes.set(bytes.subarray(from, to), this.#at);
      this.#at += length;
    }
    return this;
  }

  /** A key of bytes, or a text of plain ASCII, which names and codes are. */
  key(tag: number, text: string): this {
    if (text.length === 0) return this;
    this.open(tag, text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.#at++] = text.charCodeAt(at);
    return this;
  }

  /** A key of bytes, as two hexadecimal digits for each. */
  hex(tag: number, key: string): this {
    if (key.length === 0) return this;
    this.open(tag, key.length * 2);
    for (let at = 0; at < key.length; at++) {
      const byte = key.charCodeAt(at);
      this.#bytes[this.#at++] = digit(byte >> 4);
      this.#bytes[this.#at++] = digit(byte & 15);
    }
    return this;
  }

  /** What stands before a message inside, which may be empty; its fields follow. */
  open(tag: number, length: number): this {
    this.#bytes[this.#at++] = tag;
    return this.#varint(length);
  }

  #varint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) + 0x80;
    this.#bytes[this.#at++] = rest;
    return this;
  }
}

function digit(value: number): number {
  return value + (value < 10 ? 48 : 87);
}

/** Reads fields in the order in which they are asked for. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  #isBroken = false;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  /** Everything asked for was there, and nothing else. */
  get isWhole(): boolean {
    return !this.#isBroken && this.#at === this.#end;
  }

  /** Goes into a message, which has to be the last field. */
  enter(tag: number): this {
    const length = this.#isNext(tag) ? this.#varint() : 0;
    if (length === 0 || this.#at + length !== this.#end) this.#isBroken = true;
    return this;
  }

  /** A number that has to be there. */
  number(tag: number): number {
    if (this.#isNext(tag)) return this.#varint();
    this.#isBroken = true;
    return 0;
  }

  /** A number that is 0 when it is not there. */
  numberOr0(tag: number): number {
    return this.#isNext(tag) ? this.#varint() : 0;
  }

  /** Bytes that have to be there. */
  bytes(tag: number): ByteRange {
    const value = this.bytesOrNone(tag);
    if (value.length === 0) this.#isBroken = true;
    return value;
  }

  /** Empty when they are not there. */
  bytesOrNone(tag: number): ByteRange {
    const length = this.#isNext(tag) ? this.#varint() : 0;
    const end = this.#at + length;
    if (end > this.#end) this.#isBroken = true;
    if (this.#isBroken || length === 0) return nothing;
    this.#at = end;
    return new ByteRange(this.#bytes, end - length, end);
  }

  /** UTF-8 that has to be there, as bytes. */
  utf8(tag: number): ByteRange {
    const value = this.bytes(tag);
    if (!isText(value)) this.#isBroken = true;
    return value;
  }

  text(tag: number): string {
    const text = textOf(this.bytes(tag));
    if (text === undefined) this.#isBroken = true;
    return text ?? '';
  }

  #isNext(tag: number): boolean {
    if (this.#isBroken || this.#at >= this.#end || this.#bytes[this.#at] !== tag) return false;
    this.#at++;
    return true;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < Number.MAX_SAFE_INTEGER && this.#at < this.#end; scale *= 0x80) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
      if (byte < 0x80) break;
    }
    this.#isBroken = true;
    return 0;
  }
}
