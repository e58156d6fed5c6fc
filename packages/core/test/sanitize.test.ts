import { sanitizeText } from '@grp/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

// Written with escapes throughout, so that no editor and no reviewer's terminal is the victim of this file.
const hostile: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['colour', 'a\u001B[31mred\u001B[0mb', 'aredb'],
  ['colour with sub-parameters', '\u001B[38:2::255:0:0mx', 'x'],
  ['clear screen and home', '\u001B[2J\u001B[Hx', 'x'],
  ['private mode: alternate screen', '\u001B[?1049hx\u001B[?1049l', 'x'],
  ['mouse tracking', '\u001B[?1003;1006hx', 'x'],
  ['CSI with an intermediate', '\u001B[4 qx', 'x'],
  ['CSI without its end', 'x\u001B[31', 'x'],
  ['CSI cut after the introducer', 'x\u001B[', 'x'],
  ['CSI cut by a newline', 'x\u001B[31\ny', 'x y'],
  ['C1 CSI', 'a\u009B31mb', 'ab'],
  ['window title', '\u001B]0;evil\u0007x', 'x'],
  ['window title, ended by ST', '\u001B]2;evil\u001B\\x', 'x'],
  ['window title, ended by C1 ST', '\u001B]2;evil\u009Cx', 'x'],
  ['window title without its end', 'x\u001B]0;evil', 'x'],
  ['C1 OSC', 'a\u009D0;evil\u0007b', 'ab'],
  ['hyperlink (OSC 8)', '\u001B]8;;https://evil.example\u001B\\click\u001B]8;;\u001B\\', 'click'],
  ['clipboard (OSC 52)', '\u001B]52;c;ZXZpbA==\u0007x', 'x'],
  ['notification (OSC 777)', '\u001B]777;notify;a;b\u0007x', 'x'],
  ['DCS', '\u001BP$qm\u001B\\x', 'x'],
  ['C1 DCS', 'a\u0090$qm\u009Cb', 'ab'],
  ['sixel without its end', 'x\u001BPq#0;2;0;0;0', 'x'],
  ['tmux passthrough', '\u001BPtmux;\u001B\u001B]52;c;eA==\u0007\u001B\\x', 'x'],
  ['SOS, PM and APC', '\u001BXa\u001B\\\u001B^b\u001B\\\u001B_c\u001B\\x', 'x'],
  ['C1 SOS, PM and APC', '\u0098a\u009C\u009Eb\u009C\u009Fc\u009Cx', 'x'],
  ['reset of the terminal', '\u001Bcx', 'x'],
  ['character set', '\u001B(0lqqk', 'lqqk'],
  ['ESC alone, twice, at the end', '\u001B\u001Bx\u001B', ''],
  ['an escape within an escape', '\u001B\u001B[31m[31mx', '[31mx'],
  ['bell, backspace, vertical tab, form feed', 'a\u0007\b\v\fb', 'ab'],
  ['NUL and DEL', 'a\u0000b\u007Fc', 'abc'],
  ['carriage return that overwrites', 'ok\rno', 'okno'],
  ['line breaks of every kind', 'a\nb\r\nc\u0085d\u2028e\u2029f', 'a b cdef'],
  ['tab', 'a\tb', 'a b'],
  ['every C1 control', Array.from({ length: 32 }, (_, index) => String.fromCharCode(0x80 + index)).join(''), ''],
  ['bidirectional override', 'user\u202Etxt.exe', 'usertxt.exe'],
  ['bidirectional isolates', '\u2066a\u2067b\u2068c\u2069', 'abc'],
  ['marks of direction', 'a\u200Eb\u200Fc\u061Cd', 'abcd'],
  ['zero-width space, joiners, no-break', 'a\u200Bb\u200Cc\u200Dd\uFEFFe\u2060f', 'abcdef'],
  ['invisible operators', 'a\u2061\u2062\u2063\u2064b', 'ab'],
  ['soft hyphen and grapheme joiner', 'a\u00ADb\u034Fc', 'abc'],
  ['fillers that look like nothing', '\u115F\u1160\u3164\uFFA0\u17B4\u17B5\u180Ex', 'x'],
  ['tag characters', 'x\u{E0001}\u{E0065}\u{E0076}\u{E007F}', 'x'],
  ['variation selectors that carry bytes', 'x\uFE00\uFE05\u{E0100}\u{E01EF}', 'x'],
  ['interlinear annotation', 'a\uFFF9b\uFFFAc\uFFFBd', 'abcd'],
  ['musical and shorthand controls', 'a\u{1D173}b\u{1BCA0}c', 'abc'],
  ['lone surrogates', 'a\uD83Db\uDE00c', 'abc'],
  ['surrogates the wrong way round', '\uDE00\uD83D', ''],
  ['a surrogate pair parted by a zero-width space', '\uD83D\u200B\uDE00', ''],
];

