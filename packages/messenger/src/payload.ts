import { sanitizeText } from '@grp/core';
import { fromUtf8, utf8 } from './bytes.ts';

const textVersion = 1;
/** Version, and two numbers of eight bytes. */
const headBytes = 17;

/** What a message of a group carries. */
export interface Payload {
  /** Safe to print. */
  readonly text: string;
  /** By the sender's monotonic clock, in ms: what latency is measured with. It may be any number. */
  readonly sentAt: number;
  /** Wall-clock ms since 1970, by the tracker's clock; 0 when the sender says nonsense. */
  readonly wallMs: number;
}

export function encodePayload({ text, sentAt, wallMs }: Payload): Uint8Array {
  const said = utf8(text);
  const bytes = new Uint8Array(headBytes + said.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, textVersion);
  view.setFloat64(1, sentAt);
  view.setFloat64(9, wallMs);
  bytes.set(said, headBytes);
  return bytes;
}

/** Undefined for what is no message. The text has been made safe, whatever was sent. */
export function decodePayload(bytes: Uint8Array, textBytesMax: number): Payload | undefined {
  if (bytes.length < headBytes || bytes[0] !== textVersion) return undefined;
  const text = fromUtf8(bytes.subarray(headBytes));
  if (text === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  return { text: safeText(text, textBytesMax), sentAt: view.getFloat64(1), wallMs: safeWallMs(view.getFloat64(9)) };
}

/** Without anything that a terminal obeys; line breaks become spaces. At most as long as asked, in UTF-16 units. */
export function safeText(text: string, lengthMax: number): string {
  return sanitizeText(text, { lengthMax });
}

/** A time that a calendar has. */
export function safeWallMs(wallMs: number): number {
  return Math.abs(wallMs) <= 8.64e15 ? wallMs : 0;
}
