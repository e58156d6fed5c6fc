import { expect, test } from 'vitest';
import { stallRun } from './support/raft-stalls.ts';

test.each([3, 5])(
  '%d servers that stand still for up to 300 ms each, leader and all: nobody is elected',
  (nodeCount) => {
    const { stalls, elections, violations } = stallRun({ seed: 1, nodeCount, durationMs: 120_000, stallMsMax: 300 });
    expect({ elections, violations }).toEqual({ elections: 0, violations: [] });
    expect(stalls).toBeGreaterThan(100);
  },
);

test('the same without knowledge of connections, and with stalls beyond the limit, elects', () => {
  const common = { seed: 1, nodeCount: 3, durationMs: 60_000 };
  expect(stallRun({ ...common, stallMsMax: 300, knowsConnections: false }).elections).toBeGreaterThan(0);
  expect(stallRun({ ...common, stallMsMax: 800 }).elections).toBeGreaterThan(0);
});
