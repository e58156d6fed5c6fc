// The exploration itself: what it is blind for it must not be.
import { expect, test } from 'vitest';
import { explore } from '../soak/support/exploration.ts';
import { mutants } from '../soak/support/raft-mutants.ts';

const bounds = { states: 400_000, terms: 2, entries: 3, crashes: 1 };
const manner = { order: 'rare', prefix: [], tellsStory: true } as const;

test.each(Object.entries(mutants).filter(([name]) => name !== 'truncation'))('%s: found, and real', (_, mutant) => {
  const { rules, bounds: own, prefix = [] } = mutant;
  const found = explore({ ...bounds, ...own }, rules, { ...manner, prefix });
  expect(found).toMatchObject({ problem: expect.any(String), isReal: true });
  expect(found.statesSeen).toBeLessThan(20_000);
});

test('a suffix that is cut away is found within one term', () => {
  const found = explore({ ...bounds, terms: 1, crashes: 0 }, mutants['truncation']?.rules ?? {}, manner);
  expect(found).toMatchObject({ problem: expect.stringContaining('never removed'), isReal: true });
});

test('whatever comes first, a whole exploration meets the same states, and nothing wrong with any', () => {
  const small = { ...bounds, terms: 1, entries: 1, crashes: 0 };
  const [byDepth, byRarity] = (['depth', 'rare'] as const).map((order) =>
    explore(small, {}, { order, prefix: [], tellsStory: false }),
  );
  expect(byDepth).toMatchObject({ problem: undefined, isComplete: true });
  expect(byRarity).toEqual(byDepth);
});

test('from where figure 8 has its fourth leader, the paper’s rules lose nothing', () => {
  const { bounds: own, prefix = [] } = mutants['commits'] ?? {};
  const found = explore({ ...bounds, ...own, states: 60_000 }, {}, { ...manner, prefix, tellsStory: false });
  expect(found.problem).toBeUndefined();
});
