import type { BlobStore } from '../store/blob-store.ts';
import type { FrameBuffers } from '../store/frame-buffers.ts';
import type { Budget } from './budget.ts';
import type { TransferConfig } from './config.ts';
import type { Counters } from './counters.ts';
import type { Kind, WireFrame } from './frames.ts';

/** What the transfers of one file server share. */
export interface ServerParts {
  readonly node: string;
  readonly store: BlobStore;
  readonly config: TransferConfig;
  readonly budget: Budget;
  readonly buffers: FrameBuffers;
  /** Copies on their way from other servers, by blob and source; each resolves with the epoch of its order. */
  readonly fetching: Map<string, Promise<number>>;
  /** Puts with content in memory. */
  readonly retaining: Set<{ spill(): void }>;
  readonly counters: Counters;
  /** Of the life that the server is in; 0: it has not joined. */
  readonly incarnation: () => number;
  readonly now: () => number;
  /** A blob here turned out to be damaged. */
  readonly onDamaged: (blob: string) => void;
}

/** The connection that a transfer belongs to. */
export interface ServerSession {
  readonly isClosed: boolean;
  send(kind: Kind, request: number, parts?: readonly Uint8Array[], onSent?: () => void): void;
  writable(): Promise<void>;
  cut(why: string): void;
  /** The transfer is over. */
  forget(request: number): void;
  /** Stops reading while the budget is spent. */
  heedBudget(): void;
}

/** A put or a get under way. */
export interface Transfer {
  heard(frame: WireFrame): void;
  /** What the CRC of content begins with, by its number. */
  seedOf?(index: number): number;
  end(reason: string): void;
  readonly isOver: boolean;
  /** The peer has to do something next. */
  readonly owes: boolean;
  /** When it last did something. */
  readonly movedAt: number;
}
