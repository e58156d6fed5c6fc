const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();
const shortBytes = 40;

/** The UTF-8 bytes of a text; a lone surrogate becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return utf8.encode(text);
}

/**
 * The text in `bytes[start … end)`, or undefined when it is not UTF-8. Names are short and mostly ASCII: for them a
 * call per eight characters is several times cheaper than the platform's decoder.
 */
export function decodeText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > shortBytes) return decodeLong(bytes, start, end);
  let text = '';
  let offset = start;
  for (; offset + 8 <= end; offset += 8) {
    const a = bytes[offset] as number;
    const b = bytes[offset + 1] as number;
    const c = bytes[offset + 2] as number;
    const d = bytes[offset + 3] as number;
    const e = bytes[offset + 4] as number;
    const f = bytes[offset + 5] as number;
    const g = bytes[offset + 6] as number;
    const h = bytes[offset + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 0x7f) return decodeLong(bytes, start, end);
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  if (offset + 4 <= end) {
    const a = bytes[offset] as number;
    const b = bytes[offset + 1] as number;
    const c = bytes[offset + 2] as number;
    const d = bytes[offset + 3] as number;
    if ((a | b | c | d) > 0x7f) return decodeLong(bytes, start, end);
    text += String.fromCharCode(a, b, c, d);
    offset += 4;
  }
  for (; offset < end; offset++) {
    const a = bytes[offset] as number;
    if (a > 0x7f) return decodeLong(bytes, start, end);
    text += String.fromCharCode(a);
  }
  return text;
}

function decodeLong(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return strictUtf8.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}
