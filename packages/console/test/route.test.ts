import { expect, test } from 'vitest';
import { requestOf } from '../src/lab/catalogue.ts';
import { makeCatalogue } from '../src/lab/simulation.ts';
import { formatRoute, parseRoute, takeToken, type Route } from '../src/route.ts';

const plan = JSON.stringify({
  founders: 3,
  settleMs: 100,
  delayMs: [1, 2],
  steps: [{ type: 'crash', at: 5, node: 'n1' }],
});

test.each<Route>([
  { page: 'live' },
  { page: 'lab', scenario: '' },
  { page: 'lab', scenario: 'gms2-crash', level: 'gms3', seed: 7, at: 12.5 },
  { page: 'lab', scenario: 'gms2-crash', plan },
  { page: 'lab', scenario: 'gms2-crash', beside: JSON.stringify({ level: 'gms3', seed: 1 }) },
])('%j goes into the URL and comes out of it', (route) => {
  expect(parseRoute(formatRoute(route))).toEqual(route);
});

test.each([
  ['', { page: 'live' }],
  ['#/nonsense', { page: 'live' }],
  ['#/lab/<script>', { page: 'live' }],
  ['#/lab/x?seed=-1&t=abc&level=<b>', { page: 'lab', scenario: 'x' }],
  ['#/lab/x?seed=99999999999', { page: 'lab', scenario: 'x' }],
  [`#/lab/x?plan=${'y'.repeat(20_000)}`, { page: 'lab', scenario: 'x' }],
])('%s is read as far as it can be', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
});

test('what a URL says wrongly is the scenario’s own', () => {
  expect(
    requestOf(makeCatalogue(), { scenario: 'nonsense', level: 'gms9', seed: undefined, plan: '{"founders":99}' }),
  ).toMatchObject({
    scenario: 'gms2-crash',
    level: 'gms2',
    seed: 1,
    plan: { founders: 4 },
  });
  expect(requestOf(makeCatalogue(), { scenario: 'gms4-join', level: 'full', seed: 3, plan }).plan?.founders).toBe(3);
});

test.each([
  ['#token=abc+/=', '#/', 'abc+/='],
  ['#token=a%26b&/lab', '#/lab', 'a&b'],
  ['#/lab?token=abc', '#/lab', 'abc'],
  ['#/lab?seed=1&token=abc', '#/lab?seed=1', 'abc'],
  ['#/lab?seed=1', '#/lab?seed=1', undefined],
])('of %s the token is taken out', (hash, rest, token) => {
  expect(takeToken(hash)).toEqual({ hash: rest, token });
});
