import { invariant } from '@grp/core';
import { compressed, readCompressed } from './compress.ts';
import { crc32 } from './crc32.ts';
import { decodeMessage } from './decode-message.ts';
import { isMalformed, malformed, type Malformed } from './malformed.ts';
import { messageTypes, type Part, type Wrapping } from './messages.ts';
import { Reader } from './msgpack/reader.ts';
import {
  labelBytes,
  labelOverheadBytes,
  matchLabel,
  openSealed,
  sealInto,
  sealOverheadBytes,
  sealVersion,
  writeLabel,
} from './seal.ts';

/** What each part of a compound datagram costs besides its own bytes. */
export const partOverheadBytes = 2;
/** What a compound datagram costs besides its parts. */
export const compoundOverheadBytes = 2;
/** What a checksum in front costs. */
export const crcOverheadBytes = 5;

/** The largest datagram that is looked at, and the most that one may expand to. */
const datagramBytesMax = 65_536;
const partsMax = 255;
const partBytesMax = 65_535;

export interface SealOptions extends Wrapping {
  /** Compress when that makes it smaller (default false). */
  readonly compress?: boolean | undefined;
  /** Put a checksum in front; the receiver must speak protocol 5 (default false). */
  readonly crc?: boolean | undefined;
}

/** What encryption and label add around the parts, in bytes. @throws GrpError WIRE_LABEL_SIZE */
export function datagramOverheadBytes(wrapping: Wrapping): number {
  return labelOverheadBytes(labelBytes(wrapping)) + (wrapping.keyring === undefined ? 0 : sealOverheadBytes);
}

/**
 * One datagram of 1 to 255 parts, each at most 65,535 bytes; the caller splits what is more, and what would not fit its
 * network. Inside out: one part as it is or a compound, compressed, checksum, sealed, label. With nothing to add, a
 * single part comes back itself, not copied.
 * @throws GrpError WIRE_LABEL_SIZE
 */
export function sealDatagram(parts: readonly Uint8Array[], options: SealOptions): Uint8Array {
  const { keyring, crc = false, compress = false } = options;
  const body = compress ? packed([compressed(packed(parts, false))], crc) : packed(parts, crc);
  const label = labelBytes(options);
  if (keyring === undefined && label.length === 0) return body;
  const before = labelOverheadBytes(label);
  const datagram = new Uint8Array(before + body.length + (keyring === undefined ? 0 : sealOverheadBytes));
  writeLabel(datagram, label);
  if (keyring === undefined) datagram.set(body, before);
  else sealInto(datagram, before, { keyring, plaintext: body, additional: label });
  return datagram;
}

/** One part as it is, or a compound of several; with a checksum in front. Allocates once, or not at all. */
function packed(parts: readonly Uint8Array[], crc: boolean): Uint8Array {
  invariant(parts.length > 0 && parts.length <= partsMax, 'a datagram has 1 to 255 parts');
  const [first] = parts as readonly [Uint8Array];
  const before = crc ? crcOverheadBytes : 0;
  if (parts.length === 1 && before === 0) return first;
  let size = before;
  if (parts.length > 1) size += compoundOverheadBytes + partOverheadBytes * parts.length;
  for (const part of parts) size += part.length;
  const datagram = new Uint8Array(size);
  if (parts.length === 1) datagram.set(first, before);
  else writeCompound(datagram, before, parts);
  if (crc) writeCrc(datagram);
  return datagram;
}

function writeCompound(datagram: Uint8Array, start: number, parts: readonly Uint8Array[]): void {
  datagram[start] = messageTypes.compound;
  datagram[start + 1] = parts.length;
  let header = start + compoundOverheadBytes;
  let at = header + partOverheadBytes * parts.length;
  for (const part of parts) {
    invariant(part.length <= partBytesMax, 'a part has at most 65,535 bytes');
    datagram[header++] = part.length >>> 8;
    datagram[header++] = part.length;
    datagram.set(part, at);
    at += part.length;
  }
}

function writeCrc(datagram: Uint8Array): void {
  const sum = crc32(datagram, crcOverheadBytes);
  datagram[0] = messageTypes.crc;
  for (let index = 1; index < crcOverheadBytes; index++) datagram[index] = sum >>> (32 - 8 * index);
}

