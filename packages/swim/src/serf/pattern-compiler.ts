import { PatternReader, type Node } from './pattern-reader.ts';

/** One state of the machine that matches; `next` and the others are indices of states. */
export type Step =
  | { readonly op: 'one'; readonly accepts: (point: number) => boolean; readonly next: number }
  | {
      readonly op: 'assert';
      readonly holds: (before: number | undefined, after: number | undefined) => boolean;
      readonly next: number;
    }
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'match' };
export type Program = readonly Step[];

const patternLengthMax = 256;
const stepsMax = 1_000;
// Nested repetitions of nothing make no steps, only work.
const partsMax = 10_000;

/** The pattern as a program that starts at step 0; undefined when it is not valid or too large. */
export function compilePattern(expression: string): Program | undefined {
  if (expression.length > patternLengthMax) return undefined;
  const tree = new PatternReader(expression).read();
  return tree === undefined ? undefined : new Compiler().compile(tree);
}

class Compiler {
  readonly #program: Step[] = [];
  #parts = 0;

  compile(tree: Node): Program | undefined {
    if (!this.#write(tree)) return undefined;
    this.#program.push({ op: 'match' });
    return this.#program;
  }

  /** Appends the steps of a node; each part ends by going on to the step after it. False when there are too many. */
  #write(node: Node): boolean {
    const at = this.#program.length;
    if (at > stepsMax || ++this.#parts > partsMax) return false;
    switch (node.type) {
      case 'one':
        this.#program.push({ op: 'one', accepts: node.accepts, next: at + 1 });
        return true;
      case 'assert':
        this.#program.push({ op: 'assert', holds: node.holds, next: at + 1 });
        return true;
      case 'sequence':
        return node.parts.every((part) => this.#write(part));
      case 'choice':
        return this.#writeChoice(node.parts);
      default:
        return this.#writeRepeat(node);
    }
  }

  #writeChoice(parts: readonly Node[]): boolean {
    const exits: number[] = [];
    for (const part of parts.slice(0, -1)) {
      const split = this.#hole();
      if (!this.#write(part)) return false;
      exits.push(this.#hole());
      this.#fork(split, split + 1, this.#program.length);
    }
    const last = parts.at(-1);
    if (last !== undefined && !this.#write(last)) return false;
    for (const exit of exits) this.#fork(exit, this.#program.length, this.#program.length);
    return true;
  }

  #writeRepeat({ part, min, max }: Extract<Node, { type: 'repeat' }>): boolean {
    for (let count = 0; count < min; count++) if (!this.#write(part)) return false;
    if (max === undefined) {
      const loop = this.#hole();
      if (!this.#write(part)) return false;
      this.#fork(this.#hole(), loop, loop);
      this.#fork(loop, loop + 1, this.#program.length);
      return true;
    }
    const skips: number[] = [];
    for (let count = min; count < max; count++) {
      skips.push(this.#hole());
      if (!this.#write(part)) return false;
    }
    for (const skip of skips) this.#fork(skip, skip + 1, this.#program.length);
    return true;
  }

  /** A place for a fork whose ends are not known yet. */
  #hole(): number {
    return this.#program.push({ op: 'split', first: 0, second: 0 }) - 1;
  }

  #fork(at: number, first: number, second: number): void {
    this.#program[at] = { op: 'split', first, second };
  }
}
