// The messages of which there are thousands a second, encoded and decoded by hand: the same bytes as the generated code
// gives, in a tenth of the time. Whatever is not exactly of the expected shape is left to the generated code.
import type { Outcome, StoredMessage } from './model.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A message to be sent, as it stands in the log. */
export interface LoggedSend {
  readonly requestId: Uint8Array;
  readonly atMs: number;
  readonly tokenHash: Uint8Array;
  readonly room: string;
  readonly text: string;
}

/** A message to be sent, as a client asks for it on its stream. */
export interface AskedSend {
  readonly requestId: Uint8Array;
  readonly room: string;
  readonly text: string;
}

// A tag is the field's number times 8, and 2 for things with a length or 0 for numbers.
const field = (number: number): number => number * 8 + 2;
const numberField = (number: number): number => number * 8;

/** A `Command` with a `send`. */
export function encodeSend({ requestId, atMs, tokenHash, room, text }: LoggedSend): Uint8Array {
  const [roomBytes, textBytes] = [encoder.encode(room), encoder.encode(text)];
  const send = new Encoder(tokenHash.length + roomBytes.length + textBytes.length + 24)
    .bytes(field(1), tokenHash)
    .bytes(field(2), roomBytes)
    .bytes(field(3), textBytes)
    .finish();
  return new Encoder(send.length + requestId.length + 24)
    .bytes(field(1), requestId)
    .number(numberField(2), atMs)
    .message(field(8), send)
    .finish();
}

/** Undefined: it is another command, or of another shape. */
export function decodeSend(bytes: Uint8Array): LoggedSend | undefined {
  const outer = new Decoder(bytes);
  const requestId = outer.bytes(field(1));
  const atMs = outer.number(numberField(2));
  const send = new Decoder(outer.bytes(field(8)));
  const logged = {
    requestId,
    atMs,
    tokenHash: send.bytes(field(1)),
    room: send.text(field(2)),
    text: send.text(field(3)),
  };
  return outer.isWhole && send.isWhole ? logged : undefined;
}

/** An `Outcome`. */
export function encodeOutcomeFast(outcome: Outcome): Uint8Array {
  if (!outcome.ok) return new Encoder(64).bytes(field(1), encoder.encode(outcome.error)).finish();
  const { index, sequence = 0, room = '', atMs } = outcome;
  const roomBytes = encoder.encode(room);
  return new Encoder(48 + roomBytes.length)
    .number(numberField(2), index)
    .number(numberField(3), sequence)
    .bytes(field(4), roomBytes)
    .number(numberField(5), atMs)
    .finish();
}

/** Undefined: it is not the outcome of a message that was sent. */
export function decodeSent(bytes: Uint8Array): Extract<Outcome, { ok: true }> | undefined {
  const decoder = new Decoder(bytes);
  const index = decoder.number(numberField(2));
  const sequence = decoder.number(numberField(3));
  const room = decoder.text(field(4));
  const atMs = decoder.number(numberField(5));
  return decoder.isWhole ? { ok: true, index, sequence, room, atMs } : undefined;
}

/** A `ConverseRequest` with a `send`. Undefined: it is another request, or of another shape. */
export function decodeAskedSend(bytes: Uint8Array): AskedSend | undefined {
  const outer = new Decoder(bytes);
  const send = new Decoder(outer.bytes(field(2)));
  const asked = { requestId: send.bytes(field(1)), room: send.text(field(2)), text: send.text(field(3)) };
  return outer.isWhole && send.isWhole ? asked : undefined;
}

/** A `ConverseResponse` with a `message`. */
export function encodeMessageResponse(room: string, message: StoredMessage): Uint8Array {
  const bytes = encodeMessage(room, message);
  return new Encoder(bytes.length + 8).message(field(1), bytes).finish();
}

/** A `ConverseResponse` with a `sent`. */
export function encodeSentResponse(requestId: Uint8Array, room: string, message: StoredMessage): Uint8Array {
  const bytes = encodeMessage(room, message);
  const sent = new Encoder(bytes.length + requestId.length + 16)
    .bytes(field(1), requestId)
    .message(field(2), bytes)
    .finish();
  return new Encoder(sent.length + 8).message(field(2), sent).finish();
}

function encodeMessage(room: string, { id, from, text, atMs, index, sequence, deleted }: StoredMessage): Uint8Array {
  const texts = [id, room, from, text].map((one) => encoder.encode(one));
  const size = texts.reduce((sum, { length }) => sum + length + 8, 48);
  const message = new Encoder(size);
  for (const [at, bytes] of texts.entries()) message.bytes(field(at + 1), bytes);
  return message
    .number(numberField(5), atMs)
    .number(numberField(6), index)
    .number(numberField(7), sequence)
    .number(numberField(8), deleted ? 1 : 0)
    .finish();
}

/** Writes fields one after the other into a buffer that is surely large enough. Empty values are left out, as in proto3. */
class Encoder {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  number(tag: number, value: number): this {
    if (value === 0) return this;
    this.#bytes[this.#at++] = tag;
    return this.#varint(value);
  }

  bytes(tag: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.message(tag, value);
  }

  /** A message inside; it is written even when it is empty. */
  message(tag: number, value: Uint8Array): this {
    this.#bytes[this.#at++] = tag;
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #varint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) + 0x80;
    this.#bytes[this.#at++] = rest;
    return this;
  }
}

/** Reads fields in the order in which they are asked for; each has to be there. */
class Decoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Everything asked for was there, and nothing else. */
  get isWhole(): boolean {
    return !this.#isBroken && this.#at === this.#bytes.length && this.#at > 0;
  }

  number(tag: number): number {
    return this.#isNext(tag) ? this.#varint() : 0;
  }

  /** A view. */
  bytes(tag: number): Uint8Array {
    const length = this.#isNext(tag) ? this.#varint() : 0;
    const end = this.#at + length;
    if (length === 0 || end > this.#bytes.length) this.#isBroken = true;
    if (this.#isBroken) return nothing;
    this.#at = end;
    return this.#bytes.subarray(end - length, end);
  }

  text(tag: number): string {
    try {
      return decoder.decode(this.bytes(tag));
    } catch {
      this.#isBroken = true;
      return '';
    }
  }

  #isNext(tag: number): boolean {
    if (this.#bytes[this.#at] !== tag) this.#isBroken = true;
    this.#at++;
    return !this.#isBroken;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
      if (byte < 0x80) break;
    }
    this.#isBroken = true;
    return 0;
  }
}

const nothing = new Uint8Array(0);
