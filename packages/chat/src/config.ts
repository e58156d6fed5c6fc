import { defineConfig, type ConfigOf } from '@grp/core';

/** Limits of the replicated state. All servers of a cluster must agree on them: they decide what a command does. */
export const stateConfig = defineConfig({
  textBytesMax: {
    default: 4_096,
    min: 1,
    max: 65_536,
    unit: 'bytes',
    reason: 'A message is a few sentences; longer things belong in a file.',
  },
  accountsMax: {
    default: 1_000_000,
    min: 1,
    max: 100_000_000,
    unit: 'count',
    reason: 'About 300 bytes each, in memory and in every snapshot.',
  },
  roomsMax: {
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'count',
    reason: 'As accounts; a room is cheap to make.',
  },
  sessionsPerAccountMax: {
    default: 32,
    min: 1,
    max: 1_024,
    unit: 'count',
    reason: 'One per device; with one more, the oldest ends.',
  },
  stateBytesMax: {
    default: 1_073_741_824,
    min: 1_024,
    max: 1_099_511_627_776,
    unit: 'bytes',
    reason: 'Texts and names together live in memory: beyond this, nothing more is taken, and nothing is lost.',
  },
  requestsMax: {
    default: 100_000,
    min: 16,
    max: 10_000_000,
    unit: 'count',
    reason: 'Outcomes kept for retries of requests that leave no message behind; a client tries again for seconds.',
  },
});

/** The resolved settings of `stateConfig`. */
export type StateConfig = ConfigOf<typeof stateConfig.table>;
