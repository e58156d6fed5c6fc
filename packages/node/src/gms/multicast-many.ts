import type { Group, Receipt } from '@grp/gms';

export interface MulticastManyOptions {
  readonly payload: Uint8Array;
  readonly count: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface MulticastManyResult {
  readonly first: Receipt;
  readonly last: Receipt;
}

/** Messages on their way at once: enough to fill the batches, few enough not to fill the group's queue. */
const outstandingMax = 256;

/** Multicasts the same payload `count` times, and resolves when the last one has been delivered here. */
export async function multicastMany(group: Group, options: MulticastManyOptions): Promise<MulticastManyResult> {
  const { payload, count, timeoutMs, signal } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let first: Receipt | undefined;
  let last: Receipt | undefined;
  for (let sent = 0; sent < count; sent += outstandingMax) {
    const size = Math.min(outstandingMax, count - sent);
    const receipts = await Promise.all(Array.from({ length: size }, () => group.multicast(payload, { signal: limit })));
    first ??= receipts[0];
    last = receipts.at(-1);
  }
  return { first: first as Receipt, last: last as Receipt };
}
