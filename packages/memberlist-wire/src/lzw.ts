// LZW as GIF and Go's compress/lzw have it: least significant bit first, 8-bit literals, codes of 9 to 12 bits. The
// width grows when the next code no longer fits; a full table is cleared by the encoder and kept by the decoder.
const clearCode = 256;
const endCode = 257;
const firstWidth = 9;
const codeMax = 4_095;
const tableSlotsMax = 16_384;

/** Compresses, code for code as Go does. Never fails; may come out longer than it went in. */
export function compressLzw(input: Uint8Array): Uint8Array {
  const bits = new BitWriter(input.length);
  bits.write(clearCode, firstWidth);
  if (input.length > 0) writeCodes(input, bits);
  else bits.write(endCode, firstWidth);
  return bits.finish();
}

function writeCodes(input: Uint8Array, bits: BitWriter): void {
  // Slot → (prefix code, literal, code) in 32 bits; 0 is free, because no code is 0.
  const table = new Int32Array(tableSlots(input.length));
  let width = firstWidth;
  let last = endCode; // the newest code in the table
  let prefix = input[0] as number;
  for (let index = 1; index <= input.length; index++) {
    const atEnd = index === input.length;
    const literal = atEnd ? 0 : (input[index] as number);
    const slot = atEnd ? -1 : findSlot(table, prefix, literal);
    const entry = slot < 0 ? 0 : (table[slot] as number);
    if (entry !== 0) {
      prefix = entry & 0xfff;
      continue;
    }
    bits.write(prefix, width);
    last++;
    if (last === 1 << width) width++;
    if (last === codeMax) {
      bits.write(clearCode, width);
      table.fill(0);
      width = firstWidth;
      last = endCode;
    } else if (!atEnd) table[slot] = (prefix << 20) | (literal << 12) | last;
    prefix = literal;
  }
  bits.write(endCode, width);
}

/** Four per code at least, of which there is never more than one per input byte: a datagram needs no great table. */
function tableSlots(inputBytes: number): number {
  let slots = 256;
  while (slots < tableSlotsMax && slots < 4 * inputBytes) slots *= 2;
  return slots;
}

/** Where the pair is, or the free slot where it belongs. The table is never more than a quarter full. */
function findSlot(table: Int32Array, prefix: number, literal: number): number {
  const wanted = (prefix << 20) | (literal << 12);
  let slot = ((prefix << 8) ^ literal ^ (prefix >> 4)) & (table.length - 1);
  for (;;) {
    const entry = table[slot] as number;
    if (entry === 0 || (entry & ~0xfff) === wanted) return slot;
    slot = (slot + 1) & (table.length - 1);
  }
}

class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #bits = 0;
  #bitCount = 0;

  constructor(inputBytes: number) {
    // A code of at most 12 bits per input byte, and a clear code of 12 bits per 3,838 codes.
    this.#bytes = new Uint8Array(Math.ceil(inputBytes * 1.51) + 8);
  }

  write(code: number, width: number): void {
    this.#bits |= code << this.#bitCount;
    this.#bitCount += width;
    while (this.#bitCount >= 8) {
      this.#bytes[this.#length++] = this.#bits;
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }

  finish(): Uint8Array {
    if (this.#bitCount > 0) this.#bytes[this.#length++] = this.#bits;
    return this.#bytes.slice(0, this.#length);
  }
}

/**
 * Expands. `too-long` as soon as more than `bytesMax` would come out (nothing is allocated beyond that), `compress` for
 * what no encoder writes or for a stream without its end code.
 */
export function decompressLzw(input: Uint8Array, bytesMax: number): Uint8Array | 'too-long' | 'compress' {
  // Each code stands for a string that the output already contains: where it starts, and how long it is.
  // An input has less than one code per byte.
  const codes = Math.min(codeMax, endCode + input.length) + 1;
  const starts = new Uint32Array(codes);
  const sizes = new Uint32Array(codes);
  const output = new Output(input.length, bytesMax);
  let width = firstWidth;
  let next = endCode; // the code that the next string will get; endCode: none has come since the table was cleared
  let previousStart = -1;
  let previousSize = 0;
  let bits = 0;
  let bitCount = 0;
  for (let index = 0; ;) {
    while (bitCount < width) {
      if (index === input.length) return 'compress';
      bits |= (input[index++] as number) << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === endCode) return output.finish();
    if (code === clearCode) {
      width = firstWidth;
      next = endCode;
      previousStart = -1;
      continue;
    }
    if (code > next) return 'compress';
    // A new string is the one before plus the first byte of this one, and that is just what the output will hold there:
    // so its entry can be made before this code is expanded, and a code may stand for itself (the case KwKwK).
    if (previousStart >= 0 && next <= codeMax) {
      starts[next] = previousStart;
      sizes[next] = previousSize + 1;
    }
    previousStart = output.length;
    previousSize = code < clearCode ? 1 : (sizes[code] as number);
    const from = code < clearCode ? -1 : (starts[code] as number);
    if (!(from < 0 ? output.literal(code) : output.repeat(from, previousSize))) return 'too-long';
    if (next <= codeMax) next++;
    if (next === 1 << width && width < 12) width++;
  }
}

/** Grows by doubling up to a limit; what would go beyond it is refused. */
class Output {
  length = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  readonly #bytesMax: number;

  constructor(inputBytes: number, bytesMax: number) {
    this.#bytes = new Uint8Array(Math.min(bytesMax, 256 + 3 * inputBytes));
    this.#bytesMax = bytesMax;
  }

  literal(byte: number): boolean {
    if (this.length === this.#bytes.length && !this.#grow(1)) return false;
    this.#bytes[this.length++] = byte;
    return true;
  }

  /** Copies `size` bytes from further up; the last of them may be the first that this writes. */
  repeat(from: number, size: number): boolean {
    if (this.length + size > this.#bytes.length && !this.#grow(size)) return false;
    const bytes = this.#bytes;
    const to = this.length;
    this.length += size;
    if (size < 32) {
      for (let index = 0; index < size; index++) bytes[to + index] = bytes[from + index] as number;
    } else {
      bytes.copyWithin(to, from, Math.min(from + size, to));
      if (from + size > to) bytes[to + size - 1] = bytes[to] as number;
    }
    return true;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(count: number): boolean {
    const needed = this.length + count;
    if (needed > this.#bytesMax) return false;
    const grown = new Uint8Array(Math.min(this.#bytesMax, Math.max(needed, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    return true;
  }
}
