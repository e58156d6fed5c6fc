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
  const clocks = new Map<string, Record<string, number>>();
  const departed = new Map<number, VectorClock>();
  for (const event of events) {
    if (event.lane === '') continue;
    const clock = clocks.get(event.lane) ?? {};
    clocks.set(event.lane, clock);
    if (event.type === 'arrival')
      for (const [lane, count] of Object.entries(departed.get(event.serial) ?? {}))
        clock[lane] = Math.max(clock[lane] ?? 0, count);
    clock[event.lane] = (clock[event.lane] ?? 0) + 1;
    const now = { ...clock };
    if (event.type === 'departure') departed.set(event.serial, now);
    yield { event, clock: now };
  }
}
