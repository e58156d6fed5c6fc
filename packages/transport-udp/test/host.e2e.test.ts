// The host's clock, chance and silence, judged by the shared suites. They live in core, which may not import the
// suites' package; this package brings them to real networks.
import { clockConformance, loggerConformance, randomConformance } from '@grp/sim';
import { silentLogger, systemClock, systemRandom } from '@grp/core';
import { test } from 'vitest';

const close = (): void => {};

clockConformance({
  name: 'system clock',
  test,
  supports: { punctual: 'the machine that tests may be loaded' },
  open: () => ({ clock: systemClock(), close }),
});
randomConformance({
  name: 'system random',
  test,
  supports: { seeded: 'its numbers come from the host and never repeat' },
  open: () => ({ random: systemRandom(), close }),
});
loggerConformance({
  name: 'silent logger',
  test,
  supports: { reads: 'it keeps nothing' },
  open: () => ({ logger: silentLogger, close }),
});
