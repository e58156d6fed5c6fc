import type { LabTrace, NodeRecording } from '@grp/lab';
import { document } from '../output/json.ts';
import { table } from '../output/table.ts';
import { traceDiagram } from './study.ts';
import type { SeedRun } from './trace-file.ts';
import { pipeWidth, proseMax, wrap, type LessonTextOptions } from './views.ts';

/** What a trace holds, in numbers. */
function counted({ events, lanes, omittedCount }: LabTrace) {
  const arrived = new Set(events.flatMap((event) => (event.type === 'arrival' ? [event.serial] : [])));
  const sent = events.filter((event) => event.type === 'departure');
  return {
    processes: lanes,
    durationMs: Math.round((events.at(-1)?.at ?? 0) * 10) / 10,
    messages: sent.length,
    lost: sent.filter((event) => !arrived.has(event.serial)).length,
    deliveries: events.filter((event) => event.type === 'mark' && event.mark === 'deliver').length,
    omitted: omittedCount,
  };
}

/** `grp.lab.replay/1` of recordings of nodes. */
export function recordingDocument(nodes: readonly NodeRecording[], trace: LabTrace, events: boolean) {
  return document('grp.lab.replay/1', {
    kind: 'recording',
    nodes: nodes.map(({ head, events: own, omittedCount }) => ({
      name: head.name,
      wallMs: head.wallMs,
      addresses: head.addresses,
      events: own.length,
      omitted: omittedCount,
    })),
    ...counted(trace),
    ...(events && { events: trace.events }),
  });
}

/** `grp.lab.replay/1` of a seed of the simulator. */
export function seedDocument({ protocol, scenario, seed, report, trace }: SeedRun, events: boolean) {
  return document('grp.lab.replay/1', {
    kind: 'simulation',
    protocol,
    scenario,
    seed,
    traceHash: report.traceHash,
    violations: report.violations.map(({ checker, at, message }) => ({ checker, atMs: Math.round(at), message })),
    figures: report.figures,
    ...counted(trace),
    ...(events && { events: trace.events }),
  });
}

/** A trace for people: what is in it, and its diagram. */
export function traceText(trace: LabTrace, lines: readonly string[], options: LessonTextOptions): string {
  const { colours } = options;
  const { processes, durationMs, messages, lost, deliveries, omitted } = counted(trace);
  const rows = [
    ['processes', processes.join(', ')],
    ['time', `${(durationMs / 1_000).toFixed(3)} s`],
    ['messages', `${messages}, ${lost} of them lost`],
    ['deliveries', String(deliveries)],
    ['left out', String(omitted)],
  ] as const;
  const columns = [
    { title: 'IN IT', text: ([name]: (typeof rows)[number]) => name },
    { title: '', text: ([, value]: (typeof rows)[number]) => value },
  ];
  const width = Math.min(options.width ?? pipeWidth, proseMax);
  return [
    wrap([`${trace.title}.`, ...lines].join(' '), width),
    table(rows, columns, { colours, width: options.width }),
    traceDiagram(trace, options, {
      hidden: ['ack', 'nack', 'stable', 'heartbeat', 'append-response', 'ping', 'datagram'],
    }),
  ].join('\n\n');
}
