import type { Diagram, MessageLine } from './diagram.ts';

/** What may have caused an instant of a process, and what it may have caused (Lamport's "happened before", 1978). */
export interface Cone {
  /** Lane → up to when its past reaches; lanes without one are missing. */
  readonly past: ReadonlyMap<number, number>;
  /** Lane → from when on its future begins. */
  readonly future: ReadonlyMap<number, number>;
}

/** The causal past and future of one lane at one instant, along messages that arrived. */
export function coneOf({ messages }: Pick<Diagram, 'messages'>, lane: number, at: number): Cone {
  const future = new Map([[lane, at]]);
  // By departure: what a message brings about left later than it came.
  for (const { from, to, sentAt, receivedAt } of messages)
    if (receivedAt !== undefined && sentAt >= (future.get(from) ?? Infinity))
      future.set(to, Math.min(future.get(to) ?? Infinity, receivedAt));
  const past = new Map([[lane, at]]);
  const arrived = messages.filter((line): line is Arrived => line.receivedAt !== undefined);
  for (const { from, to, sentAt, receivedAt } of arrived.toSorted((a, b) => b.receivedAt - a.receivedAt))
    if (receivedAt <= (past.get(to) ?? -Infinity)) past.set(from, Math.max(past.get(from) ?? -Infinity, sentAt));
  return { past, future };
}

/** Whether a message is part of the past or the future. */
export function isInCone({ past, future }: Cone, { from, to, sentAt, receivedAt = Infinity }: MessageLine): boolean {
  return receivedAt <= (past.get(to) ?? -Infinity) || sentAt >= (future.get(from) ?? Infinity);
}

type Arrived = MessageLine & { readonly receivedAt: number };
