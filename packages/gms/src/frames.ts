import type { AckMessage, HotMessage, OrderedMessage, RequestMessage, StableMessage } from './messages.ts';

/** First byte of each message. Tags are forever. */
export const tags = { request: 0x21, ordered: 0x22, ack: 0x23, stable: 0x24, control: 0x25 } as const;
/** Second byte: members drop what they do not understand. */
export const frameVersion = 1;

/** Tag, version, count, lineage, epoch, two sequence numbers of 6 bytes. */
export const headerBytes = 24;
/** Rank, count, body size, number of the first request. */
export const segmentHeaderBytes = 14;
/** What a request batch may take of a frame, so that it still fills one when the leader has put it into the row. */
export const overheadBytes = headerBytes + segmentHeaderBytes;
/** Messages in one frame, at most. */
export const countMax = 65_535;
/** The longest length prefix. */
export const lengthBytesMax = 4;

interface Header {
  readonly tag: number;
  readonly count: number;
  readonly lineage: number;
  readonly epoch: number;
  /** Sequence or request numbers, up to 2⁴⁸. */
  readonly a: number;
  readonly b: number;
}

/** Writes a header to the front of `bytes`. */
export function writeHeader(bytes: Uint8Array, { tag, count, lineage, epoch, a, b }: Header): void {
  bytes[0] = tag;
  bytes[1] = frameVersion;
  setUint16(bytes, 2, count);
  setUint32(bytes, 4, lineage);
  setUint32(bytes, 8, epoch);
  setUint48(bytes, 12, a);
  setUint48(bytes, 18, b);
}

/** Writes the header of a segment: the messages of one sender, in one piece. */
export function writeSegmentHeader(
  bytes: Uint8Array,
  offset: number,
  { rank, count, bodyBytes, first }: { rank: number; count: number; bodyBytes: number; first: number },
): void {
  setUint16(bytes, offset, rank);
  setUint16(bytes, offset + 2, count);
  setUint32(bytes, offset + 4, bodyBytes);
  setUint48(bytes, offset + 8, first);
}

/** Undefined: no message of the hot path, or a broken one. The frame is kept, not copied. */
export function decodeHot(bytes: Uint8Array): HotMessage | undefined {
  if (bytes.length < headerBytes || bytes[1] !== frameVersion) return undefined;
  const lineage = uint32(bytes, 4);
  const epoch = uint32(bytes, 8);
  const count = uint16(bytes, 2);
  const a = uint48(bytes, 12);
  const b = uint48(bytes, 18);
  switch (bytes[0]) {
    case tags.request:
      if (count === 0 || bytes.length < headerBytes + count) return undefined;
      return { kind: 'request', lineage, epoch, received: a, first: b, count, frame: bytes };
    case tags.ordered:
      if (b < 1 || !isRow(bytes, count)) return undefined;
      return { kind: 'ordered', lineage, epoch, stable: a, first: b, count, frame: bytes };
    case tags.ack:
      return { kind: 'ack', lineage, epoch, received: a };
    case tags.stable:
      return { kind: 'stable', lineage, epoch, stable: a, last: b };
    default:
      return undefined;
  }
}

/** The exact bytes of a message of the hot path. */
export function encodeHot(message: HotMessage): Uint8Array {
  if (message.kind === 'request' || message.kind === 'ordered') return message.frame;
  const { lineage, epoch } = message;
  const bytes = new Uint8Array(headerBytes);
  const [a, b] = numbersOf(message);
  writeHeader(bytes, { tag: tags[message.kind], count: 0, lineage, epoch, a, b });
  return bytes;
}

function numbersOf(message: AckMessage | StableMessage): [number, number] {
  return message.kind === 'ack' ? [message.received, 0] : [message.stable, message.last];
}

// The segments fill the frame, and hold as many messages as the header says; each message takes a byte at least.
function isRow(bytes: Uint8Array, count: number): boolean {
  let offset = headerBytes;
  let messages = 0;
  while (offset < bytes.length) {
    if (offset + segmentHeaderBytes > bytes.length) return false;
    const inSegment = uint16(bytes, offset + 2);
    const bodyBytes = uint32(bytes, offset + 4);
    offset += segmentHeaderBytes + bodyBytes;
    messages += inSegment;
    if (inSegment === 0 || bodyBytes < inSegment || offset > bytes.length) return false;
  }
  return count > 0 && messages === count;
}

/** One segment of an ordered frame. */
export interface Segment {
  /** The sender's place in the view. */
  readonly rank: number;
  readonly count: number;
  /** Number of its first request. */
  readonly first: number;
  /** Where its body begins and ends in the frame. */
  readonly start: number;
  readonly end: number;
}

/** The segments of a frame that `decodeHot` let pass. */
export function segmentsOf({ frame }: OrderedMessage): Segment[] {
  const segments: Segment[] = [];
  for (let offset = headerBytes; offset < frame.length;) {
    const start = offset + segmentHeaderBytes;
    const end = start + uint32(frame, offset + 4);
    const rank = uint16(frame, offset);
    segments.push({ rank, count: uint16(frame, offset + 2), first: uint48(frame, offset + 8), start, end });
    offset = end;
  }
  return segments;
}

/** The body of a request: lengths and payloads, as they go into a segment. */
export function bodyOf({ frame }: RequestMessage): Uint8Array {
  return frame.subarray(headerBytes);
}

/** Bytes that the length of a payload takes in front of it. */
export function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  return length < 0x20_0000 ? 3 : lengthBytesMax;
}

/** Writes a length in groups of seven bits, the lowest first; returns the offset behind it. */
export function writeLength(bytes: Uint8Array, offset: number, length: number): number {
  let rest = length;
  let at = offset;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/**
 * Visits the payloads of a segment. A body whose lengths do not fit ends in shorter and empty payloads: the same ones for
 * every member, because all have the same bytes.
 */
export function eachPayload(
  frame: Uint8Array,
  { start, end, count }: Segment,
  visit: (start: number, end: number) => void,
): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    let length = 0;
    for (let shift = 0; at < end && shift < 28; shift += 7) {
      const byte = frame[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const payloadEnd = at + length < end ? at + length : end;
    visit(at, payloadEnd);
    at = payloadEnd;
  }
}

function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function setUint48(bytes: Uint8Array, at: number, value: number): void {
  setUint32(bytes, at, value >>> 0);
  setUint16(bytes, at + 4, value / 0x1_0000_0000);
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (uint16(bytes, at) | (uint16(bytes, at + 2) << 16)) >>> 0;
}

function uint48(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) + uint16(bytes, at + 4) * 0x1_0000_0000;
}
