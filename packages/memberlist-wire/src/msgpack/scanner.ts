/** How far a scan came: `more` bytes are needed, the item is `done`, or the bytes are `bad` (a code nobody assigned). */
export type ScanResult = 'more' | 'done' | 'bad';

/**
 * Finds the end of one MessagePack item without decoding it. It can be resumed when more bytes have come, looks at each
 * byte once, and keeps a count instead of a stack, so that depth costs nothing.
 */
export class Scanner {
  /** Where the next header starts; beyond the bytes at hand when a long value is still on its way. */
  offset: number;
  #pending = 1;

  constructor(offset: number) {
    this.offset = offset;
  }

  /** Goes on within `bytes`, of which `end` are there by now; earlier bytes must not have changed. */
  scan(bytes: Uint8Array, end: number): ScanResult {
    while (this.#pending > 0) {
      if (this.offset >= end) return 'more';
      const code = bytes[this.offset] as number;
      const header = headerBytes(code);
      if (header === 0) return 'bad';
      if (this.offset + header > end) return 'more';
      const count = header === 1 ? 0 : readCount(bytes, this.offset, code);
      this.#pending += childCount(code, count) - 1;
      this.offset += header + valueBytes(code, count);
    }
    return this.offset <= end ? 'done' : 'more';
  }
}

/** Bytes up to the value: the code, then a length or count if the code has one. 0: no such code. */
function headerBytes(code: number): number {
  switch (code) {
    case 0xc1:
      return 0;
    case 0xc4: // bin 8
    case 0xc7: // ext 8
    case 0xd9: // str 8
      return 2;
    case 0xc5: // bin 16
    case 0xc8: // ext 16
    case 0xda: // raw 16
    case 0xdc: // array 16
    case 0xde: // map 16
      return 3;
    case 0xc6: // bin 32
    case 0xc9: // ext 32
    case 0xdb: // raw 32
    case 0xdd: // array 32
    case 0xdf: // map 32
      return 5;
    default:
      return 1;
  }
}

function readCount(bytes: Uint8Array, offset: number, code: number): number {
  const width = headerBytes(code) - 1;
  let count = 0;
  for (let index = 1; index <= width; index++) count = count * 256 + (bytes[offset + index] as number);
  return count;
}

/** Items inside an array or map. */
function childCount(code: number, count: number): number {
  if (code >= 0x80 && code <= 0x8f) return 2 * (code & 0x0f);
  if (code >= 0x90 && code <= 0x9f) return code & 0x0f;
  if (code === 0xdc || code === 0xdd) return count;
  return code === 0xde || code === 0xdf ? 2 * count : 0;
}

/** Bytes of a scalar's value after its header. */
function valueBytes(code: number, count: number): number {
  if (code >= 0xa0 && code <= 0xbf) return code & 0x1f;
  if (code >= 0xc4 && code <= 0xc6) return count;
  if (code >= 0xc7 && code <= 0xc9) return count + 1; // one byte names the extension
  if (code === 0xca) return 4;
  if (code === 0xcb) return 8;
  if (code >= 0xcc && code <= 0xcf) return 1 << (code - 0xcc);
  if (code >= 0xd0 && code <= 0xd3) return 1 << (code - 0xd0);
  if (code >= 0xd4 && code <= 0xd8) return 1 + (1 << (code - 0xd4));
  return code === 0xd9 || code === 0xda || code === 0xdb ? count : 0;
}
