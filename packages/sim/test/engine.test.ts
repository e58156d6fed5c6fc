import { below } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { expect, test } from 'vitest';
import { EventQueue } from '../src/event-queue.ts';
import { digest32, Trace } from '../src/trace.ts';
import { hostTurns, type Macrotasks } from '../src/turn.ts';

test('the queue gives tasks by time, and at one time in the order of scheduling', () => {
  const random = seededRandom(1);
  for (let round = 0; round < 50; round++) {
    const queue = new EventQueue();
    const expected: [at: number, order: number][] = [];
    const got: [at: number, order: number][] = [];
    let now = 0;
    for (let order = 0; order < 3_000; order++) {
      const at = now + below(random, 20);
      expected.push([at, order]);
      queue.push(at, { run: () => got.push([at, order]) });
      for (let count = below(random, 3); count > 0 && queue.size > 0 && queue.nextAt <= now + 5; count--) {
        now = queue.nextAt;
        queue.pop().run();
      }
    }
    while (queue.size > 0) queue.pop().run();
    expect(got).toEqual(expected.toSorted(([a, first], [b, second]) => a - b || first - second));
    expect(queue.nextAt).toBe(Infinity);
  }
});

test.each<[string, Macrotasks]>([
  ['setImmediate', { setImmediate }],
  ['MessageChannel', { MessageChannel }],
  ['promises alone', {}],
])('a turn by %s lets promises settle', async (_, host) => {
  const turns = hostTurns(host);
  for (let round = 0; round < 3; round++) {
    let depth = 0;
    const deeper = async (): Promise<void> => {
      if (++depth < 30) await deeper();
    };
    const all = deeper();
    await turns.next();
    let isOver = false;
    void all.then(() => (isOver = true));
    await turns.next();
    expect([depth, isOver]).toEqual([30, true]);
  }
  turns.close();
});

test('the trace hash depends on every field and on the order', () => {
  const host = (name: string, index: number) => ({ name, index });
  const hash = (tell: (trace: Trace) => void): string => {
    const trace = new Trace(() => 0);
    tell(trace);
    return trace.digest();
  };
  const stories: ((trace: Trace) => void)[] = [
    () => {},
    (trace) => trace.timer(1, host('a', 0)),
    (trace) => trace.timer(1, host('b', 1)),
    (trace) => trace.timer(1 + 2 ** -50, host('a', 0)),
    (trace) => trace.event('crash', 1, host('a', 0)),
    (trace) => trace.event('crash', 1, host('a', 0), 1),
    (trace) => trace.text('log', 1, host('a', 0), 'x'),
    (trace) => trace.text('log', 1, host('a', 0), 'y'),
    (trace) => trace.text('log', 1, host('a', 0), 'y', { z: 1 }),
    (trace) => {
      trace.timer(1, host('a', 0));
      trace.timer(1, host('b', 1));
    },
    (trace) => {
      trace.timer(1, host('b', 1));
      trace.timer(1, host('a', 0));
    },
    // The hash takes sixteen events at a time.
    ...[15, 16, 17, 5_000, 5_001].map((count) => (trace: Trace) => {
      for (let index = 0; index < count; index++) trace.timer(index, host('a', 0));
    }),
  ];
  expect(new Set(stories.map(hash)).size).toBe(stories.length);
  for (const story of stories) expect(hash(story)).toBe(hash(story));
});

test('the digest of a payload depends on every bit', () => {
  const bytes = new Uint8Array(37).map((_, index) => index * 7);
  const seen = new Set([digest32(bytes), digest32(bytes.subarray(1)), digest32(bytes.subarray(0, 36))]);
  for (let bit = 0; bit < 37 * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    seen.add(digest32(changed));
  }
  expect(seen.size).toBe(37 * 8 + 3);
});
