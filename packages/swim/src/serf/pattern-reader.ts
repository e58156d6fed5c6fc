import {
  anyOf,
  classes,
  fold,
  isWord,
  negate,
  posixClasses,
  range,
  simpleEscapes,
  type Accepts,
} from './pattern-classes.ts';

/** A pattern as a tree. Groups leave no trace: only whether it matches is of interest. */
export type Node =
  | { readonly type: 'one'; readonly accepts: Accepts }
  | { readonly type: 'assert'; readonly holds: (before: number | undefined, after: number | undefined) => boolean }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly type: 'repeat'; readonly part: Node; readonly min: number; readonly max: number | undefined };

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
}

/** RE2's own limit for counted repetition. */
const repeatMax = 1_000;
const newline = 10;

/** Reads one expression of RE2's syntax, as Go documents it in `regexp/syntax`. */
export class PatternReader {
  readonly #text: readonly string[];
  #at = 0;
  #flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false };
  #broken = false;

  constructor(expression: string) {
    this.#text = Array.from(unquote(expression));
  }

  read(): Node | undefined {
    const node = this.#choice();
    return this.#broken || this.#at < this.#text.length ? undefined : node;
  }

  #choice(): Node {
    const outer = this.#flags;
    const parts = [this.#sequence()];
    while (this.#skip('|')) parts.push(this.#sequence());
    this.#flags = outer; // flags set inside a group end with it
    return { type: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#text.length && !this.#peeks('|') && !this.#peeks(')') && !this.#broken) {
      parts.push(this.#repeated());
    }
    return { type: 'sequence', parts };
  }

  #repeated(): Node {
    const part = this.#atom();
    const counts = this.#counts();
    if (counts === undefined) return part;
    this.#skip('?'); // lazy or greedy makes no difference to whether it matches
    if (this.#counts() !== undefined) this.#broken = true; // a** is no expression
    return { type: 'repeat', part, ...counts };
  }

  #counts(): { min: number; max: number | undefined } | undefined {
    if (this.#skip('*')) return { min: 0, max: undefined };
    if (this.#skip('+')) return { min: 1, max: undefined };
    if (this.#skip('?')) return { min: 0, max: 1 };
    const found = this.#takePattern(/^\{(\d{1,5})(,(\d{0,5}))?\}/);
    if (found === undefined) return undefined; // a brace that counts nothing is a brace
    const min = Number(found[1]);
    let max: number | undefined = min;
    if (found[2] !== undefined) max = found[3] === '' ? undefined : Number(found[3]);
    if (min > repeatMax || (max ?? 0) > repeatMax || (max !== undefined && max < min)) this.#broken = true;
    return { min, max };
  }

  #atom(): Node {
    const character = this.#take();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { type: 'one', accepts: this.#class() };
      case '.': {
        const { dotAll } = this.#flags;
        return { type: 'one', accepts: (point) => dotAll || point !== newline };
      }
      case '^':
        return this.#boundary(this.#flags.multiLine, 'start');
      case '$':
        return this.#boundary(this.#flags.multiLine, 'end');
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        return this.#fail();
      default:
        return this.#literal(character.codePointAt(0) as number);
    }
  }

  #group(): Node {
    if (this.#skip('?') && this.#takePattern(/^(P?<\w+>)/) === undefined) {
      const found = this.#takePattern(/^([imsU]*)(?:-([imsU]+))?([:)])/);
      if (found === undefined) return this.#fail(); // looking around is not RE2's
      const outer = this.#flags;
      this.#flags = withFlags(withFlags(outer, found[1] ?? '', true), found[2] ?? '', false);
      if (found[3] === ')') return { type: 'sequence', parts: [] }; // from here to the end of the group around it
      const node = this.#closed(this.#choice());
      this.#flags = outer;
      return node;
    }
    return this.#closed(this.#choice());
  }

  #closed(node: Node): Node {
    return this.#skip(')') ? node : this.#fail();
  }