const harmless: readonly (readonly [what: string, text: string])[] = [
  ['plain text', 'The quick brown fox; 100 % [ok] {x} ~'],
  ['accents', 'Grüße, señor! Příliš žluťoučký'],
  ['combining accents', 'e\u0301 a\u0308'],
  ['Chinese, Japanese, Korean', '漢字かなカナ한글'],
  ['right-to-left scripts', 'שלום عليكم'],
  ['Indic and Thai', 'नमस्ते สวัสดี'],
  ['emoji', '🎉👍🏽🇨🇿'],
  ['emoji with its colour', '❤️ ✅'],
  ['letters beyond the first plane', '𝔊𝔯𝔭 𠮷'],
  ['no-break space and dashes', 'a\u00A0b – — …'],
];

describe('hostile text', () => {
  test.each(hostile)('%s', (_, text, expected) => {
    expect(sanitizeText(text)).toBe(expected);
  });

  test('may keep its lines and tabs when asked, and nothing else', () => {
    expect(sanitizeText('a\n\tb\r\nc\rd\u001B[2J', { lines: true })).toBe('a\n\tb\ncd');
  });
});

describe('harmless text', () => {
  test.each(harmless)('%s', (_, text) => {
    expect(sanitizeText(text)).toBe(text);
  });

  test('loses the joiners of emoji: a family becomes its members, which says the same and hides nothing', () => {
    expect(sanitizeText('👩\u200D👧\u200D👦')).toBe('👩👧👦');
  });
});

describe('length', () => {
  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abcde…'],
    ['abcd🎉x', 6, 'abcd…'], // not in the middle of a pair
    ['ab', 1, '…'],
    ['ab', 0, ''],
    ['', 0, ''],
    [`${'\u200B'.repeat(100)}ab`, 10, ''], // beyond a few times the limit nothing is read
  ])('%j cut to %i is %j', (text, lengthMax, expected) => {
    expect(sanitizeText(text, { lengthMax })).toBe(expected);
  });

  test('is bounded in time too', () => {
    const nasty = [
      '\u001B]'.repeat(500_000),
      '\u001B['.repeat(500_000),
      '\u009B1;'.repeat(300_000),
      '\r'.repeat(1_000_000),
    ];
    for (const text of nasty) expect(sanitizeText(text, { lengthMax: 1_000_000 })).toBe('');
    expect(sanitizeText('x'.repeat(5_000_000))).toHaveLength(4_096);
  });
});

// What must never come out, said in another way than the sanitizer does.
const dangerous = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]|(?!\uFE0F)\p{Default_Ignorable_Code_Point}/u;
const dangerousButLines =
  /(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]|(?!\uFE0F)\p{Default_Ignorable_Code_Point}/u;
const spice = fc.constantFrom(
  ...hostile.map(([, text]) => text),
  ...'\u001B[]P\\^_\u0007\u009B\u009D\u0090\u009C;0m\r\n\t'.split(''),
);
const anyText = fc
  .array(
    fc.oneof(
      spice,
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
  )
  .map((parts) => parts.join(''));

describe('whatever the text', () => {
  test('nothing dangerous comes out, the length holds, and a second time changes nothing', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), fc.integer({ min: 0, max: 60 }), (text, lines, lengthMax) => {
        const safe = sanitizeText(text, { lines, lengthMax });
        expect(safe).not.toMatch(lines ? dangerousButLines : dangerous);
        expect(safe.length).toBeLessThanOrEqual(lengthMax);
        expect(sanitizeText(safe, { lines, lengthMax })).toBe(safe);
      }),
      { numRuns: 5_000 },
    );
  });

  test('every single code point is either printed as it is, or a space, or gone', () => {
    const wrong: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point);
      const expected = dangerous.test(character) ? (/[\t\n]/.test(character) ? ' ' : '') : character;
      if (sanitizeText(character) !== expected && !/[\uFFF9-\uFFFB]/.test(character)) wrong.push(point.toString(16));
    }
    expect(wrong).toEqual([]);
  });
});
