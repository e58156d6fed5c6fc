import { describe, expect, test } from 'vitest';
import { chance } from '@grp/core';
import { faultRandom } from '../src/fault-random.ts';

const draws = (seed: string, count = 8) => {
  const random = faultRandom(seed);
  return Array.from({ length: count }, () => random.nextU32());
};

describe('chance for faults', () => {
  test('is the same for the same seed, and another for another node, seed or port', () => {
    expect(draws('7/n1')).toEqual(draws('7/n1'));
    const streams = [draws('7/n1'), draws('7/n2'), draws('8/n1'), draws('7/n1/faults-1')];
    expect(new Set(streams.map(([first]) => first)).size).toBe(streams.length);
  });

  test('gives forks that do not depend on what was drawn before', () => {
    const random = faultRandom('7/n1');
    const early = random.fork('datagrams').nextU32();
    random.nextU32();
    expect(random.fork('datagrams').nextU32()).toBe(early);
  });

  test('hits the share that was asked for', () => {
    const random = faultRandom('1/n1');
    const hits = Array.from({ length: 20_000 }, () => chance(random, 0.02)).filter(Boolean).length;
    expect(hits / 20_000).toBeGreaterThan(0.015);
    expect(hits / 20_000).toBeLessThan(0.025);
  });
});
