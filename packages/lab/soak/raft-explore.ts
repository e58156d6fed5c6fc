// Every schedule of a small raft cluster, of the production core: three servers, two terms, three entries, in which any
// message may come at any time or never, any write may be durable at any time, and servers lose their power.
// `npm run soak -- raft-explore [--states N] [--terms N] [--entries N] [--crashes N] [--mutant RULE]`.
//
// A server's state is known by what it did: the inputs that led to it. Two histories count as one state when everything
// that can be seen of the server (its status, its log, its disk) is equal; each is then represented by the shorter one. So
// whatever is found is real; a difference that cannot be seen from outside may be missed.
import { parseArgs } from 'node:util';
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

const servers = ['a', 'b', 'c'];
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

const mutants: Readonly<Record<string, Partial<Rules>>> = {
  votes: { votesWaitForDisk: false },
  appends: { appendsWaitForDisk: false },
  logs: { isUpToDate: () => true },
  elections: { isElected: ({ voters }, granted) => voters.some(granted) },
  truncation: {
    firstConflict: ([first], termAt) => (termAt(first?.index ?? 0) === undefined ? undefined : first?.index),
  },
  commits: { mayCommit: () => true },
};

/** What may happen to one server. */
type Action = 'elect' | 'propose' | 'sync' | 'crash' | { readonly from: string; readonly message: Message };
type Write = Extract<Effect, { type: 'persist' }>;

/** One state of one server, by its number. */
interface Local {
  readonly id: string;
  readonly history: readonly Action[];
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  readonly log: readonly string[];
  readonly openCount: number;
  readonly crashes: number;
  /** Where each action leads, and which messages it sends; a text: it broke an invariant. */
  readonly steps: Map<string, { readonly to: number; readonly sends: readonly number[] } | string>;
}

class Server {
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

  log(): string[] {
    const { lastIndex } = this.machine.status();
    return Array.from({ length: lastIndex }, (_, index) => `${this.machine.termAt(index + 1) ?? '-'}`);
  }

  /** Everything that can be seen. */
  digest(): string {
    const open = this.open.map(({ entries, truncateFrom, hardState }) => [
      entries.map(({ index, term }) => `${index}:${term}`),
      truncateFrom,
      hardState,
    ]);
    const disk = [this.hardState, this.entries.map(({ term }) => term), this.commit];
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

/** Server states and messages by number, and what follows from what. */
class Space {
  readonly locals: Local[] = [];
  readonly messages: { readonly from: string; readonly to: number; readonly message: Message }[] = [];
  readonly #rules: Partial<Rules>;
  readonly #localNumbers = new Map<string, number>();
  readonly #messageNumbers = new Map<string, number>();

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
    const log = server.log();
    this.locals.push({ id, history, role, term, commit, log, openCount: open.length, crashes, steps: new Map() });
    this.#localNumbers.set(digest, this.locals.length - 1);
    return this.locals.length - 1;
  }

  #message(from: string, to: string, message: Message): number {
    const key = JSON.stringify([from, to, message]);
    const known = this.#messageNumbers.get(key);
    if (known !== undefined) return known;
    this.messages.push({ from, to: servers.indexOf(to), message });
    this.#messageNumbers.set(key, this.messages.length - 1);
    return this.messages.length - 1;
  }
}

/** A state of the cluster: three servers, messages on their way, who has led each term. */
interface Global {
  readonly at: readonly number[];
  readonly flying: readonly number[];
  readonly leaders: readonly number[];
}

/** Remembers 53 bits of each state that was seen; of ten million states, one or none is taken for another. */
class Seen {
  #table = new Float64Array(1 << 16);
  size = 0;

  /** False: it was there. */
  add({ at, flying, leaders }: Global): boolean {
    let [high, low] = [0x9e37_79b9, 0x85eb_ca6b];
    for (const value of [...at, -1, ...flying, -2, ...leaders]) {
      high = Math.imul(high ^ value, 0x01_00_01_93) ^ (low >>> 13);
      low = Math.imul(low ^ (value + 0x9e37), 0xc2b2_ae35) ^ (high >>> 15);
    }
    const hash = ((high >>> 0) & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0) + 1;
    if (this.size * 2 > this.#table.length) this.#grow();
    return this.#insert(hash);
  }

  #insert(hash: number): boolean {
    const table = this.#table;
    let slot = hash % table.length;
    while (table[slot] !== 0) {
      if (table[slot] === hash) return false;
      slot = (slot + 1) % table.length;
    }
    table[slot] = hash;
    this.size++;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Float64Array(old.length * 2);
    this.size = 0;
    for (const hash of old) if (hash !== 0) this.#insert(hash);
  }
}