/**
 * Opens a datagram and decodes its parts. Total: never throws for what a peer sent, and what it allocates is bounded by
 * 64 KiB of expanded parts. Payloads may be views into `bytes`. With a keyring plaintext is refused, without one sealed
 * bytes are; likewise with labels.
 * @throws GrpError WIRE_LABEL_SIZE, for this node's own label
 */
export function openDatagram(bytes: Uint8Array, wrapping: Wrapping): readonly Part[] | Malformed {
  if (bytes.length === 0) return malformed('empty');
  if (bytes.length > datagramBytesMax) return malformed('too-long');
  const { keyring, label = '' } = wrapping;
  if (keyring === undefined && label === '' && bytes[0] !== messageTypes.label) return openPlain(bytes, 0);
  const expected = labelBytes(wrapping);
  const start = matchLabel(bytes, bytes.length, expected);
  if (start === undefined) return malformed('label');
  if (typeof start !== 'number') return start;
  if (keyring === undefined) return openPlain(bytes, start);
  if ((bytes[start] ?? 0) > sealVersion) return malformed('plaintext');
  const plaintext = openSealed(bytes.subarray(start), keyring, expected);
  if (!isMalformed(plaintext)) return openBody(plaintext, 0, plaintext.length);
  // The version bytes of a seal are also the type bytes of pings; tell the operator which it was.
  return isMalformed(decodeMessage(bytes, start, bytes.length)) ? plaintext : malformed('plaintext');
}

// A seal's version byte is also the type byte of an indirect ping, which goes on with a map: 15 of 16 nonces do not.
function openPlain(bytes: Uint8Array, start: number): readonly Part[] | Malformed {
  const next = bytes[start + 1] ?? 0;
  const isMap = (next & 0xf0) === 0x80 || next === 0xde || next === 0xdf;
  const sealed = bytes[start] === sealVersion && bytes.length - start >= sealOverheadBytes && !isMap;
  return sealed ? malformed('sealed') : openBody(bytes, start, bytes.length);
}

function openBody(bytes: Uint8Array, offset: number, end: number): readonly Part[] | Malformed {
  if (bytes[offset] !== messageTypes.crc) return openChecked(bytes, offset, end);
  const start = offset + crcOverheadBytes;
  if (start >= end) return malformed('truncated');
  let sum = 0;
  for (let at = offset + 1; at < start; at++) sum = (sum << 8) | (bytes[at] as number);
  return sum >>> 0 === crc32(bytes, start, end) ? openChecked(bytes, start, end) : malformed('crc');
}

function openChecked(bytes: Uint8Array, start: number, end: number): readonly Part[] | Malformed {
  if (bytes[start] !== messageTypes.compress) return openParts(bytes, start, end);
  const expanded = readCompressed(new Reader(bytes, start + 1, end), datagramBytesMax);
  return isMalformed(expanded) ? expanded : openParts(expanded, 0, expanded.length);
}

function openParts(bytes: Uint8Array, start: number, end: number): readonly Part[] | Malformed {
  if (bytes[start] === messageTypes.compound) return openCompound(bytes, start, end);
  const message = decodeMessage(bytes, start, end);
  if ('malformed' in message) return message;
  return [{ message, malformed: undefined, bytes: end - start }];
}

// A part that ends too early or decodes to nothing is refused alone: what stands before and after it is as good as ever.
function openCompound(bytes: Uint8Array, start: number, end: number): readonly Part[] | Malformed {
  const count = bytes[start + 1] ?? 0;
  if (count === 0) return malformed('empty');
  let at = start + compoundOverheadBytes + partOverheadBytes * count;
  if (at > end) return malformed('truncated');
  const parts: Part[] = [];
  for (let index = 0; index < count; index++) {
    const header = start + compoundOverheadBytes + partOverheadBytes * index;
    const size = ((bytes[header] as number) << 8) | (bytes[header + 1] as number);
    const decoded = at + size > end ? malformed('truncated') : decodeMessage(bytes, at, at + size);
    parts.push(
      'malformed' in decoded
        ? { message: undefined, malformed: decoded.malformed, bytes: Math.min(size, Math.max(0, end - at)) }
        : { message: decoded, malformed: undefined, bytes: size },
    );
    at += size;
  }
  if (at < end) parts.push({ message: undefined, malformed: 'trailing', bytes: end - at });
  return parts;
}
