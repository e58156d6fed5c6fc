import { Writable } from 'node:stream';

/** The least of a terminal: characters, carriage return, newline, colours, and what readline moves the cursor with. */
export class ScreenModel extends Writable {
  readonly columns: number;
  readonly isTTY = true;
  rows: string[] = [''];
  row = 0;
  column = 0;
  #rest = '';

  constructor(columns = 40) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.feed(chunk.toString());
    done();
  }

  /** Takes what was written, wherever it was cut. */
  feed(text: string): void {
    const all = this.#rest + text;
    // eslint-disable-next-line no-control-regex -- the language of terminals
    const cut = /\u001B(?:\[[\d;?]*)?$/.exec(all)?.index ?? all.length;
    this.#rest = all.slice(cut);
    // eslint-disable-next-line no-control-regex -- the language of terminals
    for (const [token] of all.slice(0, cut).matchAll(/\u001B\[\??[\d;]*[A-Za-z]|[^]/gu)) this.#obey(token);
  }

  #obey(token: string): void {
    const count = Number.parseInt(token.slice(2), 10);
    if (token === '\r') this.column = 0;
    else if (token === '\n') this.#down();
    else if (!token.startsWith('\u001B')) this.#put(token);
    else if (token.endsWith('G')) this.column = (count || 1) - 1;
    else if (token.endsWith('A')) this.row = Math.max(0, this.row - (count || 1));
    else if (token.endsWith('B')) this.row += count || 1;
    else if (token.endsWith('C')) this.column += count || 1;
    else if (token.endsWith('D')) this.column = Math.max(0, this.column - (count || 1));
    else if (token.endsWith('J') || token.endsWith('K')) {
      this.rows[this.row] = (this.rows[this.row] ?? '').slice(0, this.column);
      if (token.endsWith('J')) this.rows.length = this.row + 1;
    }
  }

  #put(character: string): void {
    if (this.column >= this.columns) {
      this.column = 0;
      this.#down();
    }
    const line = (this.rows[this.row] ?? '').padEnd(this.column);
    this.rows[this.row] = line.slice(0, this.column) + character + line.slice(this.column + 1);
    this.column++;
  }

  #down(): void {
    this.row++;
    this.rows[this.row] ??= '';
    if (this.column !== 0) this.column = 0;
  }
}
