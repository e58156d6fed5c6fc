import { expect, test } from 'vitest';
import { holds, none, spreadOf, within } from '../src/demo/promises.ts';

test('a spread begins with the first list and ends with the last, if all have it', () => {
  expect(spreadOf([150, 120.4, 180], 100, 3)).toEqual({ firstMs: 20, lastMs: 80 });
  expect(spreadOf([150, 120], 100, 3)).toEqual({ firstMs: 20, lastMs: null });
  expect(spreadOf([], 100, 3)).toEqual({ firstMs: null, lastMs: null });
});

test('a promise of time is broken when it took longer, or never came', () => {
  expect(within('crash', 5_000, 5_000)).toMatchObject({ kept: true, promised: '≤ 5 s' });
  expect(within('crash', 5_001, 5_000).kept).toBe(false);
  expect(within('crash', null, 5_000)).toMatchObject({ kept: false, measured: 'never' });
});

test('a promise that there is nothing of a kind names what there is', () => {
  expect(none('lost', [])).toMatchObject({ kept: true, measured: 'none' });
  expect(none('lost', ['a'])).toMatchObject({ kept: false, measured: 'a' });
  expect(none('lost', ['a', 'b', 'c', 'd', 'e']).measured).toBe('a, b, c, and 2 more');
});

test('a fact that should hold', () => {
  expect(holds('equal', true).kept).toBe(true);
  expect(holds('equal', false)).toMatchObject({ kept: false, measured: 'no' });
});
