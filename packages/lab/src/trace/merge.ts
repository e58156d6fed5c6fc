import type { Operation } from '@grp/sim';
import type { SpaceTimeEvent } from '../spacetime/events.ts';
import type { NodeRecording, RecordedArrival, RecordedDeparture, RecordedEvent } from './recording.ts';
import { inOrder, lanesOf, type LabTrace } from './trace.ts';

interface Placed<Event> {
  readonly event: Event;
  readonly lane: string;
  /** Index of the recording; its clock is the one that `at` was read from. */
  readonly of: number;
  /** Unix ms. */
  readonly at: number;
}

/** A message that two recordings have. */
interface Pair {
  readonly sent: Placed<RecordedDeparture>;
  readonly received: Placed<RecordedArrival>;
}

// Two clocks of one host may differ by so much when they are read.
const slackMs = 2;
const inOrderRoles = new Set(['gms', 'raft']);

/**
 * The recordings of several nodes as one trace. A message is found again by its key. Clocks are moved only where a
 * message would otherwise arrive before it was sent: then by half of what the fastest messages of both ways differ (the
 * rule of NTP, Mills 1985). Each node's events keep the order of its file, and departures come before their arrivals
 * (`inOrder`). A peer without a recording has a lane, and its messages take no time. Several recordings may be of one
 * node: its lives.
 */
export function mergeRecordings(recordings: readonly NodeRecording[]): LabTrace {
  const resolve = resolver(recordings);
  const placed = recordings.flatMap(({ head, events }, of) =>
    events.map((event) => ({ event, lane: head.name, of, at: head.wallMs + event.at })),
  );
  const groups = alike(placed, resolve);
  const offsets = clockOffsets(surePairs(groups), recordings.length);
  const time = (of: number, wallMs: number): number => wallMs - (offsets[of] ?? 0);
  const startsAt = Math.min(...recordings.map(({ head }, of) => time(of, head.wallMs)));
  const at = (of: number, wallMs: number): number => Math.max(0, time(of, wallMs) - startsAt);
  const names = [...new Set(recordings.map(({ head }) => head.name))];
  const drawn = draw({ placed, pairs: matched(groups, time), resolve, known: new Set(names), at });
  const ordered = inOrder(drawn);
  return {
    title: `recording of ${names.join(', ')}`,
    origin: 'recording',
    lanes: lanesOf(ordered, names),
    events: ordered,
    operations: placed.flatMap(({ event, lane, of, at: wallMs }) =>
      event.type === 'operation' ? [moved(event.operation, lane, at(of, wallMs) - event.at)] : [],
    ),
    omittedCount: recordings.reduce((sum, { omittedCount }) => sum + omittedCount, 0),
  };
}

function moved(operation: Operation, node: string, byMs: number): Operation {
  return {
    ...operation,
    process: `${node}/${operation.process}`,
    call: operation.call + byMs,
    return: operation.return === null ? null : operation.return + byMs,
  };
}

/** Who listens at an address, or has an id: the name of its node; else the text itself. */
function resolver(recordings: readonly NodeRecording[]): (text: string) => string {
  const names = new Map<string, string>();
  for (const { head } of recordings)
    for (const text of [head.name, head.id, ...Object.values(head.addresses)]) names.set(text, head.name);
  // A server of raft that was not there at the beginning is called by its node and eight digits: `n4.d36f29c2`.
  return (text) => names.get(text) ?? names.get(text.replace(/\.[0-9a-f]{8}$/, '')) ?? text;
}

/** Departures and arrivals that may be of one message: the same key, on the same way. */
interface Alike {
  readonly sent: readonly Placed<RecordedDeparture>[];
  readonly received: readonly Placed<RecordedArrival>[];
  readonly isInOrder: boolean;
}

function alike(placed: readonly Placed<RecordedEvent>[], resolve: (text: string) => string): readonly Alike[] {
  const groups = new Map<
    string,
    { sent: Placed<RecordedDeparture>[]; received: Placed<RecordedArrival>[]; isInOrder: boolean }
  >();
  const groupOf = (role: string, from: string, to: string, key: string) => {
    const name = JSON.stringify([role, from, to, key]);
    const group = groups.get(name) ?? { sent: [], received: [], isInOrder: inOrderRoles.has(role) };
    groups.set(name, group);
    return group;
  };
  for (const one of placed) {
    const { event, lane } = one;
    if (event.type === 'departure')
      groupOf(event.role, lane, resolve(event.to), event.key).sent.push({ ...one, event });
    if (event.type === 'arrival')
      groupOf(event.role, resolve(event.from), lane, event.key).received.push({ ...one, event });
  }
  return [...groups.values()];
}

