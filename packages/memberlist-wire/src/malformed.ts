/**
 * Why bytes from a peer were refused; stable, for counters.
 * - `empty` nothing there · `truncated` ends too early · `trailing` goes on after its end · `too-long` beyond a limit
 * - `unknown-type` no such message · `nested` wrappings in an order nobody writes · `type` a value of another kind
 * - `out-of-range` a number its field cannot hold · `text` not UTF-8 · `address` not 4 or 16 bytes · `versions` not 6
 * - `state` no such member state · `crc` · `compress` not LZW · `label` another cluster · `plaintext` unsealed though a
 *   key is set · `sealed` sealed though none is · `decrypt` no key held opens it, or it was altered
 */
export type MalformedReason =
  | 'address'
  | 'compress'
  | 'crc'
  | 'decrypt'
  | 'empty'
  | 'label'
  | 'nested'
  | 'out-of-range'
  | 'plaintext'
  | 'sealed'
  | 'state'
  | 'text'
  | 'too-long'
  | 'trailing'
  | 'truncated'
  | 'type'
  | 'unknown-type'
  | 'versions';

/** What a decoder gives instead of a message: a peer's fault, to be counted and dropped, never thrown. */
export interface Malformed {
  readonly malformed: string;
}

export function malformed(reason: MalformedReason): Malformed {
  return { malformed: reason };
}

/** True for what a decoder refused, a refused `Part` included. Never throws. */
export function isMalformed(value: unknown): value is Malformed {
  return typeof value === 'object' && value !== null && typeof (value as Malformed).malformed === 'string';
}
