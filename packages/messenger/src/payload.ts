import { sanitizeText } from '@grp/core';
import { fromUtf8, Reader, utf8, Writer } from './bytes.ts';

const textVersion = 1;

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
  return new Writer().u8(textVersion).f64(sentAt).f64(wallMs).raw(utf8(text)).bytes();
}

/** Undefined for what is no message. The text has been made safe, whatever was sent. */
export function decodePayload(bytes: Uint8Array, textBytesMax: number): Payload | undefined {
  const reader = new Reader(bytes);
  const version = reader.u8();
  const [sentAt, wallMs] = [reader.f64(), reader.f64()];
  const text = fromUtf8(reader.rest());
  if (version !== textVersion || reader.isBroken || text === undefined) return undefined;
  return { text: safeText(text, textBytesMax), sentAt, wallMs: safeWallMs(wallMs) };
}

/** Without anything that a terminal obeys; line breaks become spaces. At most as long as asked, in UTF-16 units. */
export function safeText(text: string, lengthMax: number): string {
  return sanitizeText(text, { lengthMax });
}

/** A time that a calendar has. */
export function safeWallMs(wallMs: number): number {
  return Math.abs(wallMs) <= 8.64e15 ? wallMs : 0;
}