  #boundary(multiLine: boolean, side: 'start' | 'end'): Node {
    return {
      type: 'assert',
      holds: (before, after) => {
        const neighbour = side === 'start' ? before : after;
        return neighbour === undefined || (multiLine && neighbour === newline);
      },
    };
  }

  #escape(): Node {
    if (this.#skip('A')) return this.#boundary(false, 'start');
    if (this.#skip('z')) return this.#boundary(false, 'end');
    if (this.#peeks('b') || this.#peeks('B')) {
      const wanted = this.#take() === 'b';
      return { type: 'assert', holds: (before, after) => (isWord(before) !== isWord(after)) === wanted };
    }
    const known = classes[this.#text[this.#at] ?? ''];
    if (known !== undefined) {
      this.#at++;
      return { type: 'one', accepts: known };
    }
    return this.#literal(this.#escapedPoint());
  }

  /** What follows a backslash, as one character. */
  #escapedPoint(): number {
    const hex = this.#takePattern(/^x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/);
    if (hex !== undefined) {
      const point = Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
      if (point > 0x10_ffff) this.#broken = true;
      return point;
    }
    const character = this.#take();
    const simple = simpleEscapes[character];
    if (simple !== undefined) return simple;
    // Only punctuation may be escaped for nothing; \1 (a backreference) and unknown letters are no expression.
    if (!/^[!-/:-@[-`{-~]$/.test(character)) this.#broken = true;
    return character.codePointAt(0) ?? 0;
  }

  #class(): Accepts {
    const negative = this.#skip('^');
    const parts: Accepts[] = [];
    for (let first = true; first || !this.#peeks(']'); first = false) {
      if (this.#at >= this.#text.length || this.#broken) {
        this.#broken = true;
        break;
      }
      parts.push(this.#classPart());
    }
    this.#at++;
    const accepts = this.#flags.ignoreCase ? fold(anyOf(parts)) : anyOf(parts);
    return negative ? negate(accepts) : accepts;
  }

  #classPart(): Accepts {
    const posix = this.#takePattern(/^\[:(\^?)([a-z]+):\]/);
    if (posix !== undefined) {
      const accepts = posixClasses.get(posix[2] ?? '');
      if (accepts === undefined) this.#broken = true;
      return posix[1] === '^' ? negate(accepts ?? anyOf([])) : (accepts ?? anyOf([]));
    }
    const known = this.#peeks('\\') ? classes[this.#text[this.#at + 1] ?? ''] : undefined;
    if (known !== undefined) {
      this.#at += 2;
      return known;
    }
    const from = this.#classPoint();
    if (!this.#peeks('-') || this.#text[this.#at + 1] === ']') return range(from, from);
    this.#at++;
    const to = this.#classPoint();
    if (to < from) this.#broken = true;
    return range(from, to);
  }

  #classPoint(): number {
    const character = this.#take();
    return character === '\\' ? this.#escapedPoint() : (character.codePointAt(0) ?? 0);
  }

  #literal(point: number): Node {
    const accepts = range(point, point);
    return { type: 'one', accepts: this.#flags.ignoreCase ? fold(accepts) : accepts };
  }

  #fail(): Node {
    this.#broken = true;
    return { type: 'sequence', parts: [] };
  }

  #peeks(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #skip(character: string): boolean {
    if (!this.#peeks(character)) return false;
    this.#at++;
    return true;
  }

  /** The next character; at the end, nothing, and the expression is broken. */
  #take(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) this.#broken = true;
    return character ?? '';
  }

  #takePattern(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.#text.slice(this.#at).join(''));
    if (found === null) return undefined;
    this.#at += Array.from(found[0]).length;
    return found;
  }
}

/** Writes `\Q…\E`, text without any meaning of its own, with single escapes instead. */
function unquote(expression: string): string {
  return expression.replaceAll(/\\Q([^]*?)(?:\\E|$)|\\[^]/g, (whole, quoted: string | undefined) =>
    quoted === undefined ? whole : quoted.replaceAll(/[!-/:-@[-`{-~]/g, String.raw`\$&`),
  );
}

function withFlags(flags: Flags, letters: string, value: boolean): Flags {
  return {
    ignoreCase: letters.includes('i') ? value : flags.ignoreCase,
    multiLine: letters.includes('m') ? value : flags.multiLine,
    dotAll: letters.includes('s') ? value : flags.dotAll,
  };
}
