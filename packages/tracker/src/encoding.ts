import type { Random } from '@grp/core';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const values = new Map(Array.from(alphabet, (letter, value) => [letter, value]));
const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Base64url without padding (RFC 4648 §5). */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const left = bytes.length - at;
    text += alphabet.charAt(a >> 2) + alphabet.charAt(((a & 3) << 4) | (b >> 4));
    if (left > 1) text += alphabet.charAt(((b & 15) << 2) | (c >> 6));
    if (left > 2) text += alphabet.charAt(c & 63);
  }
  return text;
}

/** Undefined for what `toBase64` never gives: other letters, a length that is none, bits left over. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let [bits, held, at] = [0, 0, 0];
  for (let index = 0; index < text.length; index++) {
    const value = values.get(text.charAt(index));
    if (value === undefined) return undefined;
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = (bits >> held) & 255;
      bits &= (1 << held) - 1;
    }
  }
  return bits === 0 ? bytes : undefined;
}

/** So many bytes of chance. Secrets need a cryptographic source: `systemRandom` is one. */
export function randomBytes(random: Random, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 4) {
    const word = random.nextU32();
    for (let shift = 0; shift < 4 && at + shift < count; shift++) bytes[at + shift] = (word >>> (8 * shift)) & 255;
  }
  return bytes;
}

/** A domain that no other signed message of grp has, a zero byte, and the parts, each after its length. */
export function statement(domain: string, parts: readonly (string | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === 'string' ? utf8(part) : part));
  const head = utf8(`${domain}\0`);
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + 4 + piece.length, head.length));
  const view = new DataView(bytes.buffer);
  bytes.set(head);
  let at = head.length;
  for (const piece of pieces) {
    view.setUint32(at, piece.length);
    bytes.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return bytes;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  // Every byte is looked at, so that the time tells nothing about secrets.
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}
