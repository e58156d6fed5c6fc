import { isObject } from './fields.ts';

const newline = 10;

/** What `LineReader.next` finds: a line without its newline, or nothing yet, or too much without a newline. */
export type Line = { readonly bytes: Uint8Array } | 'incomplete' | 'too-long';

/**
 * Cuts a byte stream into lines. What it holds of a line that is not complete is a copy of its own, never more than a
 * line may have; nothing at all once a line is too long, so that a line of a gigabyte costs no more than one of 8 KiB.
 */
export class LineReader {
  readonly #lineBytesMax: number;
  #bytes = new Uint8Array(0);
  #start = 0; // what is before this was given out
  #searched = 0; // no newline before this
  #tooLong = false;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes that wait here. */
  get heldBytes(): number {
    return this.#bytes.length - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#tooLong || chunk.length === 0) return;
    const held = this.heldBytes;
    const bytes = new Uint8Array(held + chunk.length);
    bytes.set(this.#bytes.subarray(this.#start));
    bytes.set(chunk, held);
    this.#searched -= this.#start;
    this.#start = 0;
    this.#bytes = bytes;
  }

  next(): Line {
    if (this.#tooLong) return 'too-long';
    const found = this.#bytes.indexOf(newline, this.#searched);
    const end = found < 0 ? this.#bytes.length : found;
    if (end - this.#start > this.#lineBytesMax) {
      this.#tooLong = true;
      this.#bytes = new Uint8Array(0);
      this.#start = 0;
      return 'too-long';
    }
    this.#searched = end;
    if (found < 0) return 'incomplete';
    const bytes = this.#bytes.subarray(this.#start, end);
    this.#start = end + 1;
    this.#searched = this.#start;
    return { bytes };
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The JSON object on a line; undefined for anything else. Never throws. */
export function decodeLine(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
