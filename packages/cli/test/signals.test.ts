import type { GrpError } from '@grp/core';
import { afterEach, expect, test, vi } from 'vitest';
import { exitCodeOf } from '../src/report.ts';
import { armSignals } from '../src/signals.ts';

afterEach(() => vi.restoreAllMocks());

test('the first signal asks, the second ends at once with 128 and its number', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as typeof process.exit);
  const onSecond = vi.fn<() => void>();
  const { signal, wait, cutShort, disarm } = armSignals(onSecond);
  try {
    expect(signal.aborted).toBe(false);
    process.emit('SIGINT', 'SIGINT');
    await wait();
    expect(signal.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM', 'SIGTERM');
    expect(onSecond).toHaveBeenCalledOnce();
    expect(exit).toHaveBeenCalledWith(143);
    process.emit('SIGINT', 'SIGINT');
    expect(exit).toHaveBeenLastCalledWith(130);
    expect(exitCodeOf(cutShort('it is not done', 'Again.') as GrpError)).toBe(130); // by the first of them
  } finally {
    disarm();
  }
});

test('signals are given back', () => {
  const before = process.listenerCount('SIGINT');
  const { disarm } = armSignals();
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  disarm();
  disarm();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
