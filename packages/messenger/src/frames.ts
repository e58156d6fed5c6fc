import { fromUtf8, joined, Reader, utf8, Writer } from './bytes.ts';

/** The first byte of every frame. Numbers are for ever: a kind that goes leaves a hole. */
export const frameKinds = {
  /** Who I am, with a ticket, and a number that only the holder of the other's key can answer. */
  hello: 1,
  /** The answer to a hello's number. What follows it on this link is said by a member. */
  proof: 2,
  ordering: 3,
  agreement: 4,
  ping: 5,
  pong: 6,
  'history-ask': 7,
  history: 8,
} as const;

export type FrameKind = keyof typeof frameKinds;

const kindOf = new Map<number, FrameKind>(
  (Object.keys(frameKinds) as FrameKind[]).map((kind) => [frameKinds[kind], kind]),
);

/** Bytes of a frame without its head. */
export const nonceBytes = 16;
const groupBytesMax = 255;

export interface Frame {
  readonly kind: FrameKind;
  /** Folded name. */
  readonly group: string;
  readonly body: Uint8Array;
}

/** What every frame of one kind in one group begins with. */
export function frameHead(kind: FrameKind, group: string): Uint8Array {
  const name = utf8(group).subarray(0, groupBytesMax);
  return joined([Uint8Array.of(frameKinds[kind], name.length), name]);
}

/** Undefined for what no version of ours sends. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const kind = kindOf.get(bytes[0] ?? 0);
  const length = bytes[1] ?? 0;
  if (kind === undefined || length === 0 || bytes.length < 2 + length) return undefined;
  const group = readName(bytes, 2, 2 + length);
  return group === undefined ? undefined : { kind, group, body: bytes.subarray(2 + length) };
}

/** Names are short, and mostly ASCII: letter by letter that is quicker than a decoder. */
function readName(bytes: Uint8Array, from: number, to: number): string | undefined {
  let name = '';
  for (let at = from; at < to; at++) {
    const letter = bytes[at] ?? 0;
    if (letter >= 128) return fromUtf8(bytes.subarray(from, to));
    name += String.fromCharCode(letter);
  }
  return name;
}

const helloVersion = 1;

export interface Hello {
  readonly ticket: string;
  readonly nonce: Uint8Array;
  /** The other's hello is wanted, too. */
  readonly isAsking: boolean;
  /** Where the other's hello came from, when this one answers it. */
  readonly seen?: string | undefined;
}

export function encodeHello({ ticket, nonce, isAsking, seen }: Hello): Uint8Array {
  const writer = new Writer();
  writer
    .u8(helloVersion)
    .u8(isAsking ? 1 : 0)
    .raw(nonce)
    .text(ticket);
  return (seen === undefined ? writer : writer.text(seen)).bytes();
}

export function decodeHello(body: Uint8Array): Hello | undefined {
  const reader = new Reader(body);
  const version = reader.u8();
  const isAsking = reader.u8() === 1;
  const nonce = reader.raw(nonceBytes).slice();
  const ticket = reader.text();
  if (version < helloVersion || reader.isBroken) return undefined;
  // A hello that asks ends here, and a newer version may add fields behind what follows.
  const seen = reader.text();
  return { ticket, nonce, isAsking, seen: seen === '' ? undefined : seen };
}

/** What a member signs: it, to that verifier, for that group, and for no other number. */
export function proofBytes(given: {
  readonly group: string;
  readonly prover: string;
  readonly verifier: string;
  readonly nonce: Uint8Array;
}): Uint8Array {
  const { group, prover, verifier, nonce } = given;
  return new Writer().text('grp-messenger-proof-1').text(group).text(prover).text(verifier).raw(nonce).bytes();
}

export interface Ping {
  /** By the asker's clock, in ms. */
  readonly askedAt: number;
}

export interface Pong extends Ping {
  /** By the answerer's clock, in ms. */
  readonly answeredAt: number;
}

export function encodePing({ askedAt }: Ping): Uint8Array {
  return new Writer().f64(askedAt).bytes();
}

export function decodePing(body: Uint8Array): Ping | undefined {
  const reader = new Reader(body);
  const askedAt = reader.f64();
  return reader.isBroken ? undefined : { askedAt };
}

export function encodePong({ askedAt, answeredAt }: Pong): Uint8Array {
  return new Writer().f64(askedAt).f64(answeredAt).bytes();
}

export function decodePong(body: Uint8Array): Pong | undefined {
  const reader = new Reader(body);
  const [askedAt, answeredAt] = [reader.f64(), reader.f64()];
  return reader.isBroken || !Number.isFinite(answeredAt) ? undefined : { askedAt, answeredAt };
}
