import type { SpaceTimeEvent } from '../spacetime/events.ts';
import type { LabTrace } from './trace.ts';

/** One event of the Chrome trace format, which ui.perfetto.dev and chrome://tracing read. Times in µs. */
interface ChromeEvent {
  readonly ph: 'M' | 'X' | 'i';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly [field: string]: unknown;
}

const messageUs = 20;
const nsUs = 0.001;
// Perfetto counts whole ns and rounds down: what must be later, or must have ended, keeps that distance all the same.
const tickUs = 2 * nsUs;

// Perfetto takes a tid for unique in the whole trace, and one that equals its pid for a process's main thread.
const messagesOf = (pid: number): number => 2 * pid;
const stateOf = (pid: number): number => 2 * pid + 1;

/** A process per lane: its messages with arrows to where they arrive, its marks, and how long each view or term lasted. */
export function perfettoTrace(trace: LabTrace): { readonly traceEvents: readonly ChromeEvent[] } {
  const { events, lanes } = trace;
  const pids = new Map(lanes.map((lane, index) => [lane, index + 1]));
  const departures = new Map(events.flatMap((event) => (event.type === 'departure' ? [[event.serial, event]] : [])));
  const arrived = new Set(events.flatMap((event) => (event.type === 'arrival' ? [event.serial] : [])));
  const out: ChromeEvent[] = lanes.flatMap((lane, index) => names(lane, index + 1));
  for (const { event, ts, dur } of laidOut(events)) {
    const pid = pids.get(event.lane) ?? 0;
    const place = { pid, tid: messagesOf(pid), ts };
    if (event.type === 'mark') {
      const scope = event.lane === '' ? 'g' : 't';
      out.push({ ph: 'i', s: scope, name: `${event.mark} ${event.label}`, cat: event.mark, ...place });
      continue;
    }
    const departure = departures.get(event.serial);
    const { label, kind } = departure ?? { label: '?', kind: 'message' };
    const isPaired = departure !== undefined && arrived.has(event.serial);
    const isSent = event.type === 'departure';
    // The newer form of an arrow: it belongs to the slice that it is written on, whatever else begins at that time.
    const arrow = isPaired && {
      bind_id: `0x${event.serial.toString(16)}`,
      ...(isSent ? { flow_out: true } : { flow_in: true }),
    };
    const args = isSent ? { to: event.to, lost: !isPaired } : { from: event.from };
    const name = isSent ? label : `← ${label}`;
    out.push({ ph: 'X', name, cat: kind, ...place, dur, args, ...arrow });
  }
  return { traceEvents: [...out, ...bands(trace, pids)] };
}

/**
 * When each event begins and how long it is drawn: what overlaps on one thread without nesting is dropped by Perfetto, so
 * that a slice ends before the next one of its lane begins, and what happened at one instant follows each other by 2 ns.
 */
function laidOut(events: readonly SpaceTimeEvent[]) {
  const laid: { readonly event: SpaceTimeEvent; readonly ts: number; dur: number }[] = [];
  const last = new Map<string, (typeof laid)[number]>();
  const sentAt = new Map<number, number>();
  for (const event of events) {
    const before = last.get(event.lane);
    const earliest = Math.max(
      before === undefined ? 0 : before.ts + tickUs,
      event.type === 'arrival' ? (sentAt.get(event.serial) ?? 0) + tickUs : 0,
    );
    const ts = us(Math.max(event.at * 1_000, earliest));
    if (before !== undefined) before.dur = us(Math.min(before.dur, ts - before.ts - nsUs));
    const one = { event, ts, dur: messageUs };
    if (event.type === 'departure') sentAt.set(event.serial, ts);
    last.set(event.lane, one);
    laid.push(one);
  }
  return laid;
}

/** Views, terms and roles: each lasts until the next of its process. */
function bands({ events }: LabTrace, pids: ReadonlyMap<string, number>): readonly ChromeEvent[] {
  const open = new Map<string, { readonly name: string; readonly at: number }>();
  const out: ChromeEvent[] = [];
  const close = (lane: string, at: number): void => {
    const begun = open.get(lane);
    if (begun === undefined) return;
    const ts = us(begun.at * 1_000);
    const pid = pids.get(lane) ?? 0;
    out.push({
      ph: 'X',
      name: begun.name,
      cat: 'view',
      pid,
      tid: stateOf(pid),
      ts,
      dur: us(Math.max(0, us(at * 1_000) - ts - nsUs)),
    });
    open.delete(lane);
  };
  for (const event of events) {
    if (event.type !== 'mark' || event.lane === '') continue;
    if (event.mark === 'view' || event.mark === 'crash') close(event.lane, event.at);
    if (event.mark === 'view') open.set(event.lane, { name: event.label, at: event.at });
  }
  const endsAt = events.at(-1)?.at ?? 0;
  for (const lane of open.keys()) close(lane, endsAt);
  return out;
}

function names(lane: string, pid: number): readonly ChromeEvent[] {
  const name = (what: string, tid: number, text: string): ChromeEvent => ({
    ph: 'M',
    name: what,
    pid,
    tid,
    args: { name: text },
  });
  return [
    name('process_name', messagesOf(pid), lane),
    name('thread_name', messagesOf(pid), 'messages'),
    name('thread_name', stateOf(pid), 'view or term'),
  ];
}

/** Whole nanoseconds. */
function us(time: number): number {
  return Math.round(time * 1_000) / 1_000;
}
