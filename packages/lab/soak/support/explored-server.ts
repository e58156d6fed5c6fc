// One server of an exploration: the production core, a disk, and what it sends; and all states that such servers get into.
import type { Random } from '@grp/core';
import {
  raftConfig,
  RaftMachine,
  type Effect,
  type Entry,
  type Input,
  type Message,
  type Restored,
  type Rules,
} from '@grp/raft';

/** Who there is. */
export const servers = ['a', 'b', 'c'];
const middling: Random = { nextU32: () => 0x8000_0000, fork: () => middling };
const config = raftConfig.resolve({
  preVote: false,
  checkQuorum: false,
  priorityElections: false,
  electionTimeoutMs: 600_000,
  quorumTimeoutMs: 600_000,
  heartbeatMs: 60_000,
});
const bootstrap = { voters: servers, outgoing: [], learners: [], addresses: {} };

/** What may happen to one server. */
export type Action = 'elect' | 'propose' | 'sync' | 'crash' | { readonly from: string; readonly message: Message };
type Write = Extract<Effect, { type: 'persist' }>;

/** One state of one server, by its number. */
export interface Local {
  readonly id: string;
  readonly digest: string;
  readonly history: readonly Action[];
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  /** The terms of its entries: an index and a term name an entry. */
  readonly log: readonly number[];
  readonly disk: readonly number[];
  /** The same for servers of one role, log, disk and commit index, whatever else they know. */
  readonly kind: number;
  readonly openCount: number;
  readonly crashes: number;
  /** Where each action leads, and which messages it sends; a text: it broke an invariant. */
  readonly steps: Map<string, { readonly to: number; readonly sends: readonly number[] } | string>;
}

/** The production core, a disk, and what it sends. */
export class Server {
  machine!: RaftMachine;
  readonly id: string;
  readonly rules: Partial<Rules>;
  hardState: Restored['hardState'] = { term: 0, vote: undefined };
  entries: Entry[] = [];
  commit = 0;
  open: Write[] = [];
  crashes = 0;
  sent: { readonly to: string; readonly message: Message }[] = [];

  constructor(id: string, rules: Partial<Rules>) {
    this.id = id;
    this.rules = rules;
    this.start(undefined);
  }

  start(restored: Restored | undefined): void {
    const common = { id: this.id, config, random: middling, bootstrap, rules: this.rules };
    this.machine = new RaftMachine(restored === undefined ? common : { ...common, restored });
    this.input({ type: 'start' });
  }

  input(input: Input): void {
    for (const effect of this.machine.step([input], 0)) {
      if (effect.type === 'send') this.sent.push(effect);
      else if (effect.type === 'persist') this.open.push(effect);
      else if (effect.type === 'apply') this.input({ type: 'applied', index: (effect.entries.at(-1) as Entry).index });
    }
  }

  act(action: Action): void {
    this.sent = [];
    const { term } = this.machine.status();
    if (action === 'elect') this.input({ type: 'receive', from: this.id, message: { type: 'timeout-now', term } });
    else if (action === 'propose') this.#propose();
    else if (action === 'sync') this.#sync();
    else if (action === 'crash') this.#crash();
    else this.input({ type: 'receive', from: action.from, message: action.message });
  }

  log(): number[] {
    const { lastIndex } = this.machine.status();
    return Array.from({ length: lastIndex }, (_, index) => this.machine.termAt(index + 1) ?? -1);
  }

  disk(): number[] {
    return this.entries.map(({ term }) => term);
  }

  /** Everything that can be seen. */
  digest(): string {
    const open = this.open.map(({ entries, truncateFrom, hardState }) => [
      entries.map(({ index, term }) => `${index}:${term}`),
      truncateFrom,
      hardState,
    ]);
    const disk = [this.hardState, this.disk(), this.commit];
    return JSON.stringify([this.id, this.machine.status(), this.log(), open, disk, this.crashes]);
  }

  #propose(): void {
    const command = new Uint8Array([this.machine.status().lastIndex]);
    const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
    this.input({ type: 'propose', ticket: 0, payload });
  }

  #sync(): void {
    const write = this.open.shift();
    if (write === undefined) return;
    const { truncateFrom, entries, hardState, number, commit } = write;
    if (truncateFrom !== undefined) this.entries.length = truncateFrom - 1;
    this.entries.push(...entries);
    if (hardState !== undefined) this.hardState = hardState;
    this.commit = commit;
    this.input({ type: 'durable', number });
  }

  #crash(): void {
    this.crashes++;
    this.open = [];
    const runs: { from: number; term: number }[] = [];
    for (const { index, term } of this.entries) if (runs.at(-1)?.term !== term) runs.push({ from: index, term });
    this.start({
      hardState: this.hardState,
      log: { base: { index: 0, term: 0 }, runs, last: this.entries.length, tail: [...this.entries] },
      configurations: [],
      snapshot: undefined,
      commit: this.commit,
      damage: { log: false, hardState: false },
    });
  }
}

/** The same for messages that are the same. */
export function messageKey(from: string, to: string, message: Message): string {
  return JSON.stringify([from, to, message]);
}

/** Server states and messages by number, and what follows from what. */
export class Space {
  readonly locals: Local[] = [];
  readonly messages: { readonly from: string; readonly to: number; readonly message: Message }[] = [];
  readonly #rules: Partial<Rules>;
  readonly #localNumbers = new Map<string, number>();
  readonly #messageNumbers = new Map<string, number>();
  readonly #kinds = new Map<string, number>();

  constructor(rules: Partial<Rules>) {
    this.#rules = rules;
  }

  beginning(id: string): number {
    return this.#number(new Server(id, this.#rules), []);
  }

  step(from: number, key: string, action: Action): { readonly to: number; readonly sends: readonly number[] } | string {
    const { id, history, steps } = this.locals[from] as Local;
    const known = steps.get(key);
    if (known !== undefined) return known;
    const result = this.#run(id, history, action);
    steps.set(key, result);
    return result;
  }

  #run(id: string, history: readonly Action[], action: Action) {
    const server = new Server(id, this.#rules);
    for (const earlier of history) server.act(earlier);
    try {
      server.act(action);
    } catch (cause) {
      return String(cause);
    }
    const sends = server.sent.map(({ to, message }) => this.#message(id, to, message));
    return { to: this.#number(server, [...history, action]), sends };
  }

  #number(server: Server, history: readonly Action[]): number {
    const digest = server.digest();
    const known = this.#localNumbers.get(digest);
    if (known !== undefined) return known;
    const { role, term, commitIndex: commit } = server.machine.status();
    const { id, crashes, open } = server;
    const facts = { id, role, term, commit, log: server.log(), disk: server.disk() };
    const kindKey = JSON.stringify([id, role, facts.log, facts.disk, commit]);
    const kind = this.#kinds.get(kindKey) ?? this.#kinds.size;
    this.#kinds.set(kindKey, kind);
    this.locals.push({ ...facts, digest, kind, history, openCount: open.length, crashes, steps: new Map() });
    this.#localNumbers.set(digest, this.locals.length - 1);
    return this.locals.length - 1;
  }

  #message(from: string, to: string, message: Message): number {
    const key = messageKey(from, to, message);
    const known = this.#messageNumbers.get(key);
    if (known !== undefined) return known;
    this.messages.push({ from, to: servers.indexOf(to), message });
    this.#messageNumbers.set(key, this.messages.length - 1);
    return this.messages.length - 1;
  }
}
