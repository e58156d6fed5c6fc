import type { RefusingTransport } from '@grp/link';
import type { NodeEventBody } from '../http/event-hub.ts';
import { digestOf } from './digest.ts';
import { describeDatagram } from './memberlist.ts';
import type { RecordedMark, RecordedMessage, Recorder } from './recorder.ts';

/** The membership's datagrams, each noted as it passes. With a cluster key they are sealed, and that is all that is told. */
export function tapDatagrams(transport: RefusingTransport, recorder: Recorder, isSealed: boolean): RefusingTransport {
  const described = (payload: Uint8Array): RecordedMessage => ({
    ...describeDatagram(payload, isSealed),
    key: digestOf(payload),
  });
  return {
    self: transport.self,
    maxPayloadBytes: transport.maxPayloadBytes,
    delivery: transport.delivery,
    send(to, payload) {
      recorder.departure('swim', to, described(payload));
      transport.send(to, payload);
    },
    onReceive: (listener) =>
      transport.onReceive((from, payload) => {
        recorder.arrival('swim', from, described(payload));
        listener(from, payload);
      }),
    onRefused: (listener) => transport.onRefused(listener),
    close: () => transport.close(),
  };
}

/** Notes what the event stream tells: verdicts, views, deliveries, roles. */
export function noteEvent(recorder: Recorder, event: NodeEventBody): void {
  const { noun, type } = event;
  if (type === 'blocked' && event['reason'] !== 'minority') return; // for a moment, as in every change of views
  const mark = marks[`${noun} ${type}`];
  if (mark !== undefined) recorder.mark(noun, mark, labelOf(event));
}

const marks: Readonly<Record<string, RecordedMark>> = {
  'swim join': 'state',
  'swim alive': 'state',
  'swim suspect': 'suspect',
  'swim down': 'suspect',
  'swim leave': 'state',
  'swim fault': 'trouble',
  'gms message': 'deliver',
  'gms view': 'view',
  'gms blocked': 'trouble',
  'gms excluded': 'trouble',
  'raft role': 'view',
  'raft configuration': 'state',
  'raft recovered': 'state',
  'node stopping': 'trouble',
};

function labelOf({ noun, type, ...fields }: NodeEventBody): string {
  const { member, sequence, sender, view, role, term, group } = fields as Readonly<Record<string, unknown>>;
  if (noun === 'swim') return `${nameOf(member)} ${type}`;
  if (type === 'message') return `${String(sequence)} of ${String(sender).split('#')[0] ?? ''}`;
  if (type === 'view') return `view ${String((view as { readonly id: number }).id)}`;
  if (type === 'role') return `${String(role)} t${String(term)} ${String(group)}`;
  return type;
}

function nameOf(member: unknown): string {
  return typeof member === 'object' && member !== null && 'name' in member ? String(member.name) : '';
}
