import { RaftNetwork, type Message } from '@grp/raft';
import type { RecordedMessage, Recorder } from './recorder.ts';

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
