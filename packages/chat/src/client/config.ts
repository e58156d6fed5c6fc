import { defineConfig, type ConfigOf } from '@grp/core';

/** Timings of a chat client. */
export const clientConfig = defineConfig(
  {
    timeoutMs: {
      default: 30_000,
      min: 1,
      max: 3_600_000,
      unit: 'ms',
      reason: 'Longer than any change of leaders, shorter than a person waits.',
    },
    attemptMs: {
      default: 2_000,
      min: 10,
      max: 600_000,
      unit: 'ms',
      reason: 'One server: a write takes milliseconds, a login some hundred.',
    },
    hedgeMs: {
      default: 300,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason:
        'A healthy server answers within this in all but a few of a thousand requests; then another one is asked too.',
    },
    backoffMinMs: { default: 25, min: 1, max: 60_000, unit: 'ms', reason: 'An election is often over in a moment.' },
    backoffMaxMs: {
      default: 1_000,
      min: 1,
      max: 60_000,
      unit: 'ms',
      reason: 'Bounds what waiting clients cost servers.',
    },
  },
  [['backoffMinMs must not exceed backoffMaxMs', (config) => config.backoffMinMs <= config.backoffMaxMs]],
);

/** The resolved settings of `clientConfig`. */
export type ClientConfig = ConfigOf<typeof clientConfig.table>;
