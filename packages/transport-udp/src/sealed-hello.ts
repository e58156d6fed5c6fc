import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Which side of a stream: each seals under a key of its own, so that nothing can be sent back to where it came from. */
export type Side = 'dialer' | 'acceptor';

/** The keys of one stream. */
export interface StreamKeys {
  readonly seals: Uint8Array;
  readonly opens: Uint8Array;
}

/** Drawn afresh by either side for each stream. */
export const saltBytes = 16;
const proofBytes = 32;
const mark = new TextEncoder().encode('GRPS\u0001');
/** What either side says first: mark and version, a salt, and the proof that it has a key. */
export const helloBytes = mark.length + saltBytes + proofBytes;

/** What one side says first; `asked` is the salt that it answers. */
export function helloOf(key: Uint8Array, side: Side, salt: Uint8Array, asked: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([mark, salt, proofOf(key, side, asked, salt)]);
}

/** The acceptor proves itself with the dialer's salt, too: an old answer proves nothing. */
function proofOf(key: Uint8Array, side: Side, asked: Uint8Array, salt: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`grp stream 1 ${side}`).update(asked).update(salt).digest();
}

/** The salt of a hello; undefined when it is none of ours. */
export function saltOf(hello: Uint8Array): Uint8Array | undefined {
  const isOurs = mark.every((byte, index) => byte === hello[index]);
  return isOurs ? hello.slice(mark.length, mark.length + saltBytes) : undefined;
}

/** Whether whoever said this hello has the key. */
export function proves(hello: Uint8Array, key: Uint8Array, side: Side, asked: Uint8Array): boolean {
  const salt = hello.subarray(mark.length, mark.length + saltBytes);
  return timingSafeEqual(hello.subarray(mark.length + saltBytes), proofOf(key, side, asked, salt));
}

/** The keys of one stream, for one of its sides; the dialer's salt first. */
export function keysOf(key: Uint8Array, side: Side, salts: readonly Uint8Array[]): StreamKeys {
  const salt = Buffer.concat(salts);
  const keyOf = (from: Side): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', key, salt, `grp stream 1 from ${from}`, 32));
  return side === 'dialer'
    ? { seals: keyOf('dialer'), opens: keyOf('acceptor') }
    : { seals: keyOf('acceptor'), opens: keyOf('dialer') };
}
