import type { Millis } from '@grp/core';
import type { SpaceTimeEvent } from '@grp/lab';

type Mark = SpaceTimeEvent & { readonly type: 'mark' };

/** A message on its way from one lane to another. */
export interface MessageLine {
  readonly from: number;
  readonly to: number;
  /** Virtual time, as all times of a diagram. */
  readonly sentAt: Millis;
  /** Undefined: it was lost, or is still under way when the run ends. */
  readonly receivedAt: Millis | undefined;
  readonly isLost: boolean;
  /** The same was sent to the same process before. */
  readonly isRepeat: boolean;
  readonly kind: string;
  readonly label: string;
}

export type PointKind = 'receive' | 'send' | 'deliver' | 'view' | 'state' | 'crash' | 'suspect' | 'trouble' | 'role';

/** Something that happens in one lane. */
export interface Point {
  readonly at: Millis;
  /** −1: in all of the world. */
  readonly lane: number;
  readonly kind: PointKind;
  readonly label: string;
  /** What the process shows from now on. */
  readonly colour?: string;
  /** `receive`: the kind of message. */
  readonly message?: string;
}

/** A message that has been received and is not yet delivered: the hold-back queue. */
export interface Held {
  readonly lane: number;
  readonly from: number;
  /** Infinity: it never is. */
  readonly until: Millis;
  readonly label: string;
}

/** A stretch of a lane in one view or term. */
export interface Band {
  readonly lane: number;
  readonly from: number;
  readonly until: Millis;
  readonly number: number;
  readonly word: 'view' | 'term';
  readonly leads: boolean;
  readonly members: readonly string[];
}

/** A stretch of a lane in which its process lives; a restart begins another one. */
export interface Life {
  readonly lane: number;
  readonly from: number;
  readonly until: Millis;
  /** It ends by a crash, not by the end of the run. */
  readonly isCrash: boolean;
}

/** A run laid out: everything in order of time, with lanes by number. */
export interface Diagram {
  readonly lanes: readonly string[];
  readonly endsAt: Millis;
  /** By `sentAt`. */
  readonly messages: readonly MessageLine[];
  /** By `at`. */
  readonly points: readonly Point[];
  readonly held: readonly Held[];
  readonly bands: readonly Band[];
  /** By `from`. */
  readonly lives: readonly Life[];
  /** Every instant at which something happens, for stepping. */
  readonly instants: readonly number[];
  /** Kinds of messages, in order of appearance. */
  readonly kinds: readonly string[];
  /** No message is longer under way than this: what a window must look back. */
  readonly longestMs: Millis;
}

// Acknowledgements, beats and questions repeat by nature; what carries something repeats only when it is sent again.
const carriers: ReadonlySet<string> = new Set(['message', 'request', 'view', 'join', 'data', 'append']);

// What leaves so shortly before the end may still be under way.
const underWayMs = 50;

/** Lays out what a run has told, at least until an instant. Time and lanes only: nothing is in pixels yet. */
export function layOut(events: readonly SpaceTimeEvent[], given: readonly string[] = [], until: Millis = 0): Diagram {
  const lanes = lanesOf(events, given);
  const number = new Map(lanes.map((lane, index) => [lane, index]));
  const laneOf = (name: string): number => number.get(name) ?? -1;
  const endsAt = events.reduce((end, { at }) => Math.max(end, at), until);
  const messages = messagesOf(events, laneOf, endsAt);
  const points = pointsOf(events, laneOf, messages);
  const lives = livesOf(events, laneOf, endsAt);
  return {
    lanes,
    endsAt,
    messages,
    points,
    held: heldOf(points, lives),
    bands: bandsOf(events, laneOf, endsAt),
    lives,
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

/** The given ones in their order, then all others. */
function lanesOf(events: readonly SpaceTimeEvent[], given: readonly string[]): readonly string[] {
  const others = new Set<string>();
  for (const event of events) {
    if (event.lane !== '') others.add(event.lane);
    if (event.type === 'departure') others.add(event.to);
  }
  for (const lane of given) others.delete(lane);
  return [...given, ...[...others].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))];
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
    const key = `${lane} ${to} ${kind} ${label}`;
    const isRepeat = carriers.has(kind) && /\d/.test(label) && before.has(key);
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
    if (receivedAt !== undefined && kind !== 'ack')
      points.push({ at: receivedAt, lane: to, kind: 'receive', label, message: kind });
  // At one instant a message is first received and then delivered.
  const late = ({ kind }: Point): number => (kind === 'receive' ? 0 : 1);
  return points.toSorted((a, b) => a.at - b.at || late(a) - late(b));
}