interface Bounds {
  readonly states: number;
  readonly terms: number;
  readonly entries: number;
  readonly crashes: number;
}

/** What is wrong with a state of the cluster. */
function judge(space: Space, { at, leaders }: Global): string | undefined {
  const locals = at.map((number) => space.locals[number] as Local);
  for (const [index, { role, term, id }] of locals.entries())
    if (role === 'leader' && leaders[term] !== index)
      return `election safety: ${id} leads in term ${term}, as another did`;
  for (const one of locals) {
    for (const other of locals) {
      if (one === other) continue;
      const committed = one.log.slice(0, one.commit);
      const both = Math.min(one.commit, other.commit);
      if (committed.slice(0, both).join() !== other.log.slice(0, both).join())
        return `state machine safety: ${one.id} and ${other.id} committed different entries`;
      if (
        other.role === 'leader' &&
        other.term >= one.term &&
        other.log.slice(0, one.commit).join() !== committed.join()
      )
        return `leader completeness: ${other.id} leads in term ${other.term} without what ${one.id} committed`;
    }
  }
  return undefined;
}

function* moves(space: Space, { at, flying }: Global, bounds: Bounds): Generator<[number, string, Action, number]> {
  for (const [index, number] of at.entries()) {
    const { role, term, log, openCount, crashes } = space.locals[number] as Local;
    if (role !== 'leader' && term < bounds.terms) yield [index, 'elect', 'elect', -1];
    if (role === 'leader' && log.length < bounds.entries) yield [index, 'propose', 'propose', -1];
    if (openCount > 0) yield [index, 'sync', 'sync', -1];
    if (crashes < bounds.crashes) yield [index, 'crash', 'crash', -1];
  }
  for (const number of flying) {
    const { from, to, message } = space.messages[number] as Space['messages'][number];
    yield [to, `m${number}`, { from, message }, number];
  }
}

/** The message is gone when it has arrived; what never arrives is lost. */
function follow(
  space: Space,
  state: Global,
  index: number,
  to: number,
  sends: readonly number[],
  used: number,
): Global {
  const at = state.at.with(index, to);
  const flying = [...new Set([...state.flying.filter((number) => number !== used), ...sends])].toSorted(
    (a, b) => a - b,
  );
  const { role, term } = space.locals[to] as Local;
  const isNew = role === 'leader' && state.leaders[term] === undefined;
  const leaders = isNew ? Object.assign([...state.leaders], { [term]: index }) : state.leaders;
  return { at, flying, leaders };
}

function explore(bounds: Bounds, rules: Partial<Rules>) {
  const space = new Space(rules);
  const seen = new Seen();
  const first: Global = { at: servers.map((id) => space.beginning(id)), flying: [], leaders: [] };
  seen.add(first);
  // Depth by depth, so that what is found is found by a short story.
  let layer = [first];
  for (let depth = 0; layer.length > 0 && seen.size < bounds.states; depth++) {
    const next: Global[] = [];
    for (const state of layer) {
      for (const [index, key, action, used] of moves(space, state, bounds)) {
        const result = space.step(state.at[index] as number, key, action);
        const after =
          typeof result === 'string' ? undefined : follow(space, state, index, result.to, result.sends, used);
        if (after !== undefined && !seen.add(after)) continue;
        const problem = typeof result === 'string' ? result : after && judge(space, after);
        if (problem !== undefined) return { problem, depth, seen, space, isComplete: false };
        if (after !== undefined) next.push(after);
        if (seen.size >= bounds.states) break;
      }
      if (seen.size >= bounds.states) break;
    }
    layer = next;
  }
  return { problem: undefined, depth: -1, seen, space, isComplete: layer.length === 0 };
}

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '10000000' },
    terms: { type: 'string', default: '2' },
    entries: { type: 'string', default: '3' },
    crashes: { type: 'string', default: '1' },
    mutant: { type: 'string' },
  },
});
const bounds = {
  states: Number(values.states),
  terms: Number(values.terms),
  entries: Number(values.entries),
  crashes: Number(values.crashes),
};
const startedAt = performance.now();
const rules = values.mutant === undefined ? {} : mutants[values.mutant];
if (rules === undefined) throw new Error(`--mutant is one of ${Object.keys(mutants).join(', ')}`);
const { problem, depth, seen, space, isComplete } = explore(bounds, rules);
const ok = (problem === undefined) === (values.mutant === undefined);
process.stdout.write(
  `${JSON.stringify({
    soak: 'raft-explore',
    ok,
    ...bounds,
    mutant: values.mutant ?? null,
    statesSeen: seen.size,
    serverStates: space.locals.length,
    messages: space.messages.length,
    isComplete,
    problem: problem ?? null,
    depth,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  })}\n`,
);
if (!ok) process.exitCode = 8;
