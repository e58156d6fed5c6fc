// Enough of a frame to tell it from its neighbours: headers, numbers, and the nonce of a sealed one.
const bytesMax = 512;

/** 64 bits of a message, in hex: the same for sender and receiver. It tells messages apart, not adversaries. */
export function digestOf(bytes: Uint8Array): string {
  let a = bytes.length ^ 0x9e3779b9;
  let b = 0x243f6a88;
  const end = Math.min(bytes.length, bytesMax);
  for (let index = 0; index < end; index++) {
    const byte = bytes[index] as number;
    a = Math.imul(a ^ byte, 0x85ebca6b);
    a ^= a >>> 13;
    b = Math.imul(b + byte, 0xc2b2ae35) ^ (b >>> 15);
  }
  return hex(a) + hex(b);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
