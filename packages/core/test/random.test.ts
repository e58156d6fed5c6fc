import { below, chance, fraction, pick, sample, shuffle, systemRandom, type Random } from '@grp/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Gives these numbers in turn, and counts the draws. */
function scripted(...numbers: readonly number[]): Random & { draws: number } {
  const random = {
    draws: 0,
    nextU32: () => numbers[random.draws++ % numbers.length] ?? 0,
    fork: () => random,
  };
  return random;
}

const u32Max = 0xffff_ffff;
const source = fc
  .array(fc.integer({ min: 0, max: u32Max }), { minLength: 1, maxLength: 50 })
  .map((numbers) => scripted(...numbers));

describe('chance', () => {
  test('draws nothing for what is certain', () => {
    const random = scripted(0);
    expect([chance(random, 0), chance(random, -1), chance(random, 1), chance(random, 2)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(random.draws).toBe(0);
    expect([chance(random, 0.5), chance(scripted(u32Max), 0.5), random.draws]).toEqual([true, false, 1]);
  });

  test('is a fraction below 1', () => {
    expect([fraction(scripted(0)), fraction(scripted(2 ** 31)), fraction(scripted(u32Max)) < 1]).toEqual([
      0,
      0.5,
      true,
    ]);
  });
});

describe('choosing', () => {
  test('stays in bounds at both ends', () => {
    for (const count of [1, 2, 3, 1_000_000]) {
      expect([below(scripted(0), count), below(scripted(u32Max), count)]).toEqual([0, count - 1]);
    }
    expect(() => below(scripted(0), 0)).toThrow(/something to choose from/);
    expect([pick(scripted(0), []), pick(scripted(u32Max), ['a', 'b'])]).toEqual([undefined, 'b']);
  });

  test('samples different items, as many as there are, and leaves the list alone', () => {
    fc.assert(
      fc.property(source, fc.uniqueArray(fc.integer()), fc.nat(30), (random, items, count) => {
        const before = [...items];
        const chosen = sample(random, items, count);
        expect(chosen).toHaveLength(Math.min(count, items.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(items).toEqual(before);
        expect(chosen.every((item) => items.includes(item))).toBe(true);
        const shuffled = shuffle(random, items);
        expect(shuffled.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
      }),
    );
  });

  test('is fair: every order of three comes as often as the others', () => {
    const random = systemRandom();
    const counts = new Map<string, number>();
    for (let round = 0; round < 12_000; round++) {
      const order = shuffle(random, ['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 2,000 each; a deviation of 300 is more than seven standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(300);
  });
});

test('the chance of the host is whole numbers of 32 bits, and forks differ', () => {
  const random = systemRandom();
  const drawn = Array.from({ length: 2_000 }, () => random.nextU32());
  expect(drawn.every((number) => Number.isInteger(number) && number >= 0 && number <= u32Max)).toBe(true);
  expect(new Set(drawn).size).toBeGreaterThan(1_990);
  const fork = systemRandom().fork('x');
  expect([1, 2, 3].map(() => fork.nextU32())).not.toEqual([1, 2, 3].map(() => random.nextU32()));
});
