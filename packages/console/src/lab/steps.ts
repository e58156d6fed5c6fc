import { firstFrom, type Diagram } from './diagram.ts';

/** The next instant at which something happens, or the one before; the ends stay. */
export function neighbour({ instants, endsAt }: Diagram, at: number, direction: 1 | -1): number {
  if (direction === 1) return instants[firstFrom(instants, at + 0.001, (one) => one)] ?? endsAt;
  return instants[firstFrom(instants, at - 0.001, (one) => one) - 1] ?? 0;
}

/** The stretch worth looking at first: from the start to a little after the last thing that is no repetition. */
export function interestingUntil({ messages, points, endsAt }: Diagram): number {
  const lastPoint = points.findLast(({ kind }) => kind !== 'receive' && kind !== 'trouble')?.at ?? 0;
  const lastNews =
    messages.findLast(({ isRepeat, kind }) => !isRepeat && kind !== 'ack' && kind !== 'control')?.sentAt ?? 0;
  return Math.min(endsAt, Math.max(lastPoint, Math.min(lastNews, lastPoint * 2 + 50), 50) * 1.05);
}
