import type { TraceEvent, TraceKind } from '@grp/sim';
import type { Mark, SpaceTimeEvent } from '../spacetime/events.ts';
import { inOrder, lanesOf, type LabTrace } from './trace.ts';

/** What the events of a world mean in a diagram; what is not here is not drawn. */
const marks: Readonly<Partial<Record<TraceKind, Mark['mark']>>> = {
  start: 'state',
  crash: 'crash',
  'host-crash': 'crash',
  exit: 'crash',
  pause: 'trouble',
  resume: 'trouble',
  partition: 'trouble',
  cut: 'trouble',
  heal: 'trouble',
  'clock-jump': 'trouble',
  'clock-drift': 'trouble',
  'disk-fault': 'trouble',
  calm: 'trouble',
  note: 'deliver',
};

/** A run of the simulator, from the events that its world has recorded (`trace.recordMax`). */
export function traceOfWorld(title: string, events: readonly TraceEvent[], omittedCount = 0): LabTrace {
  const hosts = new Map<string, string>();
  for (const { kind, node, from } of events)
    if (kind === 'send' && node !== undefined && typeof from === 'string') hosts.set(from, node);
  for (const { kind, node, to } of events)
    if (kind === 'deliver' && node !== undefined && typeof to === 'string') hosts.set(to, node);
  const nameOf = (address: unknown): string => hosts.get(String(address)) ?? String(address);
  const drawn: SpaceTimeEvent[] = [];
  let sent = 0; // the world numbers datagrams in the order of their sending, from 1
  for (const event of events) {
    const { at, kind, node = '' } = event;
    if (kind === 'send') {
      sent++;
      const label = `${String(event['bytes'])} bytes`;
      drawn.push({ type: 'departure', at, lane: node, to: nameOf(event['to']), serial: sent, label, kind: 'datagram' });
    } else if (kind === 'deliver') {
      const { serial } = event;
      drawn.push({ type: 'arrival', at, lane: node, from: nameOf(event['from']), serial: Number(serial) });
    } else {
      const mark = markOf(event);
      if (mark !== undefined) drawn.push(mark);
    }
  }
  const ordered = inOrder(drawn);
  return { title, origin: 'simulation', lanes: lanesOf(ordered), events: ordered, operations: [], omittedCount };
}

function markOf({ at, kind, node = '', text, ...fields }: TraceEvent): Mark | undefined {
  const mark = marks[kind];
  if (mark === undefined) return undefined;
  const { message, view } = fields as Readonly<Record<string, unknown>>;
  // The notes of a run tell what a protocol did (`deliver`, `install`, `died`), and name lives: `n1#2`.
  const lane = node.split('#')[0] as string;
  const detail = typeof message === 'string' ? message : typeof view === 'number' ? `view ${view}` : '';
  const label = `${text ?? kind} ${detail}`.trimEnd();
  const isView = kind === 'note' && text === 'install';
  return { type: 'mark', at, lane, mark: isView ? 'view' : mark, label };
}
