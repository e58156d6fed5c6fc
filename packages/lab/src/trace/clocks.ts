import type { SpaceTimeEvent } from '../spacetime/events.ts';

/** A vector clock: how many events of each process come before, this one included (Mattern 1989, Fidge 1988). */
export type VectorClock = Readonly<Record<string, number>>;

/**
 * The vector clock of every event with a lane, in order. Each event is one step of its process; an arrival also knows all
 * that its departure knew. Expects departures before their arrivals.
 */
export function* vectorClocks(
  events: readonly SpaceTimeEvent[],
): Generator<{ readonly event: SpaceTimeEvent; readonly clock: VectorClock }> {
  const clocks = new Map<string, Map<string, number>>();
  const departed = new Map<number, ReadonlyMap<string, number>>();
  for (const event of events) {
    if (event.lane === '') continue;
    const clock = clocks.get(event.lane) ?? new Map<string, number>();
    clocks.set(event.lane, clock);
    if (event.type === 'arrival')
      for (const [lane, count] of departed.get(event.serial) ?? [])
        clock.set(lane, Math.max(clock.get(lane) ?? 0, count));
    clock.set(event.lane, (clock.get(event.lane) ?? 0) + 1);
    if (event.type === 'departure') departed.set(event.serial, new Map(clock));
    yield { event, clock: Object.fromEntries(clock) };
  }
}
