import { compareNames } from '../names.ts';

const chunkMax = 512;

/** Names in byte order: taking one in or out costs O(√n) or so, walking on from a name costs O(log n). */
export class SortedNames {
  readonly #chunks: string[][] = [[]];

  /** The name must not be there yet. */
  add(name: string): void {
    const at = this.#chunkOf(name);
    const chunk = this.#chunks[at] as string[];
    chunk.splice(position(chunk, name), 0, name);
    if (chunk.length > chunkMax) this.#chunks.splice(at + 1, 0, chunk.splice(chunkMax >> 1));
  }

  delete(name: string): void {
    const at = this.#chunkOf(name);
    const chunk = this.#chunks[at] as string[];
    const index = position(chunk, name);
    if (chunk[index] !== name) return;
    chunk.splice(index, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** Names from `from` on, itself included when it is there. */
  *startingAt(from: string): Generator<string> {
    const first = this.#chunkOf(from);
    for (let at = first; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as string[];
      for (let index = at === first ? position(chunk, from) : 0; index < chunk.length; index++)
        yield chunk[index] as string;
    }
  }

  /** The last chunk whose first name is not after `name`. */
  #chunkOf(name: string): number {
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareNames((this.#chunks[middle] as string[])[0] ?? '', name) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where `name` is, or would be. */
function position(chunk: readonly string[], name: string): number {
  let [low, high] = [0, chunk.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(chunk[middle] as string, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