function livesOf(events: readonly SpaceTimeEvent[], laneOf: (name: string) => number, endsAt: number): readonly Life[] {
  const open = new Map<number, number>();
  const lives: Life[] = [];
  for (const event of events) {
    if (event.lane === '') continue;
    const lane = laneOf(event.lane);
    const from = open.get(lane) ?? Math.max(0, event.at);
    open.set(lane, from);
    if (event.type !== 'mark' || event.mark !== 'crash') continue;
    lives.push({ lane, from, until: event.at, isCrash: true });
    open.delete(lane);
  }
  for (const [lane, from] of open) lives.push({ lane, from, until: endsAt, isCrash: false });
  return lives.toSorted((a, b) => a.from - b.from);
}

function heldOf(points: readonly Point[], lives: readonly Life[]): readonly Held[] {
  const waiting = new Map<string, Held>();
  const done = new Set<string>();
  const held: Held[] = [];
  const delivered = new Set(points.filter(({ kind }) => kind === 'deliver').map(({ label }) => label));
  for (const { at, lane, kind, label } of points) {
    const key = `${lane} ${label}`;
    // What nobody ever delivers under its own name, such as a request or a beat, does not wait for that.
    if (kind === 'receive' && delivered.has(label) && !done.has(key) && !waiting.has(key))
      waiting.set(key, { lane, from: at, until: Infinity, label });
    if (kind !== 'deliver') continue;
    done.add(key);
    const since = waiting.get(key);
    waiting.delete(key);
    if (since !== undefined && at > since.from) held.push({ ...since, until: at });
  }
  for (const one of waiting.values()) {
    const end = lives.find(({ lane, until, isCrash }) => isCrash && lane === one.lane && until >= one.from);
    held.push({ ...one, until: end?.until ?? Infinity });
  }
  return held.toSorted((a, b) => a.from - b.from);
}

function bandsOf(events: readonly SpaceTimeEvent[], laneOf: (name: string) => number, endsAt: number): readonly Band[] {
  const open = new Map<number, Omit<Band, 'until'>>();
  const bands: Band[] = [];
  const close = (lane: number, until: number): void => {
    const band = open.get(lane);
    if (band !== undefined && until > band.from) bands.push({ ...band, until });
  };
  for (const event of events) {
    if (event.type !== 'mark') continue;
    const lane = laneOf(event.lane);
    if (event.mark === 'crash') {
      close(lane, event.at);
      open.delete(lane);
    }
    if (event.mark !== 'view') continue;
    const told = bandTold(event);
    if (told === undefined) continue;
    close(lane, event.at);
    open.set(lane, { lane, from: Math.max(0, event.at), ...told });
  }
  for (const lane of open.keys()) close(lane, endsAt);
  return bands.toSorted((a, b) => a.from - b.from);
}

/** What a mark says of the view or of the term that begins with it. */
function bandTold({ lane, label, view }: Mark): Pick<Band, 'number' | 'word' | 'leads' | 'members'> | undefined {
  if (view !== undefined)
    return { number: view.id, word: 'view', leads: view.members[0] === lane, members: view.members };
  const role = /^(\S+) t(\d+)$/.exec(label);
  if (role !== null) return { number: Number(role[2]), word: 'term', leads: role[1] === 'leader', members: [] };
  const plain = /^view (\d+)/.exec(label);
  return plain === null ? undefined : { number: Number(plain[1]), word: 'view', leads: false, members: [] };
}
