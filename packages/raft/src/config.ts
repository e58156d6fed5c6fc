import { defineConfig, type ConfigOf } from '@grp/core';

/** Every timing, count and limit of a server; `lan` values, which `raftPresets` adjust. */
export const raftConfig = defineConfig(
  {
    heartbeatMs: {
      default: 30,
      min: 1,
      max: 60_000,
      unit: 'ms',
      reason: 'A follower hears its leader six times before it doubts.',
    },
    electionTimeoutMs: {
      default: 180,
      min: 5,
      max: 600_000,
      unit: 'ms',
      reason: 'No vote against a leader heard within it; longer than the collection pauses of a busy process.',
    },
    leaderPatienceMs: {
      default: 220,
      min: 0,
      max: 600_000,
      unit: 'ms',
      reason:
        'Silence is borne longer while the connection to the leader stands: it is busy, for death would have closed it.',
    },
    electionStaggerMs: {
      default: 40,
      min: 0,
      max: 60_000,
      unit: 'ms',
      reason: 'Each rank waits this much longer, enough for a vote with an fsync before the next one tries.',
    },
    electionJitterMs: {
      default: 20,
      min: 0,
      max: 600_000,
      unit: 'ms',
      reason: 'Chance on top of the rank, for servers that disagree about the ranks.',
    },
    commitNewsMs: {
      default: 2,
      min: 0,
      max: 1_000,
      unit: 'ms',
      reason: 'News of commits alone wait so long for entries that take them along; clients are answered before.',
    },
    quorumTimeoutMs: {
      default: 400,
      min: 5,
      max: 600_000,
      unit: 'ms',
      reason: 'A leader that has not heard from a quorum for so long gives up (check-quorum, Ongaro 2014 §6.2).',
    },
    clockDriftMax: {
      default: 0.1,
      min: 0,
      max: 0.9,
      unit: 'share',
      reason: 'Leases end this share early; clocks drift by millionths, virtual machines by a little more.',
      fraction: true,
    },
    storageStallMs: {
      default: 500,
      min: 5,
      max: 600_000,
      unit: 'ms',
      reason: 'A leader whose disk is silent for so long hands over; a majority of other disks commits meanwhile.',
    },
    transferTimeoutMs: {
      default: 300,
      min: 5,
      max: 600_000,
      unit: 'ms',
      reason: 'A handover that takes longer is given up; proposals wait elsewhere meanwhile.',
    },
    takeoverStableMs: {
      default: 2_000,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A voter of higher priority takes over after being caught up for so long.',
    },
    recoveryIntervalMs: {
      default: 100,
      min: 5,
      max: 600_000,
      unit: 'ms',
      reason: 'How often a server that lost part of its log asks the others.',
    },
    appendBytesMax: {
      default: 262_144,
      min: 1,
      max: 16_777_216,
      unit: 'bytes',
      reason: 'Entries in one message; at least one entry is always sent.',
    },
    inflightMax: {
      default: 256,
      min: 1,
      max: 65_536,
      unit: 'messages',
      reason: 'Appends to one peer that are not answered yet.',
    },
    inflightBytesMax: {
      default: 8_388_608,
      min: 1,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'The same in bytes: a fast link at 60 ms round trip stays full.',
    },
    uncommittedBytesMax: {
      default: 33_554_432,
      min: 1,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'Proposals that no quorum has yet; more are refused.',
    },
    readsMax: { default: 65_536, min: 1, max: 1_048_576, unit: 'reads', reason: 'Reads that wait; more are refused.' },
    applyBytesMax: {
      default: 4_194_304,
      min: 1,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'Entries handed to the state machine and not yet applied.',
    },
    cacheBytesMax: {
      default: 16_777_216,
      min: 0,
      max: 4_294_967_296,
      unit: 'bytes',
      reason: 'Durable, applied entries kept in memory for followers that are a little behind.',
    },
    snapshotEntries: {
      default: 100_000,
      min: 1,
      max: 1_000_000_000,
      unit: 'entries',
      reason: 'A snapshot is taken after so many entries: a restart replays no more than these.',
    },
    snapshotBytes: {
      default: 134_217_728,
      min: 1,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'Or after so many bytes of entries: two segments of the log.',
    },
    trailingEntries: {
      default: 10_000,
      min: 0,
      max: 1_000_000_000,
      unit: 'entries',
      reason: 'Kept before a snapshot, so that a follower that was away for seconds needs no snapshot.',
    },
    chunkBytes: {
      default: 524_288,
      min: 1,
      max: 16_777_216,
      unit: 'bytes',
      reason: 'One piece of a snapshot; one is on its way at a time.',
    },
    caughtUpEntries: {
      default: 1_000,
      min: 0,
      max: 1_000_000_000,
      unit: 'entries',
      reason: 'A learner that is at most so far behind may become a voter (§6).',
    },
    preVote: { default: true, reason: 'Whoever cannot win must not disturb (Ongaro 2014, §9.6).' },
    checkQuorum: { default: true, reason: 'A leader that nobody hears must not keep its clients waiting.' },
    priorityElections: { default: true, reason: 'The highest id among the up-to-date servers leads.' },
  },
  [
    ['heartbeatMs must be at most a third of electionTimeoutMs', (c) => c.heartbeatMs * 3 <= c.electionTimeoutMs],
    ['quorumTimeoutMs must be at least electionTimeoutMs', (c) => c.quorumTimeoutMs >= c.electionTimeoutMs],
    ['appendBytesMax must be at most inflightBytesMax', (c) => c.appendBytesMax <= c.inflightBytesMax],
  ],
);

/** The settings of a server, resolved: see `raftConfig`. */
export type RaftConfig = ConfigOf<typeof raftConfig.table>;
/** The name of a set of timings: see `raftPresets`. */
export type RaftPreset = 'lan' | 'wan';

/** Timings by distance. `lan`: one building, a leader's death costs about 220 ms. `wan`: round trips up to 150 ms. */
export const raftPresets: Readonly<Record<RaftPreset, Partial<RaftConfig>>> = {
  lan: {},
  wan: {
    heartbeatMs: 150,
    electionTimeoutMs: 1_200,
    leaderPatienceMs: 0,
    electionStaggerMs: 350,
    electionJitterMs: 100,
    quorumTimeoutMs: 2_400,
    storageStallMs: 1_000,
    transferTimeoutMs: 1_500,
    takeoverStableMs: 10_000,
    recoveryIntervalMs: 500,
  },
};
