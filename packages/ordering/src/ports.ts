import type { Address, Cancel } from '@grp/core';

/**
 * What ordering asks of the network below it; `@grp/link` fits. Nothing is taken for granted: what is lost, doubled or
 * out of order is mended here too, only more slowly than a link would.
 */
export interface Links {
  readonly self: Address;
  /** False: the queue to this peer is full and nothing was queued; `onWritable` tells when there is room. */
  send(to: Address, message: Uint8Array): boolean;
  /** The message is the listener's to keep. One listener at a time. */
  onReceive(listener: (from: Address, message: Uint8Array) => void): Cancel;
  onWritable(listener: (peer: Address) => void): Cancel;
  /** What was under way to or from this peer may be lost. */
  onReset(listener: (peer: Address) => void): Cancel;
  /** Sends now what would leave at the end of this turn; called after each step that waited for the end of a turn. */
  flush?(): void;
}
