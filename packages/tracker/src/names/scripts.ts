// Scripts in daily use (UAX #31, table 5), without those whose letters are mostly copies of Latin ones (Cherokee, Lisu,
// Coptic and the like have no business in a nick that must be told apart from others).
const scripts = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Georgian',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tibetan',
  'Ethiopic',
  'Thaana',
] as const;

/** Writing systems of more than one script, each with Latin: UTS #39 §5.2, "highly restrictive". */
const mixtures = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
] as const;

const patterns = [...scripts.map((script) => [script]), ...mixtures].map(
  (together) =>
    new RegExp(
      `^(?:${together.map((script) => `\\p{Script_Extensions=${script}}`).join('|')}|\\p{scx=Zyyy}|\\p{scx=Zinh})*$`,
      'u',
    ),
);

/** Written in one script, or in one of the mixtures that a language really uses. Digits and marks fit every script. */
export function isOneScript(text: string): boolean {
  return patterns.some((pattern) => pattern.test(text));
}
