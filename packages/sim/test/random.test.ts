import { fraction } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { expect, test } from 'vitest';
import { drawDelay, exp, exponential, ln, normal, type Delay } from '../src/delay.ts';

const random = seededRandom(1);

test('the numbers of a seed stay the same for ever, because stored seeds must keep their meaning', () => {
  const draw = (seed: number | string): number[] => {
    const stream = seededRandom(seed);
    return [stream.nextU32(), stream.nextU32(), stream.fork('x').nextU32()];
  };
  expect({ one: draw(1), text: draw('1') }).toMatchInlineSnapshot(`
    {
      "one": [
        1143914395,
        3429638871,
        3109064131,
      ],
      "text": [
        4253419035,
        1866420363,
        2711265127,
      ],
    }
  `);
});

test('the seeds of two worlds give different streams', () => {
  const first = Array.from({ length: 10_000 }, (_, seed) => seededRandom(seed).nextU32());
  expect(new Set(first).size).toBeGreaterThan(9_990);
});

test('ln and exp agree with the engine’s, in the last bits', () => {
  for (let count = 0; count < 10_000; count++) {
    const x = fraction(random) * 10 ** ((random.nextU32() % 600) - 300) || 1;
    expect(Math.abs(ln(x) - Math.log(x))).toBeLessThan(1e-13 * (1 + Math.abs(Math.log(x))));
    const y = (fraction(random) - 0.5) * 80;
    expect(Math.abs(exp(y) / Math.exp(y) - 1)).toBeLessThan(1e-13);
  }
  expect([ln(1), exp(0)]).toEqual([0, 1]);
});

function moments(draw: () => number, count = 50_000): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0];
  for (let index = 0; index < count; index++) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(squares / count - mean * mean) };
}

test('distributions have the moments that they promise', () => {
  expect(moments(() => exponential(random)).mean).toBeCloseTo(1, 1);
  expect(moments(() => exponential(random)).deviation).toBeCloseTo(1, 1);
  expect(moments(() => normal(random)).mean).toBeCloseTo(0, 1);
  expect(moments(() => normal(random)).deviation).toBeCloseTo(1, 1);
});

test('delays stay in their range', () => {
  const draw = (delay: Delay): number[] => Array.from({ length: 20_000 }, () => drawDelay(random, delay));
  expect(new Set(draw(3))).toEqual(new Set([3]));
  const even = draw({ minMs: 2, maxMs: 5 });
  expect(Math.min(...even)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...even)).toBeLessThan(5);
  expect(Math.min(...draw({ minMs: 2, meanMs: 5 }))).toBeGreaterThanOrEqual(2);
  const long = draw({ medianMs: 10, sigma: 1 }).toSorted((a, b) => a - b);
  expect(long[10_000]).toBeGreaterThan(9);
  expect(long[10_000]).toBeLessThan(11);
  expect(long.at(-1)).toBeGreaterThan(200);
});
