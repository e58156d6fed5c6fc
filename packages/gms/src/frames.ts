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
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  view.setUint8(0, tag);
  view.setUint8(1, frameVersion);
  view.setUint16(2, count, true);
  view.setUint32(4, lineage, true);
  view.setUint32(8, epoch, true);
  setUint48(view, 12, a);
  setUint48(view, 18, b);
}

/** Writes the header of a segment: the messages of one sender, in one piece. */
export function writeSegmentHeader(
  view: DataView,
  offset: number,
  { rank, count, bodyBytes, first }: { rank: number; count: number; bodyBytes: number; first: number },
): void {
  view.setUint16(offset, rank, true);
  view.setUint16(offset + 2, count, true);
  view.setUint32(offset + 4, bodyBytes, true);
  setUint48(view, offset + 8, first);
}

/** Undefined: no message of the hot path, or a broken one. The frame is kept, not copied. */
export function decodeHot(bytes: Uint8Array): HotMessage | undefined {
  if (bytes.length < headerBytes || bytes[1] !== frameVersion) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const stamp = { lineage: view.getUint32(4, true), epoch: view.getUint32(8, true) };
  const count = view.getUint16(2, true);
  const a = uint48(view, 12);
  const b = uint48(view, 18);
  switch (bytes[0]) {
    case tags.request:
      if (count === 0 || bytes.length < headerBytes + count) return undefined;
      return { kind: 'request', ...stamp, received: a, first: b, count, frame: bytes };
    case tags.ordered:
      if (b < 1 || !isRow(view, count)) return undefined;
      return { kind: 'ordered', ...stamp, stable: a, first: b, count, frame: bytes };
    case tags.ack:
      return { kind: 'ack', ...stamp, received: a };
    case tags.stable:
      return { kind: 'stable', ...stamp, stable: a, last: b };
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
function isRow(view: DataView, count: number): boolean {
  let offset = headerBytes;
  let messages = 0;
  while (offset < view.byteLength) {
    if (offset + segmentHeaderBytes > view.byteLength) return false;
    const inSegment = view.getUint16(offset + 2, true);
    const bodyBytes = view.getUint32(offset + 4, true);
    offset += segmentHeaderBytes + bodyBytes;
    messages += inSegment;
    if (inSegment === 0 || bodyBytes < inSegment || offset > view.byteLength) return false;
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
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const segments: Segment[] = [];
  for (let offset = headerBytes; offset < frame.length;) {
    const start = offset + segmentHeaderBytes;
    const end = start + view.getUint32(offset + 4, true);
    const rank = view.getUint16(offset, true);
    segments.push({ rank, count: view.getUint16(offset + 2, true), first: uint48(view, offset + 8), start, end });
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

function setUint48(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 0x1_0000_0000, true);
  view.setUint16(offset + 4, value / 0x1_0000_0000, true);
}

function uint48(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint16(offset + 4, true) * 0x1_0000_0000;
}
