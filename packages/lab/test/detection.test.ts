import { describe, expect, test } from 'vitest';
import { hintRun, killRun, leaveRun, massKillRun, partitionRun, restartRun, skewRun, steadyRun } from '../src/index.ts';

describe.each([5, 10, 30])('a member of %i is killed', (nodeCount) => {
  test.each([0, 0.25])('loss %d: in the first list within 5 s, in all within 6 s', (loss) => {
    const { violations, figures, counts } = killRun({ seed: 11, nodeCount, network: { loss }, kills: 15 });
    expect(violations).toEqual([]);
    expect(figures['kills']).toBe(15);
    expect(counts['crash']).toBeGreaterThan(0);
    expect(counts['host-crash']).toBeGreaterThan(0);
    expect((counts['drop.loss'] ?? 0) > 0).toBe(loss > 0);
    expect(figures['firstMaxMs']).toBeGreaterThan(100);
    expect(figures['lastMaxMs']).toBeLessThanOrEqual(6_000);
  });
});

describe.each([3, 5, 10])('a process of %i is killed, and a survivor hints', (nodeCount) => {
  test.each([0, 0.1])('loss %d: whose host refuses leaves all lists within 350 ms, and nobody else does', (loss) => {
    const kills = 40;
    const { violations, figures, counts } = hintRun({ seed: 12, nodeCount, network: { loss }, kills });
    expect(violations).toEqual([]);
    expect(figures['kills']).toBe(kills);
    expect(counts['crash']).toBeGreaterThanOrEqual(kills);
    expect(figures['lastMedianMs']).toBeGreaterThan(250);
    expect(figures['lastMaxMs']).toBeLessThanOrEqual(loss === 0 ? 350 : 6_000);
    expect(figures['lastMedianMs']).toBeLessThanOrEqual(350);
  });
});

test.each([0, 0.1])('loss %d: three of ten killed at once leave all lists', (loss) => {
  for (let seed = 1; seed <= 10; seed++) {
    const { violations, figures } = massKillRun({ seed, nodeCount: 10, network: { loss }, victims: 3 });
    expect(violations).toEqual([]);
    expect(figures['allListsMs']).toBeLessThanOrEqual(15_000);
  }
});

describe('a new life at once', () => {
  test.each([0, 0.1])('at the same address, loss %d', (loss) => {
    const { violations, figures } = restartRun({ seed: 3, nodeCount: 7, network: { loss }, restarts: 25 });
    expect(violations).toEqual([]);
    expect(figures['newLifeKnownMaxMs']).toBeLessThanOrEqual(6_000);
  });

  test.each([0, 0.1])('at another address, loss %d', (loss) => {
    const port = ({ incarnation }: { incarnation: number }): number => 7_947 - (incarnation % 2);
    const { violations, figures } = restartRun({ seed: 4, nodeCount: 7, network: { loss }, port, restarts: 25 });
    expect(violations).toEqual([]);
    expect(figures['newLifeKnownMaxMs']).toBeLessThanOrEqual(10_000);
  });
});

test.each([0, 0.1, 0.25])('loss %d: who leaves is never judged down, and gone from all lists within 6 s', (loss) => {
  const { violations, figures, counts } = leaveRun({ seed: 5, nodeCount: 8, network: { loss }, leaves: 20 });
  expect(violations).toEqual([]);
  expect(counts['leave']).toBe(20);
  expect(figures['leaveMaxMs']).toBeLessThanOrEqual(6_000);
});

test('a partition 3|3 of 45 s is whole again within 10 s', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { violations, figures, counts } = partitionRun({ seed, nodeCount: 6, splitMs: 45_000 });
    expect(violations).toEqual([]);
    expect(figures['downSeen']).toBeGreaterThanOrEqual(18); // 2 × 3 × 3: both sides really had given up the other
    expect(counts['partition']).toBe(1);
    expect(figures['healedMs']).toBeLessThanOrEqual(10_000);
  }
});

test('steady state costs ≤ 170 B/s a member, and hardly more among a hundred', () => {
  const bytes = new Map<number, number>();
  for (const nodeCount of [5, 10, 100]) {
    const { violations, figures } = steadyRun({ seed: 6, nodeCount, durationMs: 60_000 });
    expect(violations).toEqual([]);
    bytes.set(nodeCount, figures['bytesOutPerSecond'] as number);
  }
  const [five = 0, ten = 0, hundred = 0] = bytes.values();
  expect(five).toBeGreaterThan(50);
  expect(Math.max(five, ten)).toBeLessThanOrEqual(170);
  expect(hundred).toBeLessThanOrEqual(five * 1.15);
});

test.each([0, 0.1])('loss %d: clocks that jump and drift and slow processors cost nobody the membership', (loss) => {
  for (let seed = 1; seed <= 5; seed++) {
    const { violations, counts } = skewRun({ seed, nodeCount: 7, network: { loss }, durationMs: 60_000 });
    expect(violations).toEqual([]);
    for (const kind of ['clock-jump', 'clock-drift', 'cpu-slow']) expect(counts[kind]).toBeGreaterThan(0);
  }
});
