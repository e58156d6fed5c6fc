import type { BlobStore } from '../store/blob-store.ts';
import type { Frame } from '../store/blob-writer.ts';
import type { FrameBuffer, FrameBuffers } from '../store/frame-buffers.ts';
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

/** Content as the store takes it: in a buffer when it came in one, and at the end of a blob whose other frames did. */
export function storable(
  { crc, parts, bytes, keep }: Pick<Frame, 'crc' | 'parts' | 'bytes'> & Pick<WireFrame, 'keep'>,
  index: number,
  buffers: FrameBuffers,
): Frame {
  const buffer = keep?.() ?? (index > 0 ? copied(parts, buffers) : undefined);
  if (buffer === undefined) return { crc, parts, bytes };
  return { crc, parts: [buffer.content.subarray(0, bytes)], bytes, buffer, onFree: () => buffers.giveBack(buffer) };
}

/** What a frame takes of memory, which a short one in a buffer does not show. */
export function memoryOf({ bytes, buffer }: Frame): number {
  return buffer?.all.length ?? bytes;
}

function copied(parts: readonly Uint8Array[], buffers: FrameBuffers): FrameBuffer {
  const buffer = buffers.take();
  let at = 0;
  for (const part of parts) {
    buffer.content.set(part, at);
    at += part.length;
  }
  return buffer;
}
