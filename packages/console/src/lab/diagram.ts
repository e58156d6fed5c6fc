import type { SpaceTimeEvent } from '@grp/lab';

/** A message on its way from one lane to another. */
export interface MessageLine {
  readonly from: number;
  readonly to: number;
  readonly sentAt: number;
  /** Undefined: it was lost, or is still under way when the run ends. */
  readonly receivedAt: number | undefined;
  readonly isLost: boolean;
  /** The same was sent to the same process before. */
  readonly isRepeat: boolean;
  readonly kind: string;
  readonly label: string;
}

export type PointKind = 'receive' | 'send' | 'deliver' | 'view' | 'state' | 'crash' | 'suspect' | 'trouble' | 'role';

/** Something that happens in one lane. */
export interface Point {
  readonly at: number;
  /** −1: in all of the world. */
  readonly lane: number;
  readonly kind: PointKind;
  readonly label: string;
  /** What the process shows from now on. */
  readonly colour?: string;
}

/** A message that has been received and is not yet delivered: the hold-back queue. */
export interface Held {
  readonly lane: number;
  readonly from: number;
  /** Infinity: it never is. */
  readonly until: number;
  readonly label: string;
}

/** A stretch of a lane in one view or term. */
export interface Band {
  readonly lane: number;
  readonly from: number;
  readonly until: number;
  readonly number: number;
  readonly word: 'view' | 'term';
  readonly leads: boolean;
  readonly members: readonly string[];
}

/** A run laid out: everything in order of time, with lanes by number. */
export interface Diagram {
  readonly lanes: readonly string[];
  readonly endsAt: number;
  /** By `sentAt`. */
  readonly messages: readonly MessageLine[];
  /** By `at`. */
  readonly points: readonly Point[];
  readonly held: readonly Held[];
  readonly bands: readonly Band[];
  /** Lane → when it crashed. */
  readonly crashedAt: ReadonlyMap<number, number>;
  /** Lane → when it began. */
  readonly begunAt: ReadonlyMap<number, number>;
  /** Every instant at which something happens, for stepping. */
  readonly instants: readonly number[];
  /** Kinds of messages, in order of appearance. */
  readonly kinds: readonly string[];
  /** No message is longer under way than this: what a window must look back. */
  readonly longestMs: number;
}

// What leaves so shortly before the end may still be under way.
const underWayMs = 50;

/** Lays out what a run has told. Time and lanes only: nothing is in pixels yet. */
export function layOut(events: readonly SpaceTimeEvent[], given: readonly string[] = []): Diagram {
  const lanes = lanesOf(events, given);
  const number = new Map(lanes.map((lane, index) => [lane, index]));
  const laneOf = (name: string): number => number.get(name) ?? -1;
  const endsAt = events.reduce((end, { at }) => Math.max(end, at), 0);
  const messages = messagesOf(events, laneOf, endsAt);
  const points = pointsOf(events, laneOf, messages);
  const crashedAt = new Map(points.filter(({ kind }) => kind === 'crash').map(({ lane, at }) => [lane, at]));
  const begunAt = new Map<number, number>();
  for (const { lane, at } of points) if (lane >= 0 && !begunAt.has(lane)) begunAt.set(lane, Math.max(0, at));
  return {
    lanes,
    endsAt,
    messages,
    points,
    held: heldOf(points, crashedAt),
    bands: bandsOf(events, laneOf, endsAt, crashedAt),
    crashedAt,
    begunAt,
    instants: [...new Set(events.map(({ at }) => at))].filter((at) => at >= 0).toSorted((a, b) => a - b),
    kinds: [...new Set(messages.map(({ kind }) => kind))],
    longestMs: messages.reduce((most, { sentAt, receivedAt }) => Math.max(most, (receivedAt ?? sentAt) - sentAt), 0),
  };
}

