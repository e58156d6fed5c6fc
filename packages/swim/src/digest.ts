import type { Coordinate } from '@grp/memberlist-wire';

/**
 * What an ack between grp members carries: `g`, the digest of the sender's live list, and now and then its network
 * coordinate. Serf agents never see it: they get their own payload.
 */
export interface AckPayload {
  readonly digest: number;
  readonly coordinate: Coordinate | undefined;
}

const mark = 0x67; // 'g'
const shortBytes = 5;
const dimensions = 8;
const longBytes = shortBytes + 4 * (dimensions + 3);

export function encodeAckPayload({ digest, coordinate }: AckPayload): Uint8Array {
  const bytes = new Uint8Array(coordinate === undefined ? shortBytes : longBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = mark;
  view.setUint32(1, digest >>> 0);
  if (coordinate !== undefined) {
    const { vector, error, adjustment, height } = coordinate;
    const numbers = [error, adjustment, height, ...vector];
    for (const [index, value] of numbers.slice(0, dimensions + 3).entries())
      view.setFloat32(shortBytes + 4 * index, value);
  }
  return bytes;
}

/** Undefined for a payload that is not of a grp member. */
export function decodeAckPayload(payload: Uint8Array): AckPayload | undefined {
  if (payload[0] !== mark || (payload.length !== shortBytes && payload.length !== longBytes)) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const digest = view.getUint32(1);
  if (payload.length === shortBytes) return { digest, coordinate: undefined };
  const number = (index: number): number => view.getFloat32(shortBytes + 4 * index);
  const vector = Array.from({ length: dimensions }, (_, index) => number(3 + index));
  return { digest, coordinate: { error: number(0), adjustment: number(1), height: number(2), vector } };
}
