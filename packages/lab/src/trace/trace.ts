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

/**
 * An order that could have been: each process keeps its own (by time, then as given), and every departure comes before its
 * arrival (Lamport 1978, "happened before"). Times move forward where they contradict that, and nowhere else. Where the
 * order itself contradicts it, two messages were taken for each other: such an arrival loses its departure.
 */
export function inOrder(events: readonly SpaceTimeEvent[]): readonly SpaceTimeEvent[] {
  const order = new CausalOrder(events);
  for (const event of events.toSorted((a, b) => a.at - b.at)) order.take(event);
  return order.finish();
}

/** Events come in by time, and go out when what they follow from is out. */
class CausalOrder {
  readonly #out: SpaceTimeEvent[] = [];
  readonly #lanes = new Map<string, { lastAt: number; readonly waiting: SpaceTimeEvent[] }>();
  /** When each departure went out; undefined: not yet. */
  readonly #departedAt = new Map<number, number | undefined>();
  /** Lanes whose next event is the arrival of a departure that is not out yet. */
  readonly #lanesAfter = new Map<number, string[]>();

  constructor(events: readonly SpaceTimeEvent[]) {
    for (const event of events) if (event.type === 'departure') this.#departedAt.set(event.serial, undefined);
  }

  take(event: SpaceTimeEvent): void {
    const { waiting } = this.#laneOf(event.lane);
    waiting.push(event);
    if (waiting.length === 1) this.#advance([event.lane]);
  }

  finish(): readonly SpaceTimeEvent[] {
    for (let stuck = this.#stuck(); stuck !== undefined; stuck = this.#stuck()) {
      const [arrival] = stuck.waiting;
      if (arrival?.type !== 'arrival') break;
      stuck.waiting[0] = { ...arrival, serial: -1 - arrival.serial };
      this.#advance([arrival.lane]);
    }
    return this.#out.toSorted((a, b) => a.at - b.at);
  }

  #laneOf(lane: string) {
    const known = this.#lanes.get(lane) ?? { lastAt: 0, waiting: [] };
    this.#lanes.set(lane, known);
    return known;
  }

  #advance(lanes: string[]): void {
    for (let name = lanes.pop(); name !== undefined; name = lanes.pop()) {
      const lane = this.#laneOf(name);
      let count = 0;
      for (const event of lane.waiting) {
        const freed = this.#emit(event, lane);
        if (freed === undefined) break;
        count++;
        lanes.push(...freed);
      }
      lane.waiting.splice(0, count);
    }
  }

  /** Who waited for this event; undefined when it has to wait itself. */
  #emit(event: SpaceTimeEvent, lane: { lastAt: number }): readonly string[] | undefined {
    let at = Math.max(event.at, lane.lastAt);
    if (event.type === 'arrival' && this.#departedAt.has(event.serial)) {
      const departedAt = this.#departedAt.get(event.serial);
      if (departedAt === undefined) {
        const others = this.#lanesAfter.get(event.serial) ?? [];
        this.#lanesAfter.set(event.serial, [...others, event.lane]);
        return undefined;
      }
      at = Math.max(at, departedAt);
    }
    lane.lastAt = at;
    this.#out.push(at === event.at ? event : { ...event, at });
    if (event.type !== 'departure') return [];
    this.#departedAt.set(event.serial, at);
    const freed = this.#lanesAfter.get(event.serial) ?? [];
    this.#lanesAfter.delete(event.serial);
    return freed;
  }

  #stuck() {
    return [...this.#lanes.values()]
      .filter(({ waiting }) => waiting.length > 0)
      .toSorted((a, b) => (a.waiting[0]?.at ?? 0) - (b.waiting[0]?.at ?? 0))[0];
  }
}
