import { defineConfig, type ConfigOf } from '@grp/core';

/** Limits of the replicated state. All nodes of a cluster must agree on them: they decide what a command does. */
export const metaConfig = defineConfig({
  keepVersions: {
    default: 5,
    min: 1,
    max: 1_000,
    unit: 'count',
    reason: 'Versions of a file that are kept when no put said otherwise.',
  },
  filesMax: {
    default: 1_000_000,
    min: 1,
    max: 100_000_000,
    unit: 'count',
    reason: 'About 1 KiB each, in memory and in every snapshot.',
  },
  quotaBytes: {
    default: Number.MAX_SAFE_INTEGER,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'bytes',
    reason: 'All versions of all files together, each counted once however many replicas it has. Default: no quota.',
  },
  requestsMax: {
    default: 65_536,
    min: 16,
    max: 10_000_000,
    unit: 'count',
    reason: 'Outcomes kept for retries: 16 seconds of 4,000 puts a second; a client tries again for less.',
  },
  tombstonesMax: {
    default: 65_536,
    min: 16,
    max: 10_000_000,
    unit: 'count',
    reason:
      'Blobs given up that are remembered one by one; puts opened before the oldest that was forgotten are refused.',
  },
});

/** The limits of the metadata, resolved: see `metaConfig`. */
export type MetaConfig = ConfigOf<typeof metaConfig.table>;

/** Settings of the metadata service on each node. */
export const serviceConfig = defineConfig({
  requestsWaitingMax: {
    default: 8_192,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    reason: 'Requests that wait for the log; one more is told DFS_BUSY. Two seconds of 4,000 puts a second.',
  },
  entryCommandsMax: {
    default: 128,
    min: 1,
    max: 4_096,
    unit: 'count',
    reason: 'Commands that share one log entry: each costs about 200 bytes, and a round trip is paid once.',
  },
  entriesInFlightMax: {
    default: 2,
    min: 1,
    max: 64,
    unit: 'count',
    reason: 'Entries on their way at a time; what arrives meanwhile makes the next entry larger.',
  },
  requestTimeoutMs: {
    default: 5_000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    reason: 'After that the log has not answered: the outcome is reported as unknown.',
  },
  replicasDefault: {
    default: 3,
    min: 1,
    max: 16,
    unit: 'count',
    reason: 'Two may fail at different times, one at any time.',
  },
  reserveBytes: {
    default: 67_108_864,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'bytes',
    reason: 'A server with less room is not chosen: what it is writing already must still fit.',
  },
});

/** The settings of the metadata service, resolved: see `serviceConfig`. */
export type ServiceConfig = ConfigOf<typeof serviceConfig.table>;

/** Settings of the master, the node that leads the metadata's log. */
export const masterConfig = defineConfig(
  {
    graceMs: {
      default: 3_000,
      min: 0,
      max: 86_400_000,
      unit: 'ms',
      reason: 'A server that is back within it has lost nothing; longer than a garbage collection or a short cut.',
    },
    settleMs: {
      default: 1_000,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A new version waits so long for the replica that its writer is still sending before it is repaired.',
    },
    copyTimeoutMs: {
      default: 5_000,
      min: 10,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A copy of nothing; a larger one has more time, see copyBytesPerSecondMin.',
    },
    copyBytesPerSecondMin: {
      default: 4_194_304,
      min: 1,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'A copy slower than that is taken for stuck and begun elsewhere.',
    },
    copiesMax: {
      default: 32,
      min: 1,
      max: 10_000,
      unit: 'count',
      reason: 'Copies under way at a time, in the whole store.',
    },
    copiesPerServerMax: {
      default: 8,
      min: 1,
      max: 1_000,
      unit: 'count',
      reason: 'From or to one server: its clients want its disk, too.',
    },
    repairBytesPerSecond: {
      default: 209_715_200,
      min: 1,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'Of the whole store: 40 MB take 0.2 s, and a 10-gigabit network keeps more than half for clients.',
    },
    repairBurstBytes: {
      default: 67_108_864,
      min: 1,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'Repaired at once, before the rate begins to count.',
    },
    retryMs: {
      default: 1_000,
      min: 1,
      max: 3_600_000,
      unit: 'ms',
      reason: 'After a copy or deletion that failed, before the same is tried again.',
    },
    deletionsPerRequestMax: {
      default: 1_000,
      min: 1,
      max: 10_000,
      unit: 'count',
      reason: 'Blobs that one request tells a server to delete.',
    },
    orphanGraceMs: {
      default: 600_000,
      min: 1,
      max: 86_400_000,
      unit: 'ms',
      reason: 'A blob of no version is a put under way; after that long it is one that died.',
    },
    removedKeepMs: {
      default: 3_600_000,
      min: 0,
      max: 31_536_000_000,
      unit: 'ms',
      reason: 'The versions of a removed file can still be read so long; then their room is used again.',
    },
    rebalanceIntervalMs: {
      default: 1_000,
      min: 10,
      max: 86_400_000,
      unit: 'ms',
      reason: 'Between two looks whether a server holds much more than another.',
    },
    rebalanceSpread: {
      default: 0.1,
      min: 0.01,
      max: 1,
      unit: 'share',
      reason: 'The fullest server may hold so much more than the emptiest, as a share of the mean.',
      fraction: true,
    },
  },
  [
    [
      'repairBurstBytes must be at least a hundredth of repairBytesPerSecond',
      (c) => c.repairBurstBytes * 100 >= c.repairBytesPerSecond,
    ],
  ],
);

/** The settings of the master, resolved: see `masterConfig`. */
export type MasterConfig = ConfigOf<typeof masterConfig.table>;

/** Settings of puts and gets. */
export const clientConfig = defineConfig({
  stallMs: {
    default: 100,
    min: 1,
    max: 60_000,
    unit: 'ms',
    reason:
      'A server that moves nothing for so long while it should is passed by: well below the 250 ms that nobody should wait.',
  },
  putTimeoutMs: {
    default: 30_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    reason: 'Without any progress, a put gives up.',
  },
  getTimeoutMs: {
    default: 30_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    reason: 'Without any progress, a get gives up.',
  },
  retryMs: {
    default: 50,
    min: 1,
    max: 60_000,
    unit: 'ms',
    reason: 'First pause before a request is sent again; it doubles.',
  },
  retryMaxMs: { default: 1_000, min: 1, max: 60_000, unit: 'ms', reason: 'The longest pause.' },
  lagBytesMax: {
    default: 16_777_216,
    min: 65_536,
    max: 1_073_741_824,
    unit: 'bytes',
    reason: 'Kept in memory for a replica that falls behind; one that falls further behind is given up.',
  },
  windowBytes: {
    default: 8_388_608,
    min: 65_536,
    max: 1_073_741_824,
    unit: 'bytes',
    reason: 'Read from the source ahead of what the replicas have taken.',
  },
  lateMs: {
    default: 5_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    reason: 'After the put is done, its last replica may still finish so long; then repair makes one.',
  },
});

/** The settings of a client, resolved: see `clientConfig`. */
export type ClientConfig = ConfigOf<typeof clientConfig.table>;
