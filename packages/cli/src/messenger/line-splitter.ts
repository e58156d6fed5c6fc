/** Longer than any message or command may be. */
const lineCharsMax = 8_192;

/**
 * Lines of a stream, as they come. A line without an end does not grow: what is too much of it is left out, and
 * `isCut` says so.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #isCut = false;

  push(chunk: Uint8Array): readonly { readonly text: string; readonly isCut: boolean }[] {
    return this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** What came after the last newline. */
  end(): readonly { readonly text: string; readonly isCut: boolean }[] {
    const lines = this.#take(this.#decoder.decode());
    return this.#rest === '' ? lines : [...lines, this.#line()];
  }

  #take(text: string): readonly { readonly text: string; readonly isCut: boolean }[] {
    const lines: { text: string; isCut: boolean }[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      this.#grow(text.slice(from, at));
      lines.push(this.#line());
      from = at + 1;
    }
    this.#grow(text.slice(from));
    return lines;
  }

  #grow(text: string): void {
    const room = lineCharsMax - this.#rest.length;
    this.#rest += text.slice(0, room);
    if (text.length > room) this.#isCut = true;
  }

  #line(): { readonly text: string; readonly isCut: boolean } {
    const line = { text: this.#rest.replace(/\r$/, ''), isCut: this.#isCut };
    this.#rest = '';
    this.#isCut = false;
    return line;
  }
}
