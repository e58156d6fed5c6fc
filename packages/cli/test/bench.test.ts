import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { between } from '../src/bench/capture.ts';
import { compare } from '../src/bench/compare.ts';
import type { DetectionRun } from '../src/bench/detection.ts';
import { argumentsOf, sourceBenches } from '../src/bench/from-sources.ts';
import { judge } from '../src/bench/judge.ts';
import type { SizeResult } from '../src/bench/measure.ts';
import { NewsLog, type News } from '../src/bench/news.ts';
import { planOf } from '../src/bench/plan.ts';
import { newsOfLine } from '../src/bench/serf-driver.ts';
import { summarize } from '../src/bench/statistics.ts';
import { parseUsage } from '../src/bench/usage.ts';
import { grp } from './support/run.ts';

const run = (firstMs: number | null, lastMs: number | null): DetectionRun => ({
  victims: ['n2'],
  suspectedMs: 500,
  firstMs,
  lastMs,
  wronged: [],
});

const rate = { packets: 2, ipBytes: 105 };
const good: SizeResult = {
  members: 10,
  load: 0.5,
  formedMs: [1_000],
  steady: { seconds: 60, wire: { udp: rate, tcp: rate }, own: rate, cpuPercent: 0.3, residentBytes: 60e6 },
  kills: [run(900, 1_000), run(1_200, 1_300)],
  triples: [run(2_000, 2_500)],
  moves: [
    { type: 'leave', member: 'n2', firstMs: 10, lastMs: 20 },
    { type: 'join', member: 'n11', firstMs: 300, lastMs: 310 },
  ],
  wronged: [],
  healthySuspected: 0,
  notWhole: [],
};

describe('percentiles', () => {
  test('are values that were measured', () => {
    expect(summarize([40, 10, 30, 20])).toEqual({ count: 4, min: 10, p50: 20, p90: 40, p99: 40, max: 40 });
    expect(summarize(Array.from({ length: 100 }, (_, index) => index + 1))).toMatchObject({
      p50: 50,
      p90: 90,
      p99: 99,
    });
    expect(summarize([7])).toEqual({ count: 1, min: 7, p50: 7, p90: 7, p99: 7, max: 7 });
    expect(summarize([])).toBeUndefined();
  });

  test('count what never came as later than everything', () => {
    expect(summarize([1, null, 2])).toMatchObject({ p50: 2, p90: Infinity, max: Infinity });
  });
});

describe('promises', () => {
  test('are kept by good figures', () => {
    const { promises, targets } = judge([good]);
    expect(promises.length).toBeGreaterThanOrEqual(7);
    expect([...promises, ...targets].filter(({ kept }) => !kept)).toEqual([]);
  });

  test.each([
    ['one killed: first list', { kills: [run(900, 1_000), run(5_001, 5_500)] }],
    ['one killed: last list', { kills: [run(900, 6_001)] }],
    ['one killed: last list', { kills: [run(900, null)] }],
    ['one killed: first list', { kills: [run(null, null)] }],
    ['three killed at once: last list', { triples: [run(900, 6_001)] }],
    ['taken for gone', { wronged: ['n1: n3'] }],
    ['did not become whole', { notWhole: ['not the list of n3'] }],
    ['UDP sent', { steady: { ...good.steady, wire: { udp: { packets: 2, ipBytes: 170.1 }, tcp: rate } } }],
    ['UDP sent', { steady: { ...good.steady, wire: null, own: { packets: 2, ipBytes: 171 } } }],
  ] as readonly [string, Partial<SizeResult>][])('%s', (what, difference) => {
    const broken = judge([good, { ...good, ...difference }]).promises.filter(({ kept }) => !kept);
    expect(broken.map((verdict) => verdict.what).join()).toContain(what);
  });

  test('a short idle time is not held against anyone, and targets break nothing', () => {
    const noisy = { ...good, steady: { ...good.steady, seconds: 5, own: { packets: 9, ipBytes: 900 } } } as SizeResult;
    expect(judge([noisy]).promises.some(({ what }) => what.includes('UDP'))).toBe(false);
    const slow = judge([{ ...good, kills: [run(2_000, 5_500)] }]);
    expect(slow.promises.every(({ kept }) => kept)).toBe(true);
    expect(slow.targets.map(({ kept }) => kept)).toEqual([false, false]);
  });
});

describe('comparison', () => {
  const figure = (theirs: SizeResult | undefined, what: string) =>
    compare([good], theirs === undefined ? [] : [theirs]).find((row) => row.what === what);

  test('divides ours by theirs', () => {
    const theirs = { ...good, kills: [run(5_000, 5_200), run(6_000, 9_000)] };
    expect(figure(theirs, 'killed: first list, p50')).toMatchObject({ ours: 0.9, theirs: 5, ratio: 0.18, unit: 's' });
    expect(figure(theirs, 'idle: memory per member')).toMatchObject({ ours: 60, theirs: 60, ratio: 1 });
    expect(figure(theirs, 'running members taken for gone')).toMatchObject({ ours: 0, theirs: 0, ratio: null });
    expect(figure(theirs, 'join: from first to last list, max')).toMatchObject({ ours: 0.01 });
  });

  test('has no ratio with what never came, was not measured or is nothing', () => {
    const stuck = { ...good, kills: [run(5_000, null)] };
    expect(figure(stuck, 'killed: last list, max')).toMatchObject({ theirs: 'never', ratio: null });
    expect(figure(undefined, 'killed: first list, max')).toMatchObject({ ours: 1.2, theirs: null, ratio: null });
    const silent = { ...good, steady: { ...good.steady, cpuPercent: 0 } } as SizeResult;
    expect(figure(silent, 'idle: processor per member')).toMatchObject({ theirs: 0, ratio: null });
    expect(figure({ ...good, steady: null, members: 5 }, 'idle: UDP packets sent')).toMatchObject({ theirs: null });
  });
});

