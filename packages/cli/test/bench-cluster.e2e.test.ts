import { afterEach, describe, expect, test } from 'vitest';
import type { Driver, StartOptions } from '../src/bench/driver.ts';
import { Guard } from '../src/bench/guard.ts';
import { judge } from '../src/bench/judge.ts';
import { measureSize, type SizeResult } from '../src/bench/measure.ts';
import { planOf, type Plan } from '../src/bench/plan.ts';

type State = 'alive' | 'failed' | 'left';
type Say = (observer: string, kind: 'down' | 'join' | 'leave', about: string) => void;

const interruption = new AbortController();
const timers = new Set<NodeJS.Timeout>();
afterEach(() => {
  for (const timer of timers) clearInterval(timer);
});

/** A system without processes, for what a real one cannot be made to do. */
function fake(script: { readonly onStart?: (name: string, say: Say) => void; readonly broken?: string } = {}): Driver {
  const listening = new Map<string, StartOptions['onNews']>();
  const say: Say = (observer, kind, about) =>
    listening.get(observer)?.({ at: performance.now(), observer, about, kind });
  const driver: Driver = {
    system: 'grp',
    version: '1.2.3',
    async start({ name }, { onNews }) {
      for (const observer of listening.keys()) if (observer !== name) say(observer, 'join', name);
      listening.set(name, onNews);
      script.onStart?.(name, say);
    },
    async list({ name }) {
      const state = (about: string): State => (name === script.broken && about !== name ? 'failed' : 'alive');
      return [...listening.keys()].map((about) => ({ name: about, state: state(about) }));
    },
  };
  return driver;
}

const plan: Plan = {
  ...planOf({ quick: true, runs: 1, steadyMs: 0 }),
  moves: 0,
  quietMs: 20,
  missedMs: 300,
  wholeTimeoutMs: 300,
};

function measure(driver: Driver, difference: Partial<Plan> = {}): Promise<SizeResult> {
  return measureSize({
    driver,
    members: 3,
    plan: { ...plan, ...difference },
    guard: new Guard(),
    signal: interruption.signal,
    onProgress() {},
  });
}

/** Says again and again, from the start of the last member on, that `about` is down. */
function accuse(about: string): Driver {
  return fake({
    onStart(name, say) {
      if (name !== 'n3') return;
      timers.add(setInterval(() => ['n1', 'n2', 'n3'].forEach((observer) => say(observer, 'down', about)), 50));
    },
  });
}

describe('a run is no success', () => {
  test('when a list misses the kill', async () => {
    const result = await measure(fake());
    expect(result.kills).toMatchObject([{ firstMs: null, lastMs: null, news: expect.any(Array) }]);
    const broken = judge([result]).promises.filter(({ kept }) => !kept);
    expect(broken.map(({ measured }) => measured)).toEqual(['never in 1 of 1', 'never in 1 of 1']);
  });

  test('when a running member is declared down, even if nothing else is wrong', async () => {
    const result = await measure(accuse('n1'), { quietMs: 0 });
    expect(result.wronged).toContain('n2: n1');
    expect(result.kills[0]?.wronged.every((who) => who.endsWith(': n1'))).toBe(true);
    expect(judge([result]).promises).toContainEqual(
      expect.objectContaining({ what: '3 members: running members taken for gone', kept: false }),
    );
  });

  test('when lists do not become whole: the cluster is given up, and a few more tried', async () => {
    const result = await measure(fake({ broken: 'n2' }));
    expect(result.notWhole).toHaveLength(5);
    expect(result.notWhole[0]).toContain('not the list of n2');
    expect(result.kills).toEqual([]);
    expect(judge([result]).promises).toContainEqual(
      expect.objectContaining({ kept: false, measured: expect.stringContaining('n2') }),
    );
  });
});

test('an interruption ends a measurement at once', async () => {
  const signal = AbortSignal.timeout(100);
  const run = measureSize({
    driver: fake(),
    members: 3,
    plan: { ...plan, missedMs: 60_000 },
    guard: new Guard(),
    signal,
    onProgress() {},
  });
  await expect(run).rejects.toThrow(/timeout|aborted/);
});
