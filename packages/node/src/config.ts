import { defineConfig, type ConfigOf } from '@grp/core';

/** Limits and timings of a node. Protocol settings (swim's, for instance) are those of their packages. */
export const nodeConfig = defineConfig(
  {
    leaveTimeoutMs: {
      default: 5_000,
      min: 0,
      max: 120_000,
      unit: 'ms',
      reason: 'A leave is out within about a second on a LAN; five cover a slow network and still please an operator.',
    },
    joinTimeoutMs: {
      default: 5_000,
      min: 100,
      max: 120_000,
      unit: 'ms',
      reason: 'One attempt: DNS, TCP and the exchange of lists; a retry follows anyway.',
    },
    joinRetryMinMs: {
      default: 250,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'Nodes of one cluster often start together: the seed is there a moment later.',
    },
    joinRetryMaxMs: {
      default: 10_000,
      min: 10,
      max: 600_000,
      unit: 'ms',
      reason: 'A seed that comes back is found within ten seconds, at the price of one small attempt each.',
    },
    multicastTimeoutMs: {
      default: 10_000,
      min: 100,
      max: 3_600_000,
      unit: 'ms',
      reason: 'Longer than a change of leaders takes; a minority says so at once and is not waited for.',
    },
    peersWriteMs: {
      default: 10_000,
      min: 100,
      max: 3_600_000,
      unit: 'ms',
      reason: 'The snapshot only needs a few living peers; ten seconds keep the disk quiet under churn.',
    },
    bodyBytesMax: {
      default: 65_536,
      min: 1_024,
      max: 16_777_216,
      unit: 'bytes',
      reason: 'The longest sensible body is a fault rule with a few hundred addresses.',
    },
    connectionsMax: {
      default: 256,
      min: 4,
      max: 65_536,
      unit: 'count',
      reason: 'HTTP is for operators, probes and scrapers, not for traffic.',
    },
    requestTimeoutMs: {
      default: 10_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      reason: 'A client that sends its request slower than this is broken or hostile.',
    },
    eventClientsMax: {
      default: 64,
      min: 1,
      max: 4_096,
      unit: 'count',
      reason: 'Each stream may hold eventBufferBytesMax.',
    },
    eventBufferMax: {
      default: 1_024,
      min: 1,
      max: 65_536,
      unit: 'events',
      reason: 'A slow reader of a thousand-member cluster survives one full round of news.',
    },
    eventBufferBytesMax: {
      default: 1_048_576,
      min: 4_096,
      max: 67_108_864,
      unit: 'bytes',
      reason: 'Bounds the memory of all streams together to 64 MiB.',
    },
    recordBytesMax: {
      default: 67_108_864,
      min: 65_536,
      max: 17_179_869_184,
      unit: 'bytes',
      reason:
        'About half a million events: hours of a quiet node, a minute of a busy one; a forgotten recorder fills no disk.',
    },
    recordBufferBytesMax: {
      default: 4_194_304,
      min: 65_536,
      max: 268_435_456,
      unit: 'bytes',
      reason: 'What a burst writes while the disk is slow; beyond it events are counted instead of kept.',
    },
    transfersMax: {
      default: 64,
      min: 1,
      max: 4_096,
      unit: 'count',
      reason: 'Files that are put or read through HTTP at a time: each may hold some megabytes.',
    },
    transferStallMs: {
      default: 35_000,
      min: 100,
      max: 3_600_000,
      unit: 'ms',
      reason:
        'A client that neither sends nor takes anything of a file for so long is cut off: a little later than the store itself gives up, so that its answer is heard.',
    },
    dfsScrubIntervalMs: {
      default: 3_600_000,
      min: 100,
      max: 2_147_483_647,
      unit: 'ms',
      reason: 'Pause between two passes over all blobs of a node: rot is rare, and reads find it, too.',
    },
    dfsScrubBytesPerSecond: {
      default: 20_971_520,
      min: 1_024,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'A tenth of a slow disk: a terabyte takes half a day, and nobody feels it.',
    },
    eventPingMs: {
      default: 15_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      reason: 'Below the 30 to 60 s after which proxies cut a silent stream.',
    },
  },
  [['joinRetryMinMs must not exceed joinRetryMaxMs', (config) => config.joinRetryMinMs <= config.joinRetryMaxMs]],
);

/** The resolved settings of `nodeConfig`. */
export type NodeConfig = ConfigOf<typeof nodeConfig.table>;
