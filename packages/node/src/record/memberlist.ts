/** memberlist's message types, by the first byte of a datagram; the wire format is `@grp/memberlist-wire`'s. */
const names: Readonly<Record<number, string>> = {
  0: 'ping',
  1: 'relay-ping',
  2: 'ack',
  3: 'suspect',
  4: 'alive',
  5: 'dead',
  6: 'push-pull',
  7: 'compound',
  8: 'user',
  9: 'compressed',
  11: 'nack',
  12: 'checked',
  13: 'error',
};
const compound = 7;
const checked = 12;
const label = 244;
const checksumBytes = 4;
const partsMax = 8;

/** What a datagram of the membership carries: the first of its messages is its kind, all of them are its label. */
export function describeDatagram(
  bytes: Uint8Array,
  isSealed: boolean,
): { readonly kind: string; readonly label: string } {
  if (isSealed) return { kind: 'sealed', label: 'sealed' };
  let offset = 0;
  if (bytes[0] === label) offset = 2 + (bytes[1] ?? 0);
  if (bytes[offset] === checked) offset += 1 + checksumBytes;
  const first = bytes[offset];
  if (first !== compound) {
    const name = nameOf(first);
    return { kind: name, label: name };
  }
  const parts = compoundParts(bytes, offset + 1);
  return { kind: parts[0] ?? 'compound', label: parts.join('+') || 'compound' };
}

/** Count, then as many lengths of two bytes, then as many messages. */
function compoundParts(bytes: Uint8Array, start: number): readonly string[] {
  const count = bytes[start] ?? 0;
  const parts: string[] = [];
  let at = start + 1 + 2 * count;
  for (let index = 0; index < Math.min(count, partsMax); index++) {
    const length = start + 1 + 2 * index;
    parts.push(nameOf(bytes[at]));
    at += ((bytes[length] ?? 0) << 8) | (bytes[length + 1] ?? 0);
  }
  return parts;
}

function nameOf(byte: number | undefined): string {
  return (byte === undefined ? undefined : names[byte]) ?? 'other';
}
