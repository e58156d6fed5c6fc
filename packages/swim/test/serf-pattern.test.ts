import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPattern } from '../src/serf/pattern.ts';

function matches(expression: string, text: string): boolean | undefined {
  return readPattern(expression)?.matches(text);
}

describe('a tag pattern is read as Go reads it', () => {
  test.each([
    ['web', 'my-web-01', true], // anywhere, not as a whole
    ['^web$', 'web', true],
    ['^web$', 'web\n', false], // no end before a last newline
    ['', '', true],
    ['^(web|db)-[0-9]+$', 'db-17', true],
    ['^(web|db)-[0-9]+$', 'cache-17', false],
    ['^(?:a|ab)(?:c|bcd)$', 'abcd', true],
    ['^a{2,3}$', 'aaa', true],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2,}$', 'aaaaaa', true],
    ['^a{0}b$', 'b', true],
    ['x{,3}', 'x{,3}', true], // counts nothing: a brace is a brace
    ['^(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', false],
    ['^(a|a)*b', 'b', true],
    ['(?i)WEB', 'web', true],
    ['(?i:W)eb', 'wEb', false],
    ['(?i)[^a]', 'A', false],
    ['a(?i)b|c', 'C', true],
    ['(a(?i)b)c', 'aBC', false],
    ['(?P<kind>we)b', 'web', true],
    ['(?<kind>we)b', 'web', true],
    ['^.$', '\n', false],
    ['(?s)^.$', '\n', true],
    ['(?m)^b$', 'a\nb\nc', true],
    [String.raw`^\d\D\s\S\w\W$`, '1a b_-', true],
    [String.raw`\bweb\b`, 'a web b', true],
    [String.raw`\Beb`, 'web', true],
    [String.raw`\Aweb\z`, 'web', true],
    [String.raw`\x41\x{1F600}`, 'A😀', true],
    [String.raw`^\Qa.b\E+$`, 'a.bbb', true],
    [String.raw`^\\Qa$`, String.raw`\Qa`, true],
    [String.raw`^\Q\d`, String.raw`\d`, true],
    [String.raw`^10\.0\.`, '10.0.0.1', true],
    [String.raw`^10\.0\.`, '10x0.0.1', false],
    ['^[[:alpha:]_]+$', 'ab_', true],
    ['^[[:^digit:]]$', '7', false],
    ['^[]a]$', ']', true],
    ['^[a-]$', '-', true],
    [String.raw`^[\d.-]+$`, '1.2-3', true],
    ['^[^0-9]$', '5', false],
    ['é', 'café', true],
    ['(|a)b', 'b', true],
  ])('%s on %j: %s', (expression, text, expected) => {
    expect(matches(expression, text)).toBe(expected);
  });

  test.each([
    '(',
    ')',
    '(a',
    '[a',
    '[b-a]',
    '*',
    '+a',
    'a**',
    'a{2}{3}',
    'a{3,2}',
    'a{1001}',
    String.raw`\1`,
    String.raw`\q`,
    '\\',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '[[:constructor:]]',
    String.raw`\x{110000}`,
    String.raw`[\d-z]x(`,
    'a'.repeat(257),
    '((((a{100}){100}){100}){100})',
    '((((){1000}){1000}){1000}){1000}',
  ])('%s is no expression', (expression) => {
    expect(readPattern(expression)).toBeUndefined();
  });

  test('no pattern is read, or matched, in more than bounded time', () => {
    const text = `${'a'.repeat(512)}!`;
    for (const expression of ['(a*)*b', '(a|a)*b', '((a+)+)+$', '(.*)*x(.*)*y', '(a?){300}a{300}b', '(^|a)*$']) {
      const startedAt = process.cpuUsage().user;
      expect(typeof matches(expression, text)).toBe('boolean');
      expect(process.cpuUsage().user - startedAt).toBeLessThan(2_000_000);
    }
  });

  test('whatever is sent as a pattern is read or refused, never thrown', () => {
    const expression = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom(...Array.from(String.raw`ab()[]{}|*+?^$\.-:,0123dDwQEzPix<>!=`)),
        maxLength: 40,
      }),
    );
    fc.assert(
      fc.property(expression, fc.string({ maxLength: 20 }), (pattern, text) => {
        expect([undefined, true, false]).toContain(matches(pattern, text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('where both languages agree on an expression, so do both matchers', () => {
    // The common ground of RE2 and JavaScript: atoms, groups, alternatives, single repetition.
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', String.raw`\w`, '^', '$', String.raw`\b`);
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => a + b),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a}|${b})`),
        fc.tuple(tie('tree'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}')).map(([a, count]) => `(?:${a})${count}`),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 8 }), (expression, text) => {
        fc.pre(readPattern(expression) !== undefined); // too large, or a repetition of a repetition
        expect(matches(expression, text)).toBe(new RegExp(expression, 'u').test(text));
      }),
      { numRuns: 2_000 },
    );
  });
});
