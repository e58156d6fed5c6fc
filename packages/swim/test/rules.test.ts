import { describe, expect, test } from 'vitest';
import {
  confirmationsNeeded,
  lifeHash,
  overrides,
  pushPullIntervalMs,
  retransmitLimit,
  RoundTrip,
  scaledByMembers,
  suspicionMs,
  type Claim,
} from '../src/rules.ts';

function claim(text: string): Claim {
  const [status, incarnation] = text.split('@');
  return { status: status as Claim['status'], incarnation: Number(incarnation) };
}

describe('which claim replaces which (SWIM §4.2)', () => {
  test.each([
    ['suspect@1', 'alive@1', true],
    ['alive@1', 'suspect@1', false],
    ['alive@2', 'suspect@1', true],
    ['alive@2', 'down@1', true],
    ['down@1', 'alive@2', false],
    ['down@1', 'suspect@1', true],
    ['left@1', 'alive@1', true],
    ['alive@1', 'alive@1', false],
    ['left@1', 'down@1', false],
    ['suspect@3', 'down@2', true],
  ])('%s over %s: %s', (next, current, expected) => {
    expect(overrides(claim(next), claim(current))).toBe(expected);
  });
});

describe('how long a suspect may refute (Lifeguard §IV-B)', () => {
  test.each([
    [0, 3, 6_000],
    [1, 3, 3_500],
    [2, 3, 2_038],
    [3, 3, 1_000],
    [9, 3, 1_000],
    [0, 0, 1_000],
    [0, 1, 6_000],
    [1, 1, 1_000],
  ])('%i of %i confirmations: %i ms', (confirmations, needed, expected) => {
    expect(suspicionMs({ minMs: 1_000, maxMs: 6_000, confirmations, needed })).toBe(expected);
  });

  test('the table is the logarithm it stands for', () => {
    for (let needed = 1; needed <= 8; needed++) {
      for (let confirmations = 0; confirmations <= needed; confirmations++) {
        const share = Math.log(confirmations + 1) / Math.log(needed + 1);
        const exact = 1e9 - (1e9 - 1e3) * share;
        expect(suspicionMs({ minMs: 1e3, maxMs: 1e9, confirmations, needed })).toBeCloseTo(exact, -1);
      }
    }
  });

  test.each([
    [2, 0],
    [3, 1],
    [4, 2],
    [5, 3],
    [100, 3],
  ])('of %i live members, %i can confirm', (live, expected) => {
    expect(confirmationsNeeded(3, live)).toBe(expected);
  });
});

describe('what grows with the cluster', () => {
  test.each([
    [1, 1_000],
    [10, 1_000],
    [100, 2_000],
    [1_000, 3_000],
  ])('suspicion of 1 s at %i members: %i ms', (members, expected) => {
    expect(scaledByMembers(1_000, members)).toBe(expected);
  });

  test.each([
    [1, 4],
    [5, 4],
    [9, 4],
    [10, 8],
    [99, 8],
    [100, 12],
  ])('at %i members news is sent %i times', (members, expected) => {
    expect(retransmitLimit(4, members)).toBe(expected);
  });

  test.each([
    [32, 30_000],
    [33, 60_000],
    [64, 60_000],
    [65, 90_000],
    [1_000, 180_000],
  ])('at %i members a full exchange each %i ms', (members, expected) => {
    expect(pushPullIntervalMs(30_000, members)).toBe(expected);
  });
});

test('lives that differ in name or incarnation have different hashes', () => {
  const hashes = new Set<number>();
  for (let node = 0; node < 1_000; node++) {
    for (const incarnation of [1, 2, 1_770_000_000, 1_770_000_001]) hashes.add(lifeHash(`n${node}`, incarnation));
  }
  expect(hashes.size).toBe(4_000);
});

test('the probe timeout follows the round trip and widens when it jumps (RFC 6298 §2)', () => {
  const roundTrip = new RoundTrip(10);
  expect(roundTrip.timeoutMs).toBe(30);
  for (let sample = 0; sample < 100; sample++) roundTrip.observe(10);
  expect(roundTrip.timeoutMs).toBeCloseTo(10, 1);
  roundTrip.observe(50);
  expect(roundTrip.timeoutMs).toBeGreaterThan(50);
});
