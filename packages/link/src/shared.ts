import type { ChunkPool } from './chunks.ts';
import type { LinkSettings } from './config.ts';
import type { Peer } from './peer.ts';
import type { ReassemblyBudget } from './reassembly.ts';

/** What all peers of one node have in common. */
export interface Shared {
  readonly settings: LinkSettings;
  readonly datagramBytes: number;
  readonly pool: ChunkPool;
  readonly budget: ReassemblyBudget;
  readonly deliver: (peer: Peer, message: Uint8Array) => void;
}
