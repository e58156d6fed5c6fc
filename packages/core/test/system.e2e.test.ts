// Real time, so that it runs with the end-to-end tests.
import { silentLogger, systemClock } from '@grp/core';
import { expect, test } from 'vitest';

test('the system clock wakes in order, never early, never during the call, and not once cancelled', async () => {
  const clock = systemClock();
  const woken: string[] = [];
  const startedAt = clock.now();
  const early: number[] = [];
  const wake = (name: string, at: number): (() => void) =>
    clock.wakeAt(at, () => {
      if (clock.now() < at) early.push(at);
      woken.push(name);
    });
  await new Promise<void>((resolve) => {
    wake('second', startedAt + 40.7);
    wake('first', startedAt + 20.3);
    wake('past', startedAt - 1_000);
    const cancel = wake('never', startedAt + 10);
    wake('far away', startedAt + 1e12)(); // longer than a timer holds: 31 years
    expect(woken).toEqual([]);
    cancel();
    cancel();
    clock.wakeAt(startedAt + 60, resolve);
  });
  expect([woken, early]).toEqual([['past', 'first', 'second'], []]);
});

test('the system clock tells the time of day apart from its own', () => {
  const clock = systemClock();
  expect(Math.abs(clock.wallMs() - Date.now())).toBeLessThan(1_000);
  expect(clock.now()).toBeLessThanOrEqual(clock.now());
});

test('the silent logger says nothing', () => {
  expect(silentLogger.log('error', 'x', { y: 1 })).toBeUndefined();
});
