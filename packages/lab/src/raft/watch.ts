import { decodeMapCommand, type Entry, type Message } from '@grp/raft';
import { TraceTap, type Described } from '../trace/tap.ts';
import { RaftRun, type RaftRunOptions } from './run.ts';

export interface WatchedRaftOptions extends Omit<RaftRunOptions, 'wire' | 'onRole'> {
  /** Entries are told by the values that they write (default: by their index). */
  readonly showsValues?: boolean;
}

/** A cluster whose messages and roles are taken down, and which says who led when. */
export class WatchedRaft {
  readonly run: RaftRun;
  readonly tap: TraceTap;
  readonly #leaders: { readonly at: number; readonly name: string; readonly term: number }[] = [];

  constructor({ showsValues = false, ...options }: WatchedRaftOptions) {
    let now = (): number => 0; // servers speak while the run that has the clock is still being made
    this.tap = new TraceTap(() => now());
    this.run = new RaftRun({
      ...options,
      wire: (name, messages) =>
        this.tap.messages(name, messages, ({ message }) => (showsValues ? withValue(message) : describe(message))),
      onRole: (name, role, term) => {
        this.tap.mark(name, 'view', `${role} t${term}`);
        if (role === 'leader') this.#leaders.push({ at: now(), name, term });
      },
    });
    now = () => this.run.world.now;
  }

  /** Who was elected, in order. */
  get leaders(): readonly { readonly at: number; readonly name: string; readonly term: number }[] {
    return this.#leaders;
  }
}

/** As `describe`; a single command is told by its value. */
function withValue(message: Message): Described {
  const told = describe(message);
  if (message.type !== 'append-request' || message.entries.length === 0) return told;
  const values = message.entries.flatMap((entry) => valueOf(entry) ?? []);
  return values.length === 0 ? told : { kind: told.kind, label: values.join(' ') };
}

function valueOf({ payload }: Entry): string | undefined {
  if (payload.type !== 'command') return undefined;
  const command = decodeMapCommand(payload.command);
  return command?.type === 'put' ? command.value : undefined;
}

function describe(message: Message): Described {
  const { type, term } = message;
  if (type === 'append-request') {
    const { entries } = message;
    const [first] = entries;
    if (first === undefined) return { kind: 'heartbeat', label: `heartbeat t${term}` };
    return {
      kind: 'append',
      label: `append ${first.index}${entries.length > 1 ? `-${entries.at(-1)?.index ?? ''}` : ''}`,
    };
  }
  if (type === 'append-response') return { kind: 'ack', label: `ack ${message.match}` };
  if (type === 'vote-request') return { kind: 'vote', label: `${message.isPreVote ? 'pre-vote' : 'vote'}? t${term}` };
  if (type === 'vote-response')
    return { kind: 'vote', label: `${message.isPreVote ? 'pre-vote' : 'vote'} ${message.isGranted ? 'yes' : 'no'}` };
  return { kind: type, label: `${type} t${term}` };
}
