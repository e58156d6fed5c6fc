const lineMax = 1_048_576;

/** Takes server-sent events as they come, in pieces of any size, and gives the data of each whole one (WHATWG HTML §9.2). */
export class EventParser {
  #rest = '';
  #data: string[] = [];

  /** The data of the events that this piece has completed. */
  feed(piece: string): readonly string[] {
    const events: string[] = [];
    const lines = (this.#rest + piece).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    // A line without an end would otherwise fill the memory.
    if (this.#rest.length > lineMax) this.#rest = '';
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
    return events;
  }
}
