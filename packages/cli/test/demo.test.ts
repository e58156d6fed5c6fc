import { describe, expect, test } from 'vitest';
import { judge, spreadOf, type Measured } from '../src/demo/promises.ts';

const good: Measured = {
  crash: { firstMs: 900, lastMs: 1_100 },
  join: { firstMs: 300, lastMs: 400 },
  leave: { firstMs: 10, lastMs: 20 },
  falselyDown: [],
  newLife: true,
  leftEverywhere: true,
};

test('a spread begins with the first list and ends with the last, if all have it', () => {
  expect(spreadOf([150, 120.4, 180], 100, 3)).toEqual({ firstMs: 20, lastMs: 80 });
  expect(spreadOf([150, 120], 100, 3)).toEqual({ firstMs: 20, lastMs: null });
  expect(spreadOf([], 100, 3)).toEqual({ firstMs: null, lastMs: null });
});

describe('promises', () => {
  test('are kept when everything is well', () => {
    expect(judge(good).every(({ kept }) => kept)).toBe(true);
  });

  test.each([
    ['crash noticed by the first list', { crash: { firstMs: 5_001, lastMs: 5_500 } }],
    ['crash noticed by the last list', { crash: { firstMs: 1_000, lastMs: 6_001 } }],
    ['crash noticed by the last list', { crash: { firstMs: 1_000, lastMs: null } }],
    ['return (join) in the last list', { join: { firstMs: 1, lastMs: 6_001 } }],
    ['leave in the last list', { leave: { firstMs: null, lastMs: null } }],
    ['the return is a new life that replaces the old', { newLife: false }],
    ['who leaves is left, not down, everywhere', { leftEverywhere: false }],
    ['healthy members declared down', { falselyDown: ['n1: n4'] }],
  ])('%s: broken when it is', (what, change) => {
    const broken = judge({ ...good, ...change }).filter(({ kept }) => !kept);
    expect(broken.map((one) => one.what)).toContain(what);
  });
});