describe('a log of news', () => {
  const news = (at: number, observer: string, kind: News['kind'] = 'down'): News => ({
    at,
    observer,
    about: 'x',
    kind,
  });
  const question = { kind: 'down', about: 'x', observers: ['a', 'b'], since: 10 } as const;

  test('tells when each observer first said so', () => {
    const log = new NewsLog();
    const all = [news(5, 'a'), news(10, 'b', 'suspect'), news(11, 'b'), news(12, 'c'), news(13, 'b'), news(14, 'a')];
    for (const one of all) log.add(one);
    expect(Object.fromEntries(log.arrivals(question))).toEqual({ b: 11, a: 14 });
    expect(log.latestAt).toBe(14);
    expect(log.since(14)).toEqual([news(14, 'a')]);
  });

  test('waits for news, not longer than asked, and not at all once aborted', async () => {
    const log = new NewsLog();
    const { signal } = new AbortController();
    const both = log.until(() => log.arrivals(question).size === 2, 60_000, signal);
    log.add(news(11, 'a'));
    log.add(news(12, 'b'));
    expect(await both).toBe(true);
    expect(await log.until(() => false, 1, signal)).toBe(false);
    const ended = new AbortController();
    const waiting = log.until(() => false, 60_000, ended.signal);
    ended.abort();
    await expect(waiting).rejects.toThrow(/abort/);
    await expect(log.until(() => true, 1, ended.signal)).rejects.toThrow(/abort/);
  });
});

test('the lines of an agent that are news', () => {
  const line = (text: string) => newsOfLine('a', `    2026/11/21 10:15:56 ${text}`, 7);
  expect(line('[INFO] serf: EventMemberJoin: b 127.0.0.1')).toEqual({ at: 7, observer: 'a', about: 'b', kind: 'join' });
  expect(line('[INFO] serf: EventMemberFailed: b 127.0.0.1')).toMatchObject({ about: 'b', kind: 'down' });
  expect(line('[INFO] serf: EventMemberLeave: b 127.0.0.1')).toMatchObject({ about: 'b', kind: 'leave' });
  expect(line('[INFO] memberlist: Suspect n12 has failed, no acks received')).toMatchObject({
    about: 'n12',
    kind: 'suspect',
  });
  expect(line('[INFO] agent: Received event: member-failed')).toBeUndefined();
  expect(line('[INFO] memberlist: Marking b as failed, suspect timeout reached')).toBeUndefined();
});

test('what the kernel says of a process', () => {
  const fields = Array.from({ length: 50 }, (_, index) => String(index + 3)); // field 3 of the line comes first
  const stat = `42 (a) b) ${fields.join(' ')}`;
  expect(parseUsage(stat, 'VmHWM:\t  90 kB\nVmRSS:\t  64 kB\n')).toEqual({
    cpuMs: (14 + 15) * 10,
    residentBytes: 65_536,
  });
  expect(parseUsage(stat, 'Name: gone')).toBeUndefined();
});

test('what was sent between two readings', () => {
  const count = (packets: number, ipBytes: number) => ({ udp: { packets, ipBytes }, tcp: { packets: 0, ipBytes: 0 } });
  expect(between(count(3, 100), count(5, 250))).toEqual(count(2, 150));
});

test('a plan is the whole or a quick look, with single figures set', () => {
  expect(planOf({})).toMatchObject({ sizes: [5, 10, 30], kills: 20, triples: 6, moves: 8, steadyMs: 60_000 });
  expect(planOf({ quick: true })).toMatchObject({ sizes: [5], kills: 3, triples: 1, moves: 2, steadyMs: 5_000 });
  expect(planOf({ quick: true, runs: 1, sizes: [3], steadyMs: 0 })).toMatchObject({
    sizes: [3],
    kills: 1,
    steadyMs: 0,
  });
});

describe('a benchmark of the sources', () => {
  test('is told what the command was told', () => {
    const { gms, raft } = sourceBenches as Record<'gms' | 'raft', (typeof sourceBenches)[string]>;
    expect(argumentsOf('gms', gms, { against: 'corosync', sizes: ['3', '4'], runs: 5, quick: true })).toEqual(
      '--against corosync --sizes 3,4 --runs 5 --quick'.split(' '),
    );
    expect(argumentsOf('raft', raft, { against: 'none', quick: false })).toEqual(['--over', 'native,grpc']);
    expect(argumentsOf('raft', raft, {})).toEqual([]);
  });

  test.each(Object.entries(sourceBenches))('%s is where the table says', (_name, { file }) => {
    expect(existsSync(new URL(`../../${file}`, import.meta.url))).toBe(true);
  });
});

test.each([
  [['bench'], 'CLI_ARGUMENT'],
  [['bench', 'nothing'], 'CLI_ARGUMENT'],
  [['bench', 'swim', '--against', 'consul'], 'BENCH_PEER_UNKNOWN'],
  [['bench', 'raft', '--against', 'serf'], 'BENCH_PEER_UNKNOWN'],
  [['bench', 'dfs', '--sizes', '5'], 'BENCH_FLAG'],
  [['bench', 'gms', '--steady', '5s'], 'BENCH_FLAG'],
  [['bench', 'chat', '--sizes', '64'], 'BENCH_SIZE'],
  [['bench', 'swim', '--sizes', '5,2'], 'BENCH_SIZE'],
  [['bench', 'swim', '--runs', '0'], 'CLI_FLAG_VALUE'],
])('grp %s is refused before anything is started', async (argv, code) => {
  const outcome = await grp(...argv, '--json');
  expect(outcome.lines).toMatchObject([{ error: { code } }]);
  expect(outcome.code).toBe(2);
});
