import { expect, test } from 'vitest';
import { classicRun } from '../src/dfs/classic.ts';
import { dfsChaosRun, type DfsChaosKind } from '../src/dfs/chaos.ts';
import { runDfsScenario } from '../src/dfs/table.ts';
import { simProtocols } from '../src/protocols.ts';

const durationMs = 3_000;

test.each(simProtocols['dfs']?.scenarios ?? [])('%s keeps every promise', (scenario) => {
  const report = simProtocols['dfs']?.run(scenario, { seed: 11, nodeCount: 5, durationMs });
  expect(report?.violations).toEqual([]);
  expect(report?.counts['acknowledged']).toBeGreaterThan(10);
});

test('the same seed gives the same run', () => {
  const options = { seed: 7, nodeCount: 6, durationMs };
  expect(runDfsScenario('chaos', options).traceHash).toBe(runDfsScenario('chaos', options).traceHash);
});

/** Checkers that saw something in one of these seeds. */
function seenIn(
  seeds: readonly number[],
  options: Omit<Parameters<typeof dfsChaosRun>[0], 'seed' | 'durationMs'> & { readonly kinds: readonly DfsChaosKind[] },
): readonly string[] {
  const common = {
    durationMs: 9_000,
    swarm: false,
    settles: false,
    reports: false,
    files: 16,
    master: { rebalanceIntervalMs: 60_000 },
  };
  const reports = seeds.map((seed) => dfsChaosRun({ ...common, ...options, seed }));
  const checkers = reports.flatMap(({ violations }) => violations.map(({ checker }) => checker));
  return [...new Set(checkers)];
}

const lost = ['acknowledged is kept'];

// Unsafe designs of old, each with the one rule missing that makes it safe. The seeds are those that show it.
test('a node that was wiped and still counts loses files', () => {
  const options = { nodeCount: 4, kinds: ['wipe'] } as const;
  expect(seenIn([2], { ...options, rules: { clearsLives: false } })).toEqual(lost);
  expect(seenIn([2], options)).toEqual([]);
});

test('acknowledgements of an earlier life lose files, though the server was synchronised again', () => {
  const options = { nodeCount: 4, replicas: 2, kinds: ['wipe', 'aimed', 'aimed'] } as const;
  expect(seenIn([3], { ...options, rules: { fencesLives: false } })).toEqual(lost);
  expect(seenIn([3], options)).toEqual([]);
});

test('repair without epochs loses files', () => {
  const options = { nodeCount: 3, replicas: 2, kinds: ['rot', 'rot', 'echo'] } as const;
  expect(seenIn([1], { ...options, rules: { fencesDrops: false } })).toEqual(lost);
  expect(seenIn([1], options)).toEqual([]);
});

test('the classic counter of a master is not linearizable, and with its master it loses count', () => {
  const steady = [1, 2, 3, 4].flatMap((seed) => classicRun({ seed, durationMs: 2_000 }));
  expect(steady.map(({ checker }) => checker)).toContain('linearizability');
  const failing = classicRun({ seed: 1, durationMs: 2_000, masterFails: true });
  expect(failing.map(({ checker }) => checker)).toContain('one digest per version');
});
