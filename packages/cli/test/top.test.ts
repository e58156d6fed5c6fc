import { describe, expect, test } from 'vitest';
import { coloursFor } from '../src/output/colours.ts';
import { changesBetween } from '../src/top/changes.ts';
import type { TopNode, TopSample } from '../src/top/sample.ts';
import { ratesOf, shortTime, topText } from '../src/top/screen.ts';

const colours = coloursFor({ isTTY: false }, true);

function node(name: string, over: Partial<TopNode> = {}): TopNode {
  return {
    name,
    state: 'running',
    ready: true,
    http: 'http://127.0.0.1:7953',
    roles: ['swim', 'gms', 'raft'],
    uptimeMs: 201_000,
    members: { alive: 5, suspect: 0, down: 0 },
    group: { name: 'default', status: 'joined', view: 7, leads: false, size: 5, delivered: 123_456 },
    raft: [{ group: 'raft', role: 'follower', term: 3, leader: 'n1', commitIndex: 12_345, appliedIndex: 12_345 }],
    traffic: { since: '2026-01-01T00:00:00.000Z', bytesIn: 100_000, bytesOut: 50_000 },
    ...over,
  };
}

function sample(second: number, ...nodes: readonly TopNode[]): TopSample {
  const at = `2026-01-01T00:01:${String(second).padStart(2, '0')}.000Z`;
  return { schema: 'grp.top.sample/1', at, nodes };
}

const silent = { ready: false, uptimeMs: null, members: null, group: null, raft: [], traffic: null };

test('a cluster with every role fits into 80 columns', () => {
  const leads = { name: 'default', status: 'joined', view: 12, leads: true, size: 5, delivered: 1_234_567 };
  const now = sample(
    40,
    node('n1', { group: leads, members: { alive: 3, suspect: 1, down: 1 } }),
    node('n2', {
      raft: [{ group: 'raft', role: 'leader', term: 14, leader: 'n2', commitIndex: 9, appliedIndex: 98_765 }],
    }),
    node('n3', { ...silent, state: 'killed' }),
  );
  const text = topText(now, { colours, width: 80, log: ['00:01:39  n3: running, now killed'] });
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).toContain('3 nodes, 2 running, 2 ready');
  expect(text).toMatch(/n1 +running +3 1\? 1x +12\/5 leads +1234567 /);
  expect(text).toMatch(/leader t14/);
  expect(text).toMatch(/n3 +killed +- +- +- +- /);
  expect(topText(now, { colours, width: 200 })).toMatch(/3m21s.*12345.*swim,gms,raft/);
  expect(text).toContain('LATELY\n00:01:39  n3: running, now killed');
});

test('columns that nobody needs are not there', () => {
  const text = topText(sample(0, node('n1', { group: null, raft: [], roles: ['swim'] })), { colours, width: 80 });
  expect(text).not.toMatch(/VIEW|LOG/);
});

test('names are made safe to print', () => {
  const text = topText(sample(0, node('n\u001B[2Jx')), { colours, width: 80, log: ['\u001B]0;x\u0007'] });
  expect(text).not.toContain('\u001B');
});

describe('traffic', () => {
  const first = node('n1');
  const more = node('n1', { traffic: { since: '2026-01-01T00:00:00.000Z', bytesIn: 102_000, bytesOut: 50_500 } });

  test('is of the time between two looks', () => {
    expect(ratesOf(more, sample(42, more), sample(40, first))).toEqual({ bytesIn: 1_000, bytesOut: 250 });
  });
  test('is the mean since the reset without a look before, or when the counters were reset in between', () => {
    expect(ratesOf(first, sample(40, first))).toEqual({ bytesIn: 1_000, bytesOut: 500 });
    const reset = node('n1', { traffic: { since: '2026-01-01T00:01:41.000Z', bytesIn: 10, bytesOut: 20 } });
    expect(ratesOf(reset, sample(42, reset), sample(40, first))).toEqual({ bytesIn: 10, bytesOut: 20 });
  });
});

test('what has changed is told in a line each', () => {
  const leads = { name: 'default', status: 'joined', view: 8, leads: true, size: 4, delivered: 9 };
  const raft = [{ group: 'raft', role: 'leader', term: 4, leader: 'n2', commitIndex: 1, appliedIndex: 1 }];
  const lines = changesBetween(
    sample(1, node('n1'), node('n2'), node('n9')),
    sample(
      2,
      node('n1', { ...silent, state: 'killed' }),
      node('n2', { group: leads, raft, members: { alive: 4, suspect: 0, down: 1 } }),
      node('n3'),
    ),
  );
  expect(lines).toEqual([
    'n1: running, now killed',
    'n2 lists 4 alive, 0 suspect, 1 down',
    'n2 leads view 8 of 4',
    'n2 leads the log raft in term 4',
    'n3 is there: running',
    'n9 is gone',
  ]);
  expect(changesBetween(sample(1, node('n1')), sample(2, node('n1')))).toEqual([]);
});

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [61_000, '1m01s'],
  [3_720_000, '1h02m'],
  [200_000_000, '2d'],
])('%i ms is %s', (ms, text) => expect(shortTime(ms)).toBe(text));
