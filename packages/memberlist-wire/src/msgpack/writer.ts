import { parseIpv4Into } from '../address.ts';
import { wireError } from '../errors.ts';
import { encodeText } from './text.ts';

const initialBytes = 2_048;
/** The list of some 2,500 members: growing anew to that size for each exchange would cost more than writing it. */
const keptBytesMax = 262_144;
const two32 = 0x1_0000_0000;

/**
 * Writes MessagePack as memberlist does: strings and bytes alike are raw (never `str 8` or `bin`), numbers take the
 * smallest unsigned form, empty bytes are nil. One buffer that grows; `finish` gives an exact copy.
 */
export class Writer {
  #bytes = new Uint8Array(initialBytes);
  #length = 0;
  #view: DataView | undefined = undefined;

  /** Starts over. */
  start(): this {
    this.#length = 0;
    return this;
  }

  /** What was written, as a copy. Lets go of a buffer that one great message has blown up. */
  finish(): Uint8Array {
    const written = this.#bytes.slice(0, this.#length);
    if (this.#bytes.length > keptBytesMax) {
      this.#bytes = new Uint8Array(initialBytes);
      this.#view = undefined;
    }
    this.#length = 0;
    return written;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Encoded bytes as they are: short ones, keys above all. */
  key(encoded: Uint8Array): void {
    const count = encoded.length;
    this.#reserve(count);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let index = 0; index < count; index++) bytes[length++] = encoded[index] as number;
    this.#length = length;
  }

  /** Bytes without any header. */
  append(bytes: Uint8Array): void {
    if (bytes.length <= 32) return this.key(bytes);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  map(pairCount: number): void {
    this.#container(pairCount, 0x80, 0xde);
  }

  array(itemCount: number): void {
    this.#container(itemCount, 0x90, 0xdc);
  }

  nil(): void {
    this.byte(0xc0);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** @throws GrpError WIRE_NUMBER unless whole and 0 … `max` (default 2⁵³−1) */
  uint(value: number, max = Number.MAX_SAFE_INTEGER): void {
    if (!(value >= 0 && value <= max && Number.isInteger(value))) {
      throw wireError('WIRE_NUMBER', { context: { value, max } });
    }
    if (value < 0x80) return this.byte(value);
    if (value <= 0xff) {
      this.byte(0xcc);
      this.byte(value);
    } else if (value <= 0xffff) {
      this.byte(0xcd);
      this.big(value, 2);
    } else if (value < two32) {
      this.byte(0xce);
      this.big(value, 4);
    } else {
      this.byte(0xcf);
      this.big(Math.floor(value / two32), 4);
      this.big(value % two32, 4);
    }
  }

  float(value: number): void {
    this.byte(0xcb);
    this.#reserve(8);
    this.#view ??= new DataView(this.#bytes.buffer);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** A text as UTF-8, '' as a raw of no bytes. */
  text(text: string): void {
    const count = text.length;
    if (count >= 32) return this.#longText(text);
    this.#reserve(1 + count);
    const bytes = this.#bytes;
    let length = this.#length;
    bytes[length++] = 0xa0 | count;
    for (let index = 0; index < count; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return this.#longText(text); // nothing counts before #length moves
      bytes[length++] = unit;
    }
    this.#length = length;
  }

  /** Bytes, empty ones as nil. */
  raw(bytes: Uint8Array): void {
    if (bytes.length === 0) return this.nil();
    this.#rawHeader(bytes.length);
    this.append(bytes);
  }

  /** The four bytes of `a.b.c.d:port`, and gives the port; −1 for anything else, of which nothing is written. */
  ipv4(address: string): number {
    this.#reserve(5);
    const port = parseIpv4Into(this.#bytes, this.#length + 1, address);
    if (port < 0) return -1;
    this.#bytes[this.#length] = 0xa4;
    this.#length += 5;
    return port;
  }

  /** A big-endian number of 1 to 4 bytes, without a header. */
  big(value: number, width: number): void {
    this.#reserve(width);
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) this.#bytes[this.#length++] = value >>> shift;
  }

  #longText(text: string): void {
    const bytes = encodeText(text);
    this.#rawHeader(bytes.length);
    this.append(bytes);
  }

  #rawHeader(length: number): void {
    if (length < 32) return this.byte(0xa0 | length);
    const wide = length > 0xffff;
    this.byte(wide ? 0xdb : 0xda);
    this.big(length, wide ? 4 : 2);
  }

  #container(count: number, short: number, wide: number): void {
    if (count < 16) return this.byte(short | count);
    const wider = count > 0xffff;
    this.byte(wider ? wide + 1 : wide);
    this.big(count, wider ? 4 : 2);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = undefined;
  }
}

// One buffer for every message, because a fresh one per message would be most of the cost. Nobody can see it: a message
// is written in one go without calling out, what was there before is never read, and the result is a copy.
const shared = new Writer();

/** Encodes by writing into the shared buffer. `write` must not encode anything else by it on the way. */
export function written(write: (writer: Writer) => void): Uint8Array {
  const writer = shared.start();
  write(writer);
  return writer.finish();
}

/** The shared buffer itself, started over, for the hot path: no closure. `finish` before anything else is encoded. */
export function sharedWriter(): Writer {
  return shared.start();
}
