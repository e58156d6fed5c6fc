import { GrpError } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { nearest } from '../src/nearest.ts';
import { jsonText } from '../src/output/json.ts';
import { bytesText, timeText } from '../src/output/units.ts';
import { parseDuration, parseGroups, parseNodeUrl, parseShare, parseTags, parseWhole } from '../src/values.ts';

describe('values on the command line', () => {
  test.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['0', 0],
    [' 2s ', 2_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  test.each(['5', '', 's', '-1s', '1d', '1e3s', '600h', 'NaNs'])('%j is no duration', (text) => {
    expect(() => parseDuration(text)).toThrow(GrpError);
  });

  test.each([
    ['2%', 0.02],
    ['0.02', 0.02],
    ['0', 0],
    ['100%', 1],
    ['1', 1],
    ['0.5%', 0.005],
  ])('%s is the share %f', (text, share) => {
    expect(parseShare(text)).toBeCloseTo(share, 10);
  });
  test.each(['2', '101%', '-1%', 'x', '%', ''])('%j is no share', (text) => {
    expect(() => parseShare(text)).toThrow(GrpError);
  });

  test.each(['', '-1', '1.5', '0x10', '201', '9999999999999999'])('%j is not in 0 to 200', (text) => {
    expect(() => parseWhole(text, 0, 200)).toThrow(GrpError);
  });

  test('tags keep everything after the first equals sign, and the last of a name wins', () => {
    expect(parseTags(['a=1', 'b=x=y', 'a=2', 'c='])).toEqual({ a: '2', b: 'x=y', c: '' });
    expect(() => parseTags(['=x'])).toThrow(GrpError);
    expect(Object.keys(parseTags(['__proto__=x']))).toEqual(['__proto__']);
  });

  test('sides of a partition', () => {
    expect(parseGroups('n1,n2/n3, n4')).toEqual([
      ['n1', 'n2'],
      ['n3', 'n4'],
    ]);
  });
  test.each(['n1', 'n1/', '/n1', 'n1,,n2/n3', 'n1/n1', ''])('%j divides nothing', (text) => {
    expect(() => parseGroups(text)).toThrow(GrpError);
  });

  test.each([
    ['http://127.0.0.1:7953', 'http://127.0.0.1:7953'],
    ['http://127.0.0.1:7953/', 'http://127.0.0.1:7953'],
    ['https://[::1]:7953', 'https://[::1]:7953'],
    ['127.0.0.1:7953', 'http://127.0.0.1:7953'],
  ])('%s names the node at %s', (text, url) => {
    expect(parseNodeUrl(text)).toBe(url);
  });
  test.each(['ftp://x', 'http://user@host', 'http://host/v1', 'http://', 'host'])('%s names no node', (text) => {
    expect(() => parseNodeUrl(text)).toThrow(GrpError);
  });
});

test.each([
  ['--wacth', ['--watch', '--node'], '--watch'],
  ['stauts', ['status', 'start'], 'status'],
  ['memb', ['members', 'join'], 'members'],
  ['zzz', ['members', 'join'], undefined],
  ['', ['members'], undefined],
  ['x'.repeat(10_000), ['members'], undefined],
])('nearest to %.20s', (text, candidates, expected) => {
  expect(nearest(text, candidates)).toBe(expected);
});

test('JSON for a terminal hides nothing and obeys nothing', () => {
  const hostile = 'a\u001B[2Jb\u009B2Jc\u202Ed\u200Be';
  const text = jsonText({ hostile });
  expect(JSON.parse(text)).toEqual({ hostile });
  // eslint-disable-next-line no-control-regex
  expect(text).toMatch(/^[\u0020-\u007E]*$/);
});

test('units', () => {
  expect([0, 999, 1_000, 1_234_567, 999_950_000].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 MB',
    '1.0 GB',
  ]);
  expect([340, 2_310, 303_000, 7_500_000].map(timeText)).toEqual(['340 ms', '2.31 s', '5 min 3 s', '2 h 5 min']);
});
