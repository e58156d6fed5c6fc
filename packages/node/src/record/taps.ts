import type { Address } from '@grp/core';
import { describeMessage, type Links } from '@grp/gms';
import type { RefusingTransport } from '@grp/link';
import { RaftNetwork, type Message } from '@grp/raft';
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

/** A group's messages between members, as the links below deliver them: repetitions on the wire are the links' own. */
export function tapLinks(links: Links, recorder: Recorder): Links {
  const described = (message: Uint8Array): RecordedMessage => {
    const { kind, label } = describeMessage(message) ?? { kind: 'other', label: 'other' };
    return { kind, label, key: digestOf(message) };
  };
  return {
    self: links.self,
    maxPayloadBytes: links.maxPayloadBytes,
    frameBytes: links.frameBytes,
    delivery: links.delivery,
    send(to: Address, message: Uint8Array) {
      const isTaken = links.send(to, message);
      if (isTaken) recorder.departure('gms', to, described(message));
      return isTaken;
    },
    onReceive: (listener) =>
      links.onReceive((from, message) => {
        recorder.arrival('gms', from, described(message));
        listener(from, message);
      }),
    onReset: (listener) => links.onReset(listener),
    onWritable: (listener) => links.onWritable(listener),
    onTrouble: (listener) => links.onTrouble(listener),
    forget: (peer) => links.forget(peer),
    close: () => links.close(),
  };
}

/** Raft's way to the other servers, each message of each group noted as it passes. */
export class RecordedRaftNetwork extends RaftNetwork {
  readonly #recorder: Recorder;

  constructor(ports: ConstructorParameters<typeof RaftNetwork>[0], recorder: Recorder) {
    super(ports);
    this.#recorder = recorder;
  }

  override join(options: Parameters<RaftNetwork['join']>[0]): ReturnType<RaftNetwork['join']> {
    const recorder = this.#recorder;
    const { group } = options;
    const peers = super.join({
      ...options,
      receive: (from, message) => {
        recorder.arrival('raft', from, raftMessage(group, message));
        options.receive(from, message);
      },
    });
    return {
      send: (to, message) => {
        recorder.departure('raft', to, raftMessage(group, message));
        peers.send(to, message);
      },
      configure: (configuration) => peers.configure(configuration),
      close: () => peers.close(),
    };
  }
}

function raftMessage(group: string, message: Message): RecordedMessage {
  const label = `${message.type.replace('append-request', 'append').replace('append-response', 'ack')} ${numbers(message)}`;
  const kind = message.type === 'append-request' && message.entries.length === 0 ? 'heartbeat' : message.type;
  return {
    kind,
    label,
    key: `${group} ${message.type} ${numbers(message)} ${'round' in message ? message.round : ''}`,
  };
}

function numbers(message: Message): string {
  const term = `t${message.term}`;
  switch (message.type) {
    case 'append-request':
      return `${term} ${message.previous.index}+${message.entries.length} c${message.commit}`;
    case 'append-response':
      return `${term} ${message.mismatch === undefined ? message.match : `no, ${message.mismatch.previous}`}`;
    case 'vote-request':
      return `${term}${message.isPreVote ? ' pre' : ''} last ${message.last.index}`;
    case 'vote-response':
      return `${term}${message.isPreVote ? ' pre' : ''} ${message.isGranted ? 'yes' : 'no'}`;
    case 'snapshot-request':
      return `${term} at ${message.offset}`;
    default:
      return term;
  }
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
