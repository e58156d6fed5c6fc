import { Deadlines } from '@grp/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** The obvious way: a list, searched every time. */
class Naive {
  #entries: { key: number; at: number; order: number }[] = [];
  #order = 0;

  set(key: number, at: number): void {
    if (this.get(key) === at) return;
    this.delete(key);
    this.#entries.push({ key, at, order: this.#order++ });
  }

  delete(key: number): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
    return this.#entries.length < before;
  }

  get(key: number): number | undefined {
    return this.#entries.find((entry) => entry.key === key)?.at;
  }

  #first(): { key: number; at: number } | undefined {
    return this.#entries.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
  }

  earliest(): number | undefined {
    return this.#first()?.at;
  }

  takeDue(now: number): number | undefined {
    const first = this.#first();
    if (first === undefined || first.at > now) return undefined;
    this.delete(first.key);
    return first.key;
  }

  get size(): number {
    return this.#entries.length;
  }
}

const keys = fc.integer({ min: 0, max: 20 });
const times = fc.integer({ min: 0, max: 30 });
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ name: fc.constant('set' as const), key: keys, at: times }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('delete' as const), key: keys }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('takeDue' as const), at: times }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('get' as const), key: keys }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

function apply(deadlines: Deadlines<number> | Naive, step: Operation): unknown {
  if (step.name === 'set') return deadlines.set(step.key, step.at);
  if (step.name === 'takeDue') return deadlines.takeDue(step.at);
  return step.name === 'get' ? deadlines.get(step.key) : deadlines.delete(step.key);
}

describe('deadlines', () => {
  test('behave as a list that is searched every time', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (steps) => {
        const [deadlines, naive] = [new Deadlines<number>(), new Naive()];
        for (const step of steps) {
          expect(apply(deadlines, step)).toEqual(apply(naive, step));
          expect([deadlines.size, deadlines.earliest()]).toEqual([naive.size, naive.earliest()]);
        }
        const rest = (from: Deadlines<number> | Naive): unknown[] =>
          Array.from({ length: from.size }, () => from.takeDue(Infinity));
        expect(rest(deadlines)).toEqual(rest(naive));
      }),
      { numRuns: 300 },
    );
  });

  test('at the same instant come out in the order in which they were set', () => {
    const deadlines = new Deadlines<string>();
    for (const key of ['c', 'a', 'b']) deadlines.set(key, 5);
    deadlines.set('c', 6);
    deadlines.set('c', 5); // set anew: now the last
    deadlines.set('a', 5); // unchanged: keeps its place
    expect([1, 2, 3, 4].map(() => deadlines.takeDue(5))).toEqual(['a', 'b', 'c', undefined]);
  });

  test('that are moved again and again take no more and more memory or time', () => {
    const deadlines = new Deadlines<number>();
    for (let round = 0; round < 200_000; round++) deadlines.set(round % 10, round);
    expect(deadlines.size).toBe(10);
    expect(Array.from({ length: 10 }, () => deadlines.takeDue(Infinity))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([deadlines.earliest(), deadlines.takeDue(Infinity), deadlines.delete(1)]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });
});
