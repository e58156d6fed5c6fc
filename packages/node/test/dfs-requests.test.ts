import { expect, test } from 'vitest';
import { filesPath, nameInUrl, rangeOf } from '../src/dfs/dfs-requests.ts';
import { checkQuery, switchOf, wholeOf } from '../src/http/query.ts';

test.each([
  ['a%2Fb%20c', 'a/b c'],
  ['%C3%A4?version=3', 'ä'],
  ['100%25', '100%'],
  ['a%zz', 'a%zz'],
])('the name in %s', (text, name) => {
  expect(nameInUrl(`${filesPath}${text}`)).toBe(name);
});

test.each(['', '%2Fa', '..%2Fa', 'a%00', '%FF', '%ED%A0%80', 'x'.repeat(1_025)])('no name: %s', (text) => {
  expect(() => nameInUrl(`${filesPath}${text}`)).toThrow(expect.objectContaining({ code: 'DFS_NAME_INVALID' }));
});

test.each([
  ['bytes=0-99', { offset: 0, length: 100 }],
  ['bytes=900-', { offset: 900, length: 100 }],
  ['bytes=990-5000', { offset: 990, length: 10 }],
  ['bytes=-10', { offset: 990, length: 10 }],
  ['bytes=-5000', { offset: 0, length: 1_000 }],
])('%s of a thousand bytes', (header, range) => {
  expect(rangeOf(header, 1_000)).toEqual(range);
});

test.each(['bytes=1000-', 'bytes=9-1', 'bytes=-', 'bytes=a-b', '0-9', 'bytes=0-1,3-4'])('no range: %s', (header) => {
  expect(() => rangeOf(header, 1_000)).toThrow(expect.objectContaining({ code: 'NODE_RANGE_INVALID' }));
});

test('values of a query are checked, and so are its names: a mistyped condition is no condition', () => {
  expect(wholeOf({ keep: '7' }, 'keep', 1, 10)).toBe(7);
  expect(wholeOf({}, 'keep', 1, 10)).toBeUndefined();
  for (const keep of ['0', '11', '-1', '1.5', 'x', ''])
    expect(() => wholeOf({ keep }, 'keep', 1, 10)).toThrow(expect.objectContaining({ code: 'NODE_REQUEST_INVALID' }));
  expect([switchOf({ on: 'true' }, 'on'), switchOf({ on: '' }, 'on'), switchOf({}, 'on')]).toEqual([true, true, false]);
  expect(() => switchOf({ on: 'maybe' }, 'on')).toThrow(expect.objectContaining({ code: 'NODE_REQUEST_INVALID' }));
  expect(() => checkQuery({ 'if-versoin': '1' }, ['if-version'])).toThrow(/if-versoin/);
});
