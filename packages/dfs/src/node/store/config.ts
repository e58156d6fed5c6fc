import { defineConfig, type ConfigOf } from '@grp/core';

/** Bytes of content under one CRC: on the disk, on the wire and in memory. The last frame of a blob may be shorter. */
export const frameBytes = 1_048_576;

/** Settings of a blob store. */
export const storeConfig = defineConfig(
  {
    smallBlobBytesMax: {
      default: 65_536,
      min: 0,
      max: 1_048_576,
      unit: 'bytes',
      reason: 'Up to here blobs share a log whose room is written ahead, which makes a sync a third cheaper.',
    },
    logBlobBytesMax: {
      default: 4_194_304,
      min: 65_536,
      max: 8_388_608,
      unit: 'bytes',
      reason: 'Larger blobs get a file each: a sync is then little beside the writing, and a removal needs no copying.',
    },
    smallSegmentBytes: {
      default: 67_108_864,
      min: 65_536,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'Some 16,000 blobs of 4 KiB: few files, and a compaction still moves little at a time.',
    },
    bulkSegmentBytes: {
      default: 268_435_456,
      min: 1_048_576,
      max: 2_147_483_648,
      unit: 'bytes',
      reason: 'As above, for blobs of up to 4 MiB.',
    },
    aheadBytes: {
      default: 2_097_152,
      min: 0,
      max: 67_108_864,
      unit: 'bytes',
      reason: 'Zeros written ahead of the log of small blobs: a sync that does not have to record a new file size.',
    },
    batchBytesMax: {
      default: 8_388_608,
      min: 65_536,
      max: 67_108_864,
      unit: 'bytes',
      reason: 'Written at once: what waits beyond goes into the next write, so that nobody waits long for a sync.',
    },
    syncBytes: {
      default: 33_554_432,
      min: 1_048_576,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'A large blob is synced in the background after so many bytes, so that the last sync is short.',
    },
    reserveBytes: {
      default: 268_435_456,
      min: 0,
      max: 1_099_511_627_776,
      unit: 'bytes',
      reason: 'Room that blobs do not take: the metadata log and deletions share the disk and must go on.',
    },
    garbagePercent: {
      default: 50,
      min: 5,
      max: 95,
      unit: 'percent',
      reason: 'A segment is rewritten when so much of it is deleted: space is at most doubled, writing too.',
    },
  },
  [['smallBlobBytesMax must be at most logBlobBytesMax', (c) => c.smallBlobBytesMax <= c.logBlobBytesMax]],
);

/** The settings of a blob store, resolved: see `storeConfig`. */
export type StoreConfig = ConfigOf<typeof storeConfig.table>;
