// The packets of PROTOCOL.md. Numbers are little-endian; every reader is total.

/** First byte of every packet. */
export const protocolVersion = 1;

/** Second byte: the high half is the type, the low half belongs to data. */
export const packetTypes = { data: 0x10, ack: 0x20, hello: 0x30, welcome: 0x40, reset: 0x50 } as const;

/** Low bits of a data or ack packet's second byte. */
export const packetFlags = {
  /** The first frame goes on with the message that the packet before left open. */
  continues: 1,
  /** The last frame's message goes on in the next packet. */
  more: 2,
  /** The receiver should acknowledge at the end of its turn. */
  ackNow: 4,
} as const;

/** Where each number of a packet stands. */
export const offsets = {
  version: 0,
  type: 1,
  epoch: 2,
  key: 4,
  cumulative: 12,
  number: 16,
  frames: 20,
  sack: 16,
  window: 2,
  source: 4,
  destination: 12,
} as const;

export const dataHeaderBytes = offsets.frames;
/** Length field of a frame. */
export const frameHeaderBytes = 2;
/** Total length of a fragmented message, at the start of its first fragment. */
export const totalBytes = 4;
export const ackBytes = 16;
/** Selective acks reach that many packets beyond the cumulative one. */
export const sackBitsMax = 512;
/** Hello and welcome are of one size, so that an answer is never longer than its question. */
export const helloBytes = 24;
/** Shorter than any packet that may cause one. */
export const resetBytes = 12;

/** Half of a 64-bit number, as a signed 32-bit one. */
export type Half = number;

/** A 64-bit number in two signed halves. */
export interface Id {
  readonly low: Half;
  readonly high: Half;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** A signed 32-bit number: packet numbers are compared by their difference, so the sign means nothing. */
export function readI32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

export function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

/**
 * The key that packets from one life to another carry. It differs by direction, so that a packet that is thrown back at
 * its sender fits nothing, and whoever has not seen both ids cannot make it.
 */
export function sessionKey({ to, from }: { readonly to: Id; readonly from: Id }): Id {
  return {
    low: to.low ^ ((from.low << 7) | (from.low >>> 25)),
    high: to.high ^ ((from.high << 19) | (from.high >>> 13)),
  };
}

export interface Greeting {
  readonly type: 'hello' | 'welcome';
  readonly source: Id;
  /** The life that is answered; zero in a hello. */
  readonly destination: Id;
  /** Packets that the greeter keeps room for. */
  readonly windowPackets: number;
}

export function encodeGreeting({ type, source, destination, windowPackets }: Greeting): Uint8Array {
  const bytes = new Uint8Array(helloBytes);
  bytes[offsets.version] = protocolVersion;
  bytes[offsets.type] = packetTypes[type];
  writeU16(bytes, offsets.window, windowPackets);
  writeI32(bytes, offsets.source, source.low);
  writeI32(bytes, offsets.source + 4, source.high);
  writeI32(bytes, offsets.destination, destination.low);
  writeI32(bytes, offsets.destination + 4, destination.high);
  return bytes;
}

/** Undefined when it is none. The version has been looked at. */
export function decodeGreeting(bytes: Uint8Array): Greeting | undefined {
  if (bytes.length !== helloBytes) return undefined;
  const windowPackets = readU16(bytes, offsets.window);
  if (windowPackets === 0) return undefined;
  return {
    type: bytes[offsets.type] === packetTypes.hello ? 'hello' : 'welcome',
    windowPackets,
    source: readId(bytes, offsets.source),
    destination: readId(bytes, offsets.destination),
  };
}

export function encodeReset(key: Id): Uint8Array {
  const bytes = new Uint8Array(resetBytes);
  bytes[offsets.version] = protocolVersion;
  bytes[offsets.type] = packetTypes.reset;
  writeI32(bytes, offsets.key, key.low);
  writeI32(bytes, offsets.key + 4, key.high);
  return bytes;
}

export function readId(bytes: Uint8Array, at: number): Id {
  return { low: readI32(bytes, at), high: readI32(bytes, at + 4) };
}

export function sameId(a: Id, b: Id): boolean {
  return a.low === b.low && a.high === b.high;
}

/** How often numbers have wrapped at a number near another, of which it is known; in 0 … 65,535. */
export function epochOf(number: number, { base, epoch }: { readonly base: number; readonly epoch: number }): number {
  const isBelow = number >>> 0 < base >>> 0;
  if (((number - base) | 0) >= 0) return isBelow ? (epoch + 1) & 0xffff : epoch;
  return isBelow ? epoch : (epoch - 1) & 0xffff;
}

/** Do the frames of a data packet fill it exactly, and does a first fragment make sense? */
export function framesAreSound(bytes: Uint8Array, messageBytesMax: number): boolean {
  const flags = bytes[offsets.type] as number;
  const end = bytes.length;
  let at = dataHeaderBytes;
  if (at === end) return false;
  let last = at;
  while (at < end) {
    if (at + frameHeaderBytes > end) return false;
    last = at;
    at += frameHeaderBytes + readU16(bytes, at);
  }
  if (at !== end) return false;
  const startsOne =
    (flags & packetFlags.more) !== 0 && !(last === dataHeaderBytes && (flags & packetFlags.continues) !== 0);
  if (!startsOne) return true;
  const lengthBytes = end - last - frameHeaderBytes;
  if (lengthBytes <= totalBytes) return false;
  const total = readI32(bytes, last + frameHeaderBytes) >>> 0;
  return total <= messageBytesMax && total > lengthBytes - totalBytes;
}
