import { tryParseAddress } from '@grp/core';

/** Whether a seed can be one. `srv:` asks for SRV records; what the name service says is the join's business. */
export function isSeed(seed: string): boolean {
  return tryParseAddress(seed.replace(/^srv:/, ''), 7946) !== undefined;
}
