/**
 * The notices of one session that its client has not confirmed, to be repeated after a resume. Too many of them are
 * forgotten together: the client then gets its views anew instead of a story with a hole.
 */
export class NoticeLog {
  readonly #bytesMax: number;
  #kept: { readonly n: number; readonly line: string }[] = [];
  #bytes = 0;
  #last: number;
  /** Everything up to this number is gone. */
  #forgotten: number;

  /** @param before The first notice has the number after it: another one in each life of the tracker. */
  constructor(bytesMax: number, before: number) {
    this.#bytesMax = bytesMax;
    this.#last = before;
    this.#forgotten = before;
  }

  /** The number of the last notice. */
  get last(): number {
    return this.#last;
  }

  /** Gives the notice its number. `body` is a JSON object; the line is without its newline. */
  add(body: string): string {
    const n = ++this.#last;
    const line = `{"v":1,"n":${n},${body.slice(1)}`;
    this.#kept.push({ n, line });
    this.#bytes += line.length;
    if (this.#bytes > this.#bytesMax) this.#forget(n);
    return line;
  }

  /** The client has seen everything up to this one. */
  confirm(seen: number): void {
    while (this.#kept[0] !== undefined && this.#kept[0].n <= seen) {
      this.#bytes -= this.#kept[0].line.length;
      this.#kept.shift();
    }
  }

  /** What came after `seen`, or `gap` when that is not known any more. */
  after(seen: number): readonly string[] | 'gap' {
    if (seen > this.#last || seen < this.#forgotten) return 'gap';
    return this.#kept.filter(({ n }) => n > seen).map(({ line }) => line);
  }

  #forget(n: number): void {
    this.#kept = [];
    this.#bytes = 0;
    this.#forgotten = n;
  }
}
