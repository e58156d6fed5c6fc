import { describe, expect, test } from 'vitest';
import type { Random } from '@grp/core';
import type { Coordinate } from '@grp/memberlist-wire';
import { seededRandom } from '@grp/sim';
import * as fc from 'fast-check';
import { CoordinateClient } from '../src/coordinates.ts';

function clients(count: number, seed = 1): CoordinateClient[] {
  return Array.from({ length: count }, (_, index) => new CoordinateClient(seededRandom(seed).fork(String(index))));
}

const random = (): Random => seededRandom(7);

describe('network coordinates', () => {
  test('start at the origin, with no confidence', () => {
    expect(new CoordinateClient(random()).coordinate()).toEqual({
      vector: [0, 0, 0, 0, 0, 0, 0, 0],
      error: 1.5,
      adjustment: 0,
      height: 0.000_01,
    });
  });

  test('one observation gives what the formulas give', () => {
    const [a, b] = clients(2) as [CoordinateClient, CoordinateClient];
    expect(a.observe('b', b.coordinate(), 100)).toBe(true);
    const { vector, error, height, adjustment } = a.coordinate();
    // distance 20 µs, weight 1/2, wrongness 0.9998; the force is 1/8 of what is missing, in a random direction
    const force = 0.125 * (0.1 - 0.000_02);
    const share = (force + 0.000_02 + adjustment) / 150; // gravity
    expect(Math.hypot(...vector)).toBeCloseTo(force - share * share, 9);
    expect(error).toBeCloseTo(0.125 * (0.099_98 / 0.1) + 1.5 * 0.875, 12);
    expect(height).toBeCloseTo(0.000_01, 6);
    expect(adjustment).toBeCloseTo((0.1 - 0.000_02 - force) / 40, 12);
  });

  test('learn a line of nodes, 10 ms apart, from noisy round trips', () => {
    const nodes = clients(6);
    const noise = random();
    for (let round = 0; round < 600; round++) {
      for (const [index, node] of nodes.entries()) {
        const other = noise.nextU32() % nodes.length;
        if (other === index) continue;
        const measured = 10 * Math.abs(index - other) + (noise.nextU32() % 1_000) / 1_000;
        node.observe(String(other), (nodes[other] as CoordinateClient).coordinate(), measured);
      }
    }
    for (let from = 0; from < 6; from++) {
      for (let to = 0; to < 6; to++) {
        if (from === to) continue;
        const expected = 10 * Math.abs(from - to);
        const [a, b] = [nodes[from] as CoordinateClient, nodes[to] as CoordinateClient];
        const estimate = a.distanceMs(a.coordinate(), b.coordinate()) as number;
        expect(Math.abs(estimate - expected)).toBeLessThan(0.25 * expected + 2);
        expect(Math.abs((a.estimateMs(String(to)) as number) - estimate)).toBeLessThan(2);
      }
    }
    expect(nodes.every((node) => node.coordinate().error < 0.3)).toBe(true);
  });

  test('a single slow answer is filtered out', () => {
    const [a, b] = clients(2) as [CoordinateClient, CoordinateClient];
    for (let round = 0; round < 200; round++) a.observe('b', b.coordinate(), 20);
    const before = a.estimateMs('b') as number;
    a.observe('b', b.coordinate(), 5_000);
    expect(Math.abs((a.estimateMs('b') as number) - before)).toBeLessThan(1);
  });

  test('the same seed gives the same coordinate', () => {
    const run = (): unknown => {
      const [a, b] = clients(2, 99) as [CoordinateClient, CoordinateClient];
      for (let round = 0; round < 50; round++) {
        a.observe('b', b.coordinate(), 3 + (round % 5));
        b.observe('a', a.coordinate(), 3 + (round % 4));
      }
      return [a.coordinate(), b.coordinate()];
    };
    expect(run()).toEqual(run());
  });

  test('what is not plausible changes nothing', () => {
    const node = new CoordinateClient(random());
    const good = new CoordinateClient(random()).coordinate();
    const before = node.coordinate();
    for (const bad of [
      { ...good, vector: [1, 2, 3] },
      { ...good, vector: good.vector.map(() => Number.NaN) },
      { ...good, vector: good.vector.map(() => 1e300) },
      { ...good, error: -1 },
      { ...good, error: Number.POSITIVE_INFINITY },
      { ...good, adjustment: Number.NaN },
      { ...good, height: -1 },
    ]) {
      expect(node.observe('x', bad, 10)).toBe(false);
      expect(node.distanceMs(good, bad)).toBeUndefined();
    }
    for (const roundTripMs of [-1, Number.NaN, 10_001]) expect(node.observe('x', good, roundTripMs)).toBe(false);
    expect(node.coordinate()).toBe(before);
    expect(node.estimateMs('x')).toBeUndefined();
    expect(node.observe('x', good, 0)).toBe(true);
  });

  test('whatever peers claim, the own coordinate stays plausible', () => {
    const part = fc.double({ noNaN: false });
    const coordinate = fc.record({
      vector: fc.array(part, { minLength: 7, maxLength: 9 }),
      error: part,
      adjustment: part,
      height: part,
    });
    const nasty = fc.oneof(
      coordinate,
      coordinate.map((c) => ({ ...c, vector: c.vector.slice(0, 8).map((x) => x % 1_000) })),
    );
    const sane = fc.record({
      vector: fc.array(fc.double({ min: -1_000, max: 1_000, noNaN: true }), { minLength: 8, maxLength: 8 }),
      error: fc.double({ min: 0, max: 1_000, noNaN: true }),
      adjustment: fc.double({ min: -1_000, max: 1_000, noNaN: true }),
      height: fc.double({ min: 0, max: 1_000, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(nasty, sane), fc.double({ max: 20_000 })), { maxLength: 60 }),
        (observations) => {
          const node = new CoordinateClient(random());
          for (const [claimed, roundTripMs] of observations) node.observe('peer', claimed, roundTripMs);
          const { vector, error, adjustment, height } = node.coordinate();
          expect([...vector, error, adjustment, height].every(Number.isFinite)).toBe(true);
          expect(vector).toHaveLength(8);
          expect(error).toBeLessThanOrEqual(1.5);
          expect(height).toBeGreaterThanOrEqual(0.000_01);
        },
      ),
    );
  });

  test('a computation that goes astray starts again from the origin', () => {
    const node = new CoordinateClient(random());
    const corner = (at: number): Coordinate => ({
      vector: Array.from({ length: 8 }, () => at),
      error: 0,
      adjustment: 0,
      height: 1_000,
    });
    for (let round = 0; round < 100; round++) node.observe('peer', corner(round % 2 === 0 ? 1_000 : -1_000), 0);
    expect(node.resetCount).toBeGreaterThan(0);
  });

  test('peers are remembered up to a limit, and forgotten when told', () => {
    const node = new CoordinateClient(random());
    const coordinate = new CoordinateClient(random()).coordinate();
    for (let index = 0; index < 16_385; index++) node.observe(`p${index}`, coordinate, 1);
    expect(node.estimateMs('p0')).toBeUndefined();
    expect(node.estimateMs('p1')).toBeTypeOf('number');
    node.forget('p1');
    expect(node.estimateMs('p1')).toBeUndefined();
  });
});
