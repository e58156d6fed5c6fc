import type { LabTrace } from './trace.ts';

/** One event of the Chrome trace format, which ui.perfetto.dev and chrome://tracing read. Times in µs. */
interface ChromeEvent {
  readonly ph: 'M' | 'X' | 'i' | 's' | 'f';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly [field: string]: unknown;
}

const threads = { messages: 1, state: 2 } as const;
const messageUs = 20;

/** A process per lane: its messages with arrows to where they arrive, its marks, and how long each view or term lasted. */
export function perfettoTrace(trace: LabTrace): { readonly traceEvents: readonly ChromeEvent[] } {
  const { events, lanes } = trace;
  const pids = new Map(lanes.map((lane, index) => [lane, index + 1]));
  const arrived = new Set<number>();
  const labels = new Map<number, { readonly label: string; readonly kind: string }>();
  for (const event of events) {
    if (event.type === 'arrival') arrived.add(event.serial);
    if (event.type === 'departure') labels.set(event.serial, event);
  }
  const out: ChromeEvent[] = lanes.flatMap((lane, index) => names(lane, index + 1));
  const tid = threads.messages;
  for (const event of events) {
    const pid = pids.get(event.lane) ?? 0;
    const ts = us(event.at);
    if (event.type === 'departure') {
      const { label, kind, to, serial } = event;
      const isLost = !arrived.has(serial);
      out.push({ ph: 'X', name: label, cat: kind, pid, tid, ts, dur: messageUs, args: { to, lost: isLost } });
      if (!isLost) out.push({ ph: 's', name: label, cat: 'message', id: serial, pid, tid, ts });
    } else if (event.type === 'arrival') {
      const { label, kind } = labels.get(event.serial) ?? { label: '?', kind: 'message' };
      const name = `← ${label}`;
      out.push({ ph: 'X', name, cat: kind, pid, tid, ts, dur: messageUs, args: { from: event.from } });
      out.push({ ph: 'f', bp: 'e', name: label, cat: 'message', id: event.serial, pid, tid, ts });
    } else {
      const scope = event.lane === '' ? 'g' : 't';
      out.push({ ph: 'i', s: scope, name: `${event.mark} ${event.label}`, cat: event.mark, pid, tid, ts });
    }
  }
  return { traceEvents: [...out, ...bands(trace, pids)] };
}

/** Views, terms and roles: each lasts until the next of its process. */
function bands({ events }: LabTrace, pids: ReadonlyMap<string, number>): readonly ChromeEvent[] {
  const open = new Map<string, { readonly name: string; readonly at: number }>();
  const out: ChromeEvent[] = [];
  const close = (lane: string, at: number): void => {
    const begun = open.get(lane);
    if (begun === undefined) return;
    const ts = us(begun.at);
    const pid = pids.get(lane) ?? 0;
    out.push({ ph: 'X', name: begun.name, cat: 'view', pid, tid: threads.state, ts, dur: us(at) - ts });
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
    name('process_name', 0, lane),
    name('thread_name', threads.messages, 'messages'),
    name('thread_name', threads.state, 'view or term'),
  ];
}

function us(ms: number): number {
  return Math.round(ms * 1_000);
}
