/**
 * Letters that look like Latin ones, after lower-casing, for the scripts that a name may be written in. Written down by
 * us: with one script per name (`scripts.ts`) only letters whose whole alphabet can pass for Latin matter, and letters
 * within Latin; the full table of UTS #39 has 6,300 entries, nearly all of them for scripts that are refused anyway.
 */
const lookalikes: Readonly<Record<string, string>> = {
  a: 'аɑα',
  b: 'ьъƅβ',
  c: 'сҫϲς',
  d: 'ԁժɖ',
  e: 'еҽәəɘє',
  f: 'ƒք',
  g: 'ɡցɢᶃ',
  h: 'һհի',
  i: 'іιıɩɪյ',
  j: 'јϳȷ',
  k: 'кκҝқԟĸ',
  l: 'ւլӏɫ',
  m: 'мɱ',
  n: 'пոռηƞɴ',
  o: 'оοσօөѳɵჿ٥۵०০੦૦୦௦౦೦൦๐໐၀',
  p: 'рρƿϸ',
  q: 'ԛգզʠ',
  r: 'гɼɽʀ',
  s: 'ѕʂ',
  t: 'тτ',
  u: 'υսцʋμ',
  v: 'νѵ',
  w: 'ѡԝաɯω',
  x: 'хχҳ',
  y: 'уүγყʏ',
  z: 'ʐʑ',
};

/** Digits and letters that pass for each other in many a font, within one script. */
const shapes: Readonly<Record<string, string>> = {
  // Upper-case I, lower-case l and the digit are one stroke; so are O and the digit.
  i: 'l',
  '1': 'l',
  '0': 'o',
  m: 'rn',
  w: 'vv',
};

/** What each look-alike stands for. Keys are single code points, lower-case. */
export const confusables: ReadonlyMap<string, string> = new Map([
  ...Object.entries(lookalikes).flatMap(([latin, others]) =>
    Array.from(others, (other) => [other, shapes[latin] ?? latin] as const),
  ),
  ...Object.entries(shapes),
]);
