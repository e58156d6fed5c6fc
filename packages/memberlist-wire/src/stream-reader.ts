import { isMalformed, malformed, type Malformed } from './malformed.ts';
import { messageTypes, type StreamMessage, type Wrapping } from './messages.ts';
import { labelBytes, matchLabel, openSealed } from './seal.ts';
import { sealedAdditional, sealedHeaderBytes } from './stream-encode.ts';
import { resolveLimits, type StreamLimits } from './stream-limits.ts';
import { itemBytesMax, StreamParser } from './stream-parser.ts';

const nothing = new Uint8Array(0);

/**
 * Reads the one message that a peer sends on a stream, from pieces of any size. Total: never throws for what a peer
 * sent; holds no more than the limits say, and lets go of it with the result.
 */
export class StreamReader {
  readonly #wrapping: Wrapping;
  readonly #limits: StreamLimits;
  readonly #label: Uint8Array;
  readonly #bytesMax: number;
  // The first piece itself while it is the only one; so it is never written to, only replaced by a greater buffer.
  #buffer: Uint8Array = nothing;
  #length = 0;
  #start: number | undefined = undefined; // behind the label; undefined until that is there
  #parser: StreamParser | undefined = undefined;
  #state: 'reading' | 'done' | Malformed = 'reading';

  /** @throws GrpError CONFIG_INVALID, WIRE_LABEL_SIZE */
  constructor(wrapping: Wrapping, limits: Partial<StreamLimits> = {}) {
    this.#wrapping = wrapping;
    this.#limits = resolveLimits(limits);
    this.#label = labelBytes(wrapping);
    this.#bytesMax = Math.max(this.#limits.stateBytesMax, this.#limits.userMessageBytesMax) + 2 * itemBytesMax;
  }

  /**
   * Takes what has arrived. Gives the message, or why the stream is refused, once; undefined: it needs more bytes. What
   * comes after the message is ignored, what comes after a refusal is refused again.
   */
  push(bytes: Uint8Array): StreamMessage | Malformed | undefined {
    if (this.#state !== 'reading') return this.#state === 'done' ? undefined : this.#state;
    const complete = this.#append(bytes);
    const result = this.#read() ?? (complete ? undefined : malformed('too-long'));
    if (result === undefined) return undefined;
    this.#state = isMalformed(result) ? result : 'done';
    this.#buffer = nothing;
    this.#parser = undefined;
    return result;
  }

  /** False when not everything found room. */
  #append(bytes: Uint8Array): boolean {
    const taken = Math.min(bytes.length, this.#bytesMax - this.#length);
    const needed = this.#length + taken;
    if (this.#length === 0) this.#buffer = bytes;
    else {
      if (needed > this.#buffer.length) {
        const grown = new Uint8Array(Math.min(this.#bytesMax, Math.max(needed, 2 * this.#buffer.length)));
        grown.set(this.#buffer.subarray(0, this.#length));
        this.#buffer = grown;
      }
      this.#buffer.set(bytes.subarray(0, taken), this.#length);
    }
    this.#length = needed;
    return taken === bytes.length;
  }

  #read(): StreamMessage | Malformed | undefined {
    if (this.#start === undefined) {
      const start = matchLabel(this.#buffer, this.#length, this.#label);
      if (typeof start !== 'number') return start;
      this.#start = start;
    }
    if (this.#wrapping.keyring !== undefined) return this.#readSealed(this.#start);
    this.#parser ??= new StreamParser({ start: this.#start, limits: this.#limits });
    return this.#parser.parse(this.#buffer, this.#length);
  }

  #readSealed(start: number): StreamMessage | Malformed | undefined {
    const { keyring } = this.#wrapping;
    if (keyring === undefined || this.#length <= start) return undefined;
    const bytes = this.#buffer;
    if (bytes[start] !== messageTypes.encrypt) return malformed('plaintext');
    const body = start + sealedHeaderBytes;
    if (this.#length < body) return undefined;
    let size = 0;
    for (let at = start + 1; at < body; at++) size = size * 256 + (bytes[at] as number);
    if (body + size > this.#bytesMax) return malformed('too-long');
    if (this.#length < body + size) return undefined;
    const additional = sealedAdditional(bytes.subarray(start, body), this.#label);
    const plaintext = openSealed(bytes.subarray(body, body + size), keyring, additional);
    if (isMalformed(plaintext)) return plaintext;
    const parser = new StreamParser({ start: 0, limits: this.#limits });
    return parser.parse(plaintext, plaintext.length) ?? malformed('truncated');
  }
}