/** Messages that nothing else looks like: clocks can be compared by them. */
function surePairs(groups: readonly Alike[]): readonly Pair[] {
  return groups.flatMap(({ sent, received }) => {
    const [departure, another] = sent;
    const [arrival, oneMore] = received;
    if (departure === undefined || arrival === undefined || another !== undefined || oneMore !== undefined) return [];
    return [{ sent: departure, received: arrival }];
  });
}

/** Which arrival is of which departure; `time` reads all clocks alike. */
function matched(groups: readonly Alike[], time: (of: number, wallMs: number) => number): readonly Pair[] {
  const pairs: Pair[] = [];
  for (const { sent, received, isInOrder } of groups) {
    let next = 0;
    for (const arrival of received) {
      const latestAt = time(arrival.of, arrival.at) + slackMs;
      const isPossible = (index: number): boolean => {
        const departure = sent[index];
        return departure !== undefined && time(departure.of, departure.at) <= latestAt;
      };
      if (!isPossible(next)) continue;
      // Of several equal datagrams the latest that can have been it: those before it were lost. Over links and streams
      // all arrive, in order, or the rest do not.
      if (!isInOrder) while (isPossible(next + 1)) next++;
      pairs.push({ sent: sent[next] as Placed<RecordedDeparture>, received: arrival });
      next++;
    }
  }
  return pairs;
}

/** By how much the clock of each recording is ahead of the first one's, as far as their messages tell. */
function clockOffsets(pairs: readonly Pair[], count: number): readonly number[] {
  const fastest = new Map<string, number>();
  for (const { sent, received } of pairs) {
    const way = `${sent.of} ${received.of}`;
    fastest.set(way, Math.min(fastest.get(way) ?? Infinity, received.at - sent.at));
  }
  const offsets: (number | undefined)[] = Array.from({ length: count }, (_, index) => (index === 0 ? 0 : undefined));
  const queue = [0];
  for (let from = queue.shift(); from !== undefined; from = queue.shift())
    for (let to = 0; to < count; to++) {
      if (offsets[to] !== undefined) continue;
      const there = fastest.get(`${from} ${to}`);
      const back = fastest.get(`${to} ${from}`);
      if (there === undefined && back === undefined) continue;
      offsets[to] = (offsets[from] as number) + aheadBy(there, back);
      queue.push(to);
    }
  return offsets.map((offset) => offset ?? 0);
}

function aheadBy(there: number | undefined, back: number | undefined): number {
  if ((there ?? 0) >= 0 && (back ?? 0) >= 0) return 0;
  if (there !== undefined && back !== undefined) return (there - back) / 2;
  return there ?? -(back as number);
}

interface Material {
  readonly placed: readonly Placed<RecordedEvent>[];
  readonly pairs: readonly Pair[];
  readonly resolve: (text: string) => string;
  readonly known: ReadonlySet<string>;
  readonly at: (of: number, wallMs: number) => number;
}

/** What a diagram shows of it, each recording in its own order. */
function draw({ placed, pairs, resolve, known, at }: Material): SpaceTimeEvent[] {
  const serials = new Map<RecordedEvent, number>();
  for (const { event } of placed) if (event.type === 'departure') serials.set(event, serials.size + 1);
  let serial = serials.size;
  for (const { sent, received } of pairs) serials.set(received.event, serials.get(sent.event) as number);
  return placed.flatMap(({ event, lane, of, at: wallMs }): readonly SpaceTimeEvent[] => {
    const when = at(of, wallMs);
    if (event.type === 'operation') return [];
    if (event.type === 'mark') return [{ type: 'mark', at: when, lane, mark: event.mark, label: event.label }];
    const { label, kind } = event;
    if (event.type === 'departure') {
      const to = resolve(event.to);
      const number = serials.get(event) as number;
      const departure = { type: 'departure', at: when, lane, to, serial: number, label, kind } as const;
      return known.has(to)
        ? [departure]
        : [departure, { type: 'arrival', at: when, lane: to, from: lane, serial: number }];
    }
    const from = resolve(event.from);
    const number = serials.get(event) ?? ++serial;
    const arrival = { type: 'arrival', at: when, lane, from, serial: number } as const;
    const isStranger = !serials.has(event) && !known.has(from);
    return isStranger
      ? [{ type: 'departure', at: when, lane: from, to: lane, serial: number, label, kind }, arrival]
      : [arrival];
  });
}
