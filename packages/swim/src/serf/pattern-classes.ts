/** A set of characters, asked by code point. */
export type Accepts = (point: number) => boolean;

export function range(from: number, to: number): Accepts {
  return (point) => point >= from && point <= to;
}

export function anyOf(parts: readonly Accepts[]): Accepts {
  return (point) => parts.some((accepts) => accepts(point));
}

export function negate(accepts: Accepts): Accepts {
  return (point) => !accepts(point);
}

/** The set without regard to upper and lower case. */
export function fold(accepts: Accepts): Accepts {
  return (point) => {
    if (accepts(point)) return true;
    const character = String.fromCodePoint(point);
    return isFolded(accepts, character.toLowerCase()) || isFolded(accepts, character.toUpperCase());
  };
}

function isFolded(accepts: Accepts, text: string): boolean {
  const point = text.codePointAt(0) as number;
  return text === String.fromCodePoint(point) && accepts(point);
}

/** ASCII characters of a text, where `a-z` is a range. */
function ascii(text: string): Accepts {
  const parts: Accepts[] = [];
  for (let index = 0; index < text.length; index++) {
    const ranged = text[index + 1] === '-' && index + 2 < text.length;
    parts.push(range(text.charCodeAt(index), text.charCodeAt(ranged ? index + 2 : index)));
    if (ranged) index += 2;
  }
  return anyOf(parts);
}

const digit = ascii('0-9');
const space = ascii('\t\n\f\r ');
const word = ascii('0-9A-Za-z_');

export function isWord(point: number | undefined): boolean {
  return point !== undefined && word(point);
}

/** `\d` and the like. */
export const classes: Readonly<Record<string, Accepts>> = {
  d: digit,
  D: negate(digit),
  s: space,
  S: negate(space),
  w: word,
  W: negate(word),
};

/** `[[:alpha:]]` and the like; ASCII only, as in RE2. */
export const posixClasses: ReadonlyMap<string, Accepts> = new Map(
  Object.entries({
    alnum: ascii('0-9A-Za-z'),
    alpha: ascii('A-Za-z'),
    ascii: range(0, 0x7f),
    blank: ascii('\t '),
    cntrl: anyOf([range(0, 0x1f), range(0x7f, 0x7f)]),
    digit,
    graph: range(0x21, 0x7e),
    lower: ascii('a-z'),
    print: range(0x20, 0x7e),
    punct: ascii('!-/:-@[-`{-~'),
    space: ascii('\t-\r '),
    upper: ascii('A-Z'),
    word,
    xdigit: ascii('0-9A-Fa-f'),
  }),
);

export const simpleEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
