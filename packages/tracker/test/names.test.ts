// Names that are none, and names that look the same.
import { describe, expect, test } from 'vitest';
import { checkName, foldName } from '../src/index.ts';

describe('names', () => {
  test.each([
    ['homoglyph: Cyrillic а', 'pаypal', 'scripts'],
    ['homoglyph: all Cyrillic', 'сосо', undefined],
    ['Greek omicron among Latin', 'bοb', 'scripts'],
    ['zero-width space', 'an​n', 'shape'],
    ['zero-width joiner', 'an‍n', 'shape'],
    ['word joiner', 'ann⁠', 'shape'],
    ['soft hyphen', 'a­nn', 'shape'],
    ['right-to-left override', 'ann‮', 'shape'],
    ['isolate', '⁦ann⁩', 'shape'],
    ['Hangul filler', 'annㅤ', 'shape'],
    ['variation selector', 'ann️', 'shape'],
    ['tag characters', 'ann\u{e0041}', 'shape'],
    ['escape sequence', 'ann\u001b[31m', 'shape'],
    ['OSC 52', '\u001b]52;c;ZXZpbA==\u0007', 'shape'],
    ['newline', 'ann\nbob', 'shape'],
    ['space', 'ann bob', 'shape'],
    ['stacked marks', 'a\u0323\u0323\u0323\u0323nn', 'shape'],
    ['lone surrogate', 'ann\ud800', 'shape'],
    ['empty', '', 'shape'],
    ['33 letters', 'a'.repeat(33), 'shape'],
    ['NUL', 'ann\u0000', 'shape'],
    ['a flag for a program', '-rf', 'shape'],
  ])('%s', (_, name, problem) => {
    const checked = checkName(name);
    expect(typeof checked === 'string' ? checked : undefined).toBe(problem);
  });

  test.each([
    ['Ann', 'ann'],
    ['сосо', 'coco'],
    ['ＡＮＮ', 'ann'],
    ['Ian', 'lan'],
    ['b0b', 'bob'],
    ['rnodern', 'modern'],
    ['straße', 'STRASSE'],
    ['Σίσυφος', 'σίσυφοσ'],
    ['ﬁsh', 'fish'],
    ['josé', 'jose\u0301'],
    ['аnn'.replace('nn', 'пп'), 'ann'],
  ])('%s and %s are one name', (one, other) => {
    expect(foldName(one)).toBe(foldName(other));
  });

  test.each([
    ['ann', 'anna'],
    ['jose', 'josé'],
    ['боб', 'bob'],
    ['müller', 'muller'],
  ])('%s and %s are two names', (one, other) => {
    expect(foldName(one)).not.toBe(foldName(other));
  });
});
