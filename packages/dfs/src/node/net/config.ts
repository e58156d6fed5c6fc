import { defineConfig, type ConfigOf } from '@grp/core';

/** Settings of what goes between clients and file servers, and among file servers. */
export const transferConfig = defineConfig(
  {
    windowBytes: {
      default: 8_388_608,
      min: 1_048_576,
      max: 268_435_456,
      unit: 'bytes',
      reason:
        'On their way in one transfer: some 20 ms of a fast disk. Whoever sends more than it was granted is cut off.',
    },
    budgetBytes: {
      default: 67_108_864,
      min: 4_194_304,
      max: 17_179_869_184,
      unit: 'bytes',
      reason: 'Held in memory for all transfers of a node together; beyond it connections are read no further.',
    },
    connectionsMax: {
      default: 512,
      min: 1,
      max: 65_536,
      unit: 'count',
      reason: 'Accepted at a time; each costs some 30 KB, and a frame while one is under way.',
    },
    transfersMax: {
      default: 1_024,
      min: 1,
      max: 65_536,
      unit: 'count',
      reason: 'Puts and gets of one connection at a time; one more is told DFS_BUSY.',
    },
    stallMs: {
      default: 30_000,
      min: 10,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A peer that owes something and moves nothing for so long is cut off, and its unfinished blob forgotten.',
    },
    dialMs: {
      default: 2_000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'To connect and to be greeted; a host that is gone does not say so.',
    },
    requestMs: {
      default: 10_000,
      min: 10,
      max: 3_600_000,
      unit: 'ms',
      reason: 'For the answer to a request that carries no content. Twice what the metadata takes at most.',
    },
    idleMs: {
      default: 30_000,
      min: 10,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A connection that nobody uses is kept so long for the next transfer.',
    },
  },
  [['windowBytes must be at most budgetBytes', (c) => c.windowBytes <= c.budgetBytes]],
);

/** The settings of transfers between clients and file servers, resolved: see `transferConfig`. */
export type TransferConfig = ConfigOf<typeof transferConfig.table>;
