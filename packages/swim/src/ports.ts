import type { Address } from '@grp/core';

/** The addresses behind seeds, and the seeds without any. */
export interface ResolvedSeeds {
  readonly addresses: readonly Address[];
  readonly failures: readonly { readonly seed: string; readonly code: string; readonly message: string }[];
}

/** Turns what people write (`host:port`, names, SRV records) into addresses. Never rejects: failures are listed. */
export type SeedResolver = (seeds: readonly string[]) => Promise<ResolvedSeeds>;
