import { defineConfig, type ConfigOf } from '@grp/core';

const mebibyte = 1_048_576;
const bytesMax = 256 * mebibyte;

const definition = defineConfig({
  stateBytesMax: {
    default: 20 * mebibyte,
    min: 1_024,
    max: bytesMax,
    unit: 'bytes',
    reason: 'one push-pull, nodes and user state together; what memberlist allows',
  },
  nodesMax: {
    default: 1_048_576,
    min: 1,
    max: 16_777_216,
    unit: 'count',
    reason: 'nodes in one push-pull; what memberlist allows',
  },
  userMessageBytesMax: {
    default: 20 * mebibyte,
    min: 1_024,
    max: bytesMax,
    unit: 'bytes',
    reason: 'one user message; as much as a state',
  },
  expandedBytesMax: {
    default: 40 * mebibyte,
    min: 1_024,
    max: bytesMax,
    unit: 'bytes',
    reason: 'what a compressed stream may expand to, so that a few bytes cannot fill the memory; twice a state',
  },
});

/** What a peer may make a stream reader hold. */
export type StreamLimits = ConfigOf<typeof definition.table>;

/** Fills in the defaults. @throws GrpError CONFIG_INVALID */
export function resolveLimits(given: Partial<StreamLimits>): StreamLimits {
  return definition.resolve(given);
}