/** The first index whose time is not before `at`; the list is in order of time. */
export function firstFrom<Item>(items: readonly Item[], at: number, timeOf: (item: Item) => number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(items[middle] as Item) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lanesOf(events: readonly SpaceTimeEvent[], given: readonly string[]): readonly string[] {
  const names = new Set(given);
  for (const event of events) {
    if (event.lane !== '') names.add(event.lane);
    if (event.type === 'departure') names.add(event.to);
  }
  return [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function messagesOf(
  events: readonly SpaceTimeEvent[],
  laneOf: (name: string) => number,
  endsAt: number,
): readonly MessageLine[] {
  const arrivals = new Map<number, number>();
  for (const event of events) if (event.type === 'arrival') arrivals.set(event.serial, event.at);
  const before = new Set<string>();
  const lines: MessageLine[] = [];
  for (const event of events) {
    if (event.type !== 'departure') continue;
    const { lane, to, at: sentAt, serial, kind, label } = event;
    const receivedAt = arrivals.get(serial);
    // Acknowledgements, beats and questions repeat by nature; what carries something repeats only when it is sent again.
    const key = `${lane} ${to} ${kind} ${label}`;
    const isRepeat = /\d/.test(label) && kind !== 'ack' && before.has(key);
    before.add(key);
    const isLost = receivedAt === undefined && sentAt < endsAt - underWayMs;
    lines.push({ from: laneOf(lane), to: laneOf(to), sentAt, receivedAt, isLost, isRepeat, kind, label });
  }
  return lines.toSorted((a, b) => a.sentAt - b.sentAt);
}

function pointsOf(
  events: readonly SpaceTimeEvent[],
  laneOf: (name: string) => number,
  messages: readonly MessageLine[],
): readonly Point[] {
  const points: Point[] = [];
  for (const event of events)
    if (event.type === 'mark') {
      const { at, lane, mark: kind, label } = event;
      const colour = event.worker?.colour;
      points.push({ at, lane: lane === '' ? -1 : laneOf(lane), kind, label, ...(colour !== undefined && { colour }) });
    }
  for (const { to, receivedAt, kind, label } of messages)
    if (receivedAt !== undefined && kind !== 'ack') points.push({ at: receivedAt, lane: to, kind: 'receive', label });
  // At one instant a message is first received and then delivered.
  const late = ({ kind }: Point): number => (kind === 'receive' ? 0 : 1);
  return points.toSorted((a, b) => a.at - b.at || late(a) - late(b));
}

function heldOf(points: readonly Point[], crashedAt: ReadonlyMap<number, number>): readonly Held[] {
  const waiting = new Map<string, Held>();
  const done = new Set<string>();
  const held: Held[] = [];
  for (const { at, lane, kind, label } of points) {
    const key = `${lane} ${label}`;
    // A request does not wait to be delivered: the leader makes a message of it.
    if (kind === 'receive' && /^n\d+-\d+$/.test(label) && !done.has(key) && !waiting.has(key))
      waiting.set(key, { lane, from: at, until: Infinity, label });
    if (kind !== 'deliver') continue;
    done.add(key);
    const since = waiting.get(key);
    waiting.delete(key);
    if (since !== undefined && at > since.from) held.push({ ...since, until: at });
  }
  for (const one of waiting.values()) held.push({ ...one, until: crashedAt.get(one.lane) ?? Infinity });
  return held.toSorted((a, b) => a.from - b.from);
}

function bandsOf(
  events: readonly SpaceTimeEvent[],
  laneOf: (name: string) => number,
  endsAt: number,
  crashedAt: ReadonlyMap<number, number>,
): readonly Band[] {
  const open = new Map<number, Omit<Band, 'until'>>();
  const bands: Band[] = [];
  const close = (lane: number, until: number): void => {
    const band = open.get(lane);
    if (band !== undefined && until > band.from) bands.push({ ...band, until });
  };
  for (const event of events) {
    if (event.type !== 'mark' || event.view === undefined) continue;
    const lane = laneOf(event.lane);
    const { id, members } = event.view;
    close(lane, event.at);
    const word = event.label.startsWith('term') ? 'term' : 'view';
    const leads = members[0] === event.lane;
    open.set(lane, { lane, from: Math.max(0, event.at), number: id, word, leads, members });
  }
  for (const lane of open.keys()) close(lane, crashedAt.get(lane) ?? endsAt);
  return bands.toSorted((a, b) => a.from - b.from);
}
