import type { MalformedReason } from '../malformed.ts';
import { Scanner } from './scanner.ts';
import { decodeText } from './text.ts';

const nil = 0xc0;
const nothing = new Uint8Array(0);

/** The names a map may have, in the order in which peers write them, each with its encoded form. */
export interface Fields<Name extends string> {
  readonly names: readonly Name[];
  readonly encoded: readonly Uint8Array[];
}

/** Field names are ASCII of at most 31 characters. */
export function defineFields<const Name extends string>(...names: readonly Name[]): Fields<Name> {
  return { names, encoded: names.map((name) => encodeKey(name)) };
}

/** A short ASCII name as MessagePack. */
export function encodeKey(name: string): Uint8Array {
  return Uint8Array.from([0xa0 | name.length, ...Array.from(name, (character) => character.charCodeAt(0))]);
}

/**
 * Reads MessagePack from hostile bytes. It never throws: the first thing wrong is kept as `problem`, from then on every
 * read gives a zero value at once, and the caller looks at `problem` in the end. Nil is the zero value of any kind, and
 * what a peer of another version may write (`bin`, `str 8`, signed or unsigned) is taken as what it stands for.
 */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  end: number;
  /** Where the value that `raw` passed begins. */
  start = 0;
  problem: MalformedReason | undefined = undefined;
  #view: DataView | undefined = undefined;
  #next = 0;

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Refuses everything from here on; the first reason stays. Gives 0 for the callers' convenience. */
  fail(reason: MalformedReason): 0 {
    this.problem ??= reason;
    this.offset = this.end;
    return 0;
  }

  /** Nothing may follow the value that was read. */
  finish(): void {
    if (this.offset < this.end) this.fail('trailing');
  }

  /** The number of pairs of a map; 0 for nil. */
  map(): number {
    const code = this.#byte();
    this.#next = 0;
    if (code >= 0x80 && code <= 0x8f) return this.#counted(code & 0x0f, 2);
    if (code === 0xde) return this.#counted(this.#big(2), 2);
    if (code === 0xdf) return this.#counted(this.#big(4), 2);
    return code === nil ? 0 : this.fail('type');
  }

  /** The number of items of an array; 0 for nil. Never more than bytes are left. */
  array(): number {
    const code = this.#byte();
    if (code >= 0x90 && code <= 0x9f) return this.#counted(code & 0x0f, 1);
    if (code === 0xdc) return this.#counted(this.#big(2), 1);
    if (code === 0xdd) return this.#counted(this.#big(4), 1);
    return code === nil ? 0 : this.fail('type');
  }

  /**
   * The key of the next pair, or undefined for an unknown one, whose value is skipped. Peers write keys in one order, so
   * each is first compared with the one expected next; any order is read.
   */
  key<Name extends string>(fields: Fields<Name>): Name | undefined {
    if (this.problem !== undefined) return undefined; // the rest of a great map costs nothing
    const { names, encoded } = fields;
    const count = encoded.length;
    for (let tried = 0; tried < count; tried++) {
      const index = this.#next < count ? this.#next : 0;
      const candidate = encoded[index] as Uint8Array;
      this.#next = index + 1;
      if (this.#at(candidate)) {
        this.offset += candidate.length;
        return names[index];
      }
    }
    this.skip();
    this.skip();
    return undefined;
  }

  /** Passes over one item of any kind. */
  skip(): void {
    const code = this.offset < this.end ? (this.bytes[this.offset] as number) : 0xc1;
    if (code < 0x80 || code >= 0xe0) {
      this.offset++; // small numbers are most of what is skipped
      return;
    }
    const scanner = new Scanner(this.offset);
    const result = scanner.scan(this.bytes, this.end);
    if (result === 'done') this.offset = scanner.offset;
    else this.fail(result === 'bad' ? 'type' : 'truncated');
  }

  /** A whole number 0 … `max`; what a greater one or a negative one does is to fail. */
  uint(max: number): number {
    const code = this.#byte();
    if (code < 0x80) return code <= max ? code : this.fail('out-of-range');
    const value = this.#number(code);
    return value >= 0 && value <= max && code !== 0xca && code !== 0xcb ? value : this.fail('out-of-range');
  }

  /** Any number, as a double. */
  float(): number {
    const code = this.#byte();
    return code < 0x80 ? code : this.#number(code);
  }

  bool(): boolean {
    const code = this.#byte();
    if (code === 0xc2 || code === 0xc3 || code === nil) return code === 0xc3;
    this.fail('type');
    return false;
  }

  /** The size of a raw value, which then lies at `start`: bytes without an object for them. */
  raw(): number {
    const size = this.#rawSize();
    this.start = this.offset;
    this.offset += size;
    return size;
  }

  text(): string {
    const size = this.raw();
    if (size === 0) return '';
    const text = decodeText(this.bytes, this.start, this.start + size);
    if (text !== undefined) return text;
    this.fail('text');
    return '';
  }

  /** Bytes as a view, which keeps the whole input alive. */
  view(): Uint8Array {
    const size = this.raw();
    return size === 0 ? nothing : this.bytes.subarray(this.start, this.start + size);
  }

  /** Bytes of one's own. */
  copy(): Uint8Array {
    const size = this.raw();
    return size === 0 ? nothing : this.bytes.slice(this.start, this.start + size);
  }

  /** What is left before `end`, as a view. */
  rest(): Uint8Array {
    const rest = this.bytes.subarray(this.offset, this.end);
    this.offset = this.end;
    return rest;
  }

  #at(candidate: Uint8Array): boolean {
    const { bytes, offset } = this;
    if (offset + candidate.length > this.end) return false;
    for (let index = 0; index < candidate.length; index++) {
      if (bytes[offset + index] !== candidate[index]) return false;
    }
    return true;
  }

  #byte(): number {
    if (this.offset >= this.end) {
      this.fail('truncated');
      return nil;
    }
    return this.bytes[this.offset++] as number;
  }

  #big(width: number): number {
    if (this.offset + width > this.end) return this.fail('truncated');
    let value = 0;
    for (let index = 0; index < width; index++) value = value * 256 + (this.bytes[this.offset++] as number);
    return value;
  }

  // Every item takes a byte at least: a greater count is a lie, found before anything is allocated for it.
  #counted(count: number, itemsEach: number): number {
    return count * itemsEach <= this.end - this.offset ? count : this.fail('truncated');
  }

  /** The size of the raw bytes that follow, all of which are there. */
  #rawSize(): number {
    const code = this.#byte();
    let length: number;
    if (code >= 0xa0 && code <= 0xbf) length = code & 0x1f;
    else if (code === nil) length = 0;
    else if (code === 0xd9 || code === 0xc4) length = this.#big(1);
    else if (code === 0xda || code === 0xc5) length = this.#big(2);
    else if (code === 0xdb || code === 0xc6) length = this.#big(4);
    else return this.fail('type');
    return this.offset + length <= this.end ? length : this.fail('truncated');
  }

  #number(code: number): number {
    switch (code) {
      case nil:
        return 0;
      case 0xca:
      case 0xcb:
        return this.#real(code === 0xca ? 4 : 8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#big(1 << (code - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(1 << (code - 0xd0));
      default:
        return code >= 0xe0 ? code - 0x100 : this.fail('type');
    }
  }

  #signed(width: number): number {
    if (this.offset + width > this.end) return this.fail('truncated');
    // By halves, because −1 as an unsigned 64-bit number would round to 2⁶⁴ and come out as 0.
    if (width === 8) return (this.#big(4) | 0) * 0x1_0000_0000 + this.#big(4);
    const shift = 32 - 8 * width;
    return (this.#big(width) << shift) >> shift;
  }

  #real(width: 4 | 8): number {
    if (this.offset + width > this.end) return this.fail('truncated');
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const value = width === 4 ? this.#view.getFloat32(this.offset) : this.#view.getFloat64(this.offset);
    this.offset += width;
    return value;
  }
}
