import type { Clock, Random } from '@grp/core';
import { expect, test } from 'vitest';
import { Failover, type Attempt, type Setback } from '../src/client/failover.ts';

const servers = ['a', 'b', 'c', 'd', 'e'];
const timings = { hedgeMs: 300, backoffMinMs: 25, backoffMaxMs: 1_000 };

/** Time that passes when everybody waits for it. */
class VirtualTime implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  wakeAt(at: number, action: () => void): () => void {
    const timer = { at, action };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  async until<Value>(value: Promise<Value>): Promise<Value> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    value.then(over, over);
    for (;;) {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      if (isOver) return value;
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined) throw new Error('nobody waits for anything');
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
  }
}

const clock = (): VirtualTime => new VirtualTime();

function setback(leader?: string, more: Partial<Setback> = {}): Setback {
  return { type: 'setback', problem: 'not here', leader, retryAfterMs: 0, ...more };
}

/** Chance that is none: who is asked first follows from it. */
function alwaysThe(seed: number): Random {
  const random: Random = { nextU32: () => (seed * 0x3333_3333) % 2 ** 32, fork: () => random };
  return random;
}

function failoverOf(time: VirtualTime, seed = 1): Failover {
  return new Failover({ servers, clock: time, random: alwaysThe(seed), ...timings });
}

/** No answer, ever. */
const silence = new Promise<never>(() => {});

test.each([1, 2, 3, 4, 5])(
  'a leader that has fallen silent costs no more than the next leader does (seed %i)',
  async (seed) => {
    const time = clock();
    const failover = failoverOf(time, seed);
    const known: Attempt<string> = async (server) => (server === 'c' ? 'led' : setback('c'));
    expect(await time.until(failover.call(known, { timeoutMs: 5_000 }))).toBe('led');
    const since = time.now();
    // The others go on naming it until, after 450 ms, d is elected.
    const attempt: Attempt<string> = async (server) => {
      if (server === 'c') return silence;
      const leader = time.now() < since + 450 ? 'c' : 'd';
      return server === leader ? 'done' : setback(leader);
    };
    expect(await time.until(failover.call(attempt, { timeoutMs: 5_000 }))).toBe('done');
    expect(time.now() - since).toBeLessThan(700);
  },
);

test('two silent servers cost two hedges', async () => {
  const time = clock();
  const order: string[] = [];
  const attempt: Attempt<string> = async (server) => {
    order.push(server);
    return order.length < 3 ? silence : 'done';
  };
  expect(await time.until(failoverOf(time).call(attempt, { timeoutMs: 5_000 }))).toBe('done');
  expect(time.now()).toBe(600);
  expect(new Set(order).size).toBe(3);
});

test('with what costs servers much, others are asked later', async () => {
  const time = clock();
  let asked = 0;
  const attempt: Attempt<string> = async () => (++asked === 1 ? silence : 'done');
  expect(await time.until(failoverOf(time).call(attempt, { timeoutMs: 5_000, isHeavy: true }))).toBe('done');
  expect(time.now()).toBe(1_200);
});

test('each is asked once while it is silent, and time runs out', async () => {
  const time = clock();
  let asked = 0;
  const attempt: Attempt<string> = () => {
    asked++;
    return silence;
  };
  const call = failoverOf(time).call(attempt, { timeoutMs: 5_000 });
  await expect(time.until(call)).rejects.toMatchObject({ code: 'CHAT_UNREACHABLE', kind: 'unreachable' });
  expect(asked).toBe(servers.length);
  expect(time.now()).toBe(5_000);
});

test('servers of a minority that say so are believed more than those that say nothing', async () => {
  const time = clock();
  const attempt: Attempt<string> = async (server) =>
    server === 'a' || server === 'b' ? setback(undefined, { noQuorum: true }) : silence;
  const call = failoverOf(time).call(attempt, { timeoutMs: 2_000 });
  await expect(time.until(call)).rejects.toMatchObject({ code: 'CHAT_NO_QUORUM', kind: 'no-quorum' });
});

test('a refusal ends it at once', async () => {
  const time = clock();
  const attempt: Attempt<string> = () => Promise.reject(new Error('no'));
  await expect(time.until(failoverOf(time).call(attempt, { timeoutMs: 2_000 }))).rejects.toThrow('no');
  expect(time.now()).toBe(0);
});

test('whoever is told to wait waits, and then asks again', async () => {
  const time = clock();
  let asked = 0;
  const attempt: Attempt<string> = async () => (++asked === 1 ? setback(undefined, { retryAfterMs: 700 }) : 'done');
  expect(await time.until(failoverOf(time).call(attempt, { timeoutMs: 5_000 }))).toBe('done');
  expect(time.now()).toBe(700);
});
