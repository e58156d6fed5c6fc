import { defineConfig, GrpError } from '@grp/core';
import { describe, expect, test } from 'vitest';

const definition = defineConfig(
  {
    periodMs: { default: 1_000, min: 10, max: 60_000, unit: 'ms', reason: 'As Serf.' },
    timeoutMs: { default: 300, min: 5, max: 30_000, unit: 'ms', reason: 'Most answers come sooner.' },
    loss: { default: 0, min: 0, max: 1, unit: 'probability', reason: 'None.', fraction: true },
    sealed: { default: false, reason: 'A key is needed.' },
  },
  [
    ['timeoutMs must be less than periodMs', ({ timeoutMs, periodMs }) => timeoutMs < periodMs],
    ['loss needs sealed off', ({ loss, sealed }) => loss === 0 || !sealed],
  ],
);

function complaint(given: Record<string, unknown>): string {
  try {
    definition.resolve(given);
    return 'accepted';
  } catch (cause) {
    return (cause as GrpError).message;
  }
}

describe('settings', () => {
  test('have their defaults, and keep what is given', () => {
    expect(definition.resolve()).toEqual({ periodMs: 1_000, timeoutMs: 300, loss: 0, sealed: false });
    expect(definition.resolve({ loss: 0.25, sealed: false })).toEqual({ ...definition.defaults, loss: 0.25 });
    expect(complaint({ periodMs: undefined })).toBe('accepted');
  });

  test.each([
    [{ periodMs: 10, timeoutMs: 5 }, 'accepted'],
    [{ periodMs: 9 }, 'periodMs must be 10 to 60000 ms, not 9'],
    [{ periodMs: 60_001 }, 'periodMs must be 10 to 60000 ms, not 60001'],
    [{ periodMs: 10.5 }, 'periodMs must be a whole number of ms, not 10.5'],
    [{ periodMs: Infinity }, 'periodMs must be a whole number of ms, not Infinity'],
    [{ periodMs: Number.NaN }, 'periodMs must be a number of ms, not number'],
    [{ periodMs: '1000' }, 'periodMs must be a number of ms, not "1000"'],
    [{ periodMs: null }, 'periodMs must be a number of ms, not object'],
    [{ loss: 1.5 }, 'loss must be 0 to 1 probability, not 1.5'],
    [{ sealed: 1 }, 'sealed must be true or false, not number'],
    [{ period: 1 }, 'period is no setting; did you mean periodMs?'],
    [{ zzz: 1 }, 'zzz is no setting'],
    [{ constructor: 1 }, 'constructor is no setting'],
    [{ timeoutMs: 1_000 }, 'timeoutMs must be less than periodMs'],
    [{ timeoutMs: 1_000, loss: 1, sealed: true }, 'timeoutMs must be less than periodMs; loss needs sealed off'],
  ])('%o: %s', (given, expected) => {
    expect(complaint(given)).toBe(expected);
  });

  test('that are wrong are a usage error', () => {
    const attempt = (): unknown => definition.resolve({ periodMs: 9 });
    expect(attempt).toThrow(GrpError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', kind: 'usage' }));
  });

  test('are all complained about at once, and the rules only when each is right by itself', () => {
    expect(complaint({ periodMs: 1, timeoutMs: 'x', sealed: 0, speed: 1 })).toBe(
      'periodMs must be 10 to 60000 ms, not 1; timeoutMs must be a number of ms, not "x"; sealed must be true or false, not number; speed is no setting',
    );
  });
});
