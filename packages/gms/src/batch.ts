import type { NodeId } from '@grp/core';
import type { Delivery } from './api.ts';
import { eachPayload } from './frames.ts';
import type { Batch } from './row.ts';

/** Several messages in a row that were delivered together, as they came from the network. */
export interface DeliveredBatch {
  /** Sequence of the first message. */
  readonly first: number;
  readonly count: number;
  readonly view: number;
  /**
   * Visits each message: its sequence, its sender, and where its payload lies in `bytes`, which is only lent. For
   * applications that take hundreds of thousands of messages a second, and cannot pay for an object each.
   */
  each(visit: (sequence: number, sender: NodeId, bytes: Uint8Array, start: number, end: number) => void): void;
}

/** A batch of the row as the application sees it. */
export function deliveredBatch(batch: Batch): DeliveredBatch {
  const { first, message, table } = batch;
  return {
    first,
    count: message.count,
    view: table.view.id,
    each: (visit) => eachMessage(batch, visit),
  };
}

/** The messages of a batch, each as an object of its own. */
export function eachDelivery(batch: Batch, take: (delivery: Delivery) => void): void {
  const view = batch.table.view.id;
  eachMessage(batch, (sequence, sender, bytes, start, end) =>
    take({ sequence, view, sender, payload: bytes.subarray(start, end) }),
  );
}

function eachMessage({ first, message, segments, table }: Batch, visit: Parameters<DeliveredBatch['each']>[0]): void {
  const { frame } = message;
  const { members } = table.view;
  let sequence = first;
  for (const segment of segments) {
    const sender = members[segment.rank]?.id ?? ('' as NodeId);
    eachPayload(frame, segment, (start, end) => visit(sequence++, sender, frame, start, end));
  }
}
