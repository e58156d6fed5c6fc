// String sequences that terminals swallow whole: CSI, then OSC/DCS/SOS/PM/APC up to their terminator, then two-byte
// escapes. An unterminated string sequence is cut at the end of the text.
const sequences =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /(?:\u001B\[|\u009B)[\u0030-\u003F]*[\u0020-\u002F]*[\u0040-\u007E]?|(?:\u001B[\]PX^_]|[\u009D\u0090\u0098\u009E\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?|\u001B[\u0020-\u002F]*[\u0030-\u007E]?/g;
// C0 (but tab and newline), DEL, C1, line separators, lone surrogates; bidirectional controls and all that is invisible
// (zero-width, tags, variation selectors that smuggle text), but not U+FE0F, which gives an emoji its colour.
const invisible =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029\uFFF9-\uFFFB]|\p{Surrogate}|\p{Bidi_Control}|(?!\uFE0F)\p{Default_Ignorable_Code_Point}/gu;

// Printable ASCII: nothing above can be in it.
const plain = /^[\u0020-\u007E]*$/;

/** What text may keep. */
export interface SanitizeOptions {
  /** Keep line breaks and tabs; otherwise each becomes one space (default false). */
  readonly lines?: boolean;
  /** Cut to this many UTF-16 units, with `…` (default 4,096). */
  readonly lengthMax?: number;
}

/**
 * Makes text from elsewhere safe to print: no control or escape sequences, no bidirectional or zero-width characters, no
 * line breaks unless asked for, bounded. Everything from a peer or a user passes here before it reaches a terminal.
 */
export function sanitizeText(text: string, options: SanitizeOptions = {}): string {
  const { lines = false, lengthMax = 4_096 } = options;
  if (text.length <= lengthMax && plain.test(text)) return text; // as nearly all text is
  // Work is bounded too: nothing beyond a few times the limit can matter.
  let safe = text
    .slice(0, lengthMax * 4)
    .replaceAll('\r\n', '\n')
    .replaceAll(sequences, '')
    .replaceAll(invisible, '');
  if (!lines) safe = safe.replaceAll(/[\t\n]/g, ' ');
  if (safe.length <= lengthMax) return safe;
  if (lengthMax < 1) return '';
  const cut = safe.slice(0, lengthMax - 1).replace(/\p{Surrogate}$/u, '');
  return `${cut}…`;
}
