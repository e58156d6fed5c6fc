import { defineConfig, type ConfigOf } from '@grp/core';

/** Opaque bytes that change rarely (term and vote); two copies of them fit in one slot of the state file. */
export const hardStateBytesMax = 1_024;

// What a segment holds besides entries: header, start frame, terminator, seal.
const overheadBytes = 4_096;

/** Settings of a log. */
export const logConfig = defineConfig(
  {
    segmentBytes: {
      default: 67_108_864,
      min: 8_192,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'A full log changes files about once in 200,000 small entries; one such file is kept ready.',
    },
    firstSegmentBytes: {
      default: 4_194_304,
      min: 8_192,
      max: 1_073_741_824,
      unit: 'bytes',
      reason:
        'Each start begins a segment of this size, and each next one is four times as large: small logs stay small.',
    },
    entryBytesMax: {
      default: 1_048_576,
      min: 64,
      max: 16_777_216,
      unit: 'bytes',
      reason: 'One payload. Larger things are snapshots and blobs.',
    },
    batchBytesMax: {
      default: 1_048_576,
      min: 1_024,
      max: 67_108_864,
      unit: 'bytes',
      reason: 'Written and synced at once: 3 ms on the reference disk. What waits beyond goes into the next batch.',
    },
    queueBytesMax: {
      default: 16_777_216,
      min: 1_024,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'Accepted and not durable yet. One more append is refused with STORAGE_BUSY.',
    },
    cacheBytesMax: {
      default: 16_777_216,
      min: 0,
      max: 4_294_967_296,
      unit: 'bytes',
      reason: 'The newest entries kept in memory, which followers that keep up are served from.',
    },
    fullRetryMs: {
      default: 1_000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'How often a full disk is asked again whether there is room.',
    },
  },
  [
    ['firstSegmentBytes must be at most segmentBytes', (c) => c.firstSegmentBytes <= c.segmentBytes],
    [
      'batchBytesMax, twice entryBytesMax and 4,096 bytes must fit into firstSegmentBytes',
      (c) => c.batchBytesMax + 2 * c.entryBytesMax + overheadBytes <= c.firstSegmentBytes,
    ],
  ],
);

/** The settings of a log, resolved: see `logConfig`. */
export type LogConfig = ConfigOf<typeof logConfig.table>;
