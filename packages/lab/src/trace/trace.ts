import type { Operation } from '@grp/sim';
import type { SpaceTimeEvent } from '../spacetime/events.ts';

/** What happened in a run, simulated or recorded: what every diagram and every export is made from. */
export interface LabTrace {
  readonly title: string;
  readonly origin: 'simulation' | 'recording';
  /** The processes, in the order in which they are drawn. */
  readonly lanes: readonly string[];
  /** By time: ms since the beginning of the trace. An arrival is never before its departure. */
  readonly events: readonly SpaceTimeEvent[];
  /** What clients asked and heard, where the run had clients. */
  readonly operations: readonly Operation[];
  /** Events that happened and are not here, because a limit was reached. */
  readonly omittedCount: number;
}

/** The lanes that events speak of, those of `first` before all others. Marks without a lane belong to none. */
export function lanesOf(events: readonly SpaceTimeEvent[], first: readonly string[] = []): readonly string[] {
  const lanes = new Set(first);
  for (const event of events) {
    if (event.lane !== '') lanes.add(event.lane);
    if (event.type === 'departure') lanes.add(event.to);
  }
  return [...lanes];
}

/** An order by time in which every departure comes before its arrivals, and what happened at one instant keeps its order. */
export function inOrder(events: readonly SpaceTimeEvent[]): readonly SpaceTimeEvent[] {
  const departedAt = new Map<number, number>();
  for (const event of events) if (event.type === 'departure') departedAt.set(event.serial, event.at);
  const rank = (event: SpaceTimeEvent): number => (event.type === 'arrival' ? 1 : 0);
  return events
    .map((event) => {
      if (event.type !== 'arrival') return event;
      const earliest = departedAt.get(event.serial) ?? event.at;
      return event.at < earliest ? { ...event, at: earliest } : event;
    })
    .map((event, index) => ({ event, index }))
    .toSorted((a, b) => a.event.at - b.event.at || rank(a.event) - rank(b.event) || a.index - b.index)
    .map(({ event }) => event);
}
