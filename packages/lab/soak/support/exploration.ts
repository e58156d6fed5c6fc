// All that three servers can get into, in one order or another, and what must hold in each of these states.
import type { Message, Rules } from '@grp/raft';
import { Queue, RareFirst, Seen, type Frontier, type Global, type Move } from './exploration-states.ts';
import { messageKey, Server, servers, Space, type Action, type Local } from './explored-server.ts';

/** How far an exploration goes. */
export interface Bounds {
  readonly states: number;
  readonly terms: number;
  readonly entries: number;
  /** Of each server. */
  readonly crashes: number;
}

/** How an exploration goes about it. */
export interface Manner {
  readonly order: Order;
  /** What has happened before: `elect a b` (by b's vote), `sync a`, `crash a`, `lose` (all that is on its way). */
  readonly prefix: readonly string[];
  /** Remembers how it came to each state, which takes memory. */
  readonly tellsStory: boolean;
}

/** `depth`: what is found is found by the shortest story. `rare`: what looks like nothing before comes first. */
export type Order = 'depth' | 'rare';

/** What is wrong with a state of the cluster, in which server `index` has just done something. */
function judge(space: Space, { at, leaders, committed }: Global, index: number): string | undefined {
  const locals = at.map((number) => space.locals[number] as Local);
  const { role, term, id, log, commit } = locals[index] as Local;
  if (committed.slice(0, commit).some((entry, place) => log[place] !== entry.term))
    return `state machine safety: ${id} committed what is not what another did`;
  if (role === 'leader' && leaders[term] !== index)
    return `election safety: ${id} leads in term ${term}, as another did`;
  if (role === 'leader' && committed.some((entry, place) => entry.by <= term && log[place] !== entry.term))
    return `leader completeness: ${id} leads in term ${term} without all that was committed before`;
  for (const [place, entry] of committed.entries()) {
    const holders = locals.filter((one) => one.log[place] === entry.term && one.disk[place] === entry.term);
    if (holders.length * 2 < servers.length)
      return `committed entries stay with a majority: entry ${place + 1} of term ${entry.term} is on ${holders.length} disk`;
  }
  return undefined;
}

function* moves(space: Space, { at, flying }: Global, bounds: Bounds, untouched: readonly number[]): Generator<Move> {
  // At first all servers are alike, and then the two that nothing has happened to: what one of them does stands for all.
  const isIdle = (index: number): boolean => at[index] === untouched[index];
  const isTwin = (index: number): boolean => index > 0 && isIdle(index) && isIdle(index - 1);
  for (const [index, number] of at.entries()) {
    if (isTwin(index)) continue;
    const { role, term, log, openCount, crashes } = space.locals[number] as Local;
    const move = (action: Action & string): Move => ({ index, key: action, action, used: -1 });
    if (role !== 'leader' && term < bounds.terms) yield move('elect');
    if (role === 'leader' && log.length < bounds.entries) yield move('propose');
    if (openCount > 0) yield move('sync');
    if (crashes < bounds.crashes) yield move('crash');
  }
  for (const number of flying) {
    const { from, to, message } = space.messages[number] as Space['messages'][number];
    if (!isTwin(to)) yield { index: to, key: `m${number}`, action: { from, message }, used: number };
  }
}

/** Which of the moves comes next; undefined: it has got where it wanted, or cannot. */
type Wants = (state: Global, possible: readonly Move[]) => Move | undefined;

const strideMax = 24;

/**
 * Several moves in one turn: what two servers do when nothing comes between. All of them are moves like any others, and all
 * states on the way are met; so nothing is reached that single moves do not reach, but the far end of a story is, sooner.
 */
function* strides(space: Space, { at }: Global): Generator<Wants> {
  for (const [from, number] of at.entries()) {
    const isLeader = (space.locals[number] as Local).role === 'leader';
    for (const to of at.keys())
      if (to !== from) yield isLeader ? replication(space, from, to) : election(space, from, to);
  }
}

/** A leader and one follower, until it has everything on its disk. The leader's own disk takes its time. */
function replication(space: Space, from: number, to: number): Wants {
  return (state, possible) => between({ space, from, to }, state, possible, 'append') ?? local(possible, to, 'sync');
}

/** A candidate and one voter, until it leads. */
function election(space: Space, from: number, to: number): Wants {
  let past: number | undefined;
  return (state, possible) => {
    const { role, term } = localOf(space, state, from);
    if (role === 'leader') return undefined;
    // Whoever has voted in a term already is asked in the next.
    const isFirst = past === undefined;
    past ??= localOf(space, state, to).term;
    if (isFirst || term <= past) return local(possible, from, 'elect');
    const vote = between({ space, from, to }, state, possible, 'vote');
    return local(possible, from, 'sync') ?? vote ?? local(possible, to, 'sync');
  };
}

function localOf(space: Space, { at }: Global, index: number): Local {
  return space.locals[at[index] as number] as Local;
}

function local(possible: readonly Move[], index: number, key: string): Move | undefined {
  return possible.find((move) => move.index === index && move.key === key);
}

interface Pair {
  readonly space: Space;
  readonly from: number;
  readonly to: number;
}

/** A message of this kind between the two, of the term of the first. */
function between({ space, from, to }: Pair, state: Global, possible: readonly Move[], type: string): Move | undefined {
  const { term } = localOf(space, state, from);
  return possible.find(({ index, used }) => {
    const flying = space.messages[used];
    if (flying === undefined || flying.message.term !== term || !flying.message.type.startsWith(type)) return false;
    const sender = servers.indexOf(flying.from);
    return (index === to && sender === from) || (index === from && sender === to);
  });
}

/** The message is gone when it has arrived; what never arrives is lost. Undefined: nothing else has happened. */
function follow(
  space: Space,
  state: Global,
  move: Move,
  { to, sends }: { readonly to: number; readonly sends: readonly number[] },
): Global | undefined {
  const { index, used } = move;
  const isNews = to !== state.at[index] || sends.some((number) => !state.flying.includes(number));
  // One that never arrives could do the same: whatever follows from here follows from where it is still on its way.
  if (!isNews) return undefined;
  const flying = [...new Set([...state.flying.filter((number) => number !== used), ...sends])].toSorted(
    (a, b) => a - b,
  );
  const { role, term, commit, log } = space.locals[to] as Local;
  const isNew = role === 'leader' && state.leaders[term] === undefined;
  const leaders = isNew ? Object.assign([...state.leaders], { [term]: index }) : state.leaders;
  const { length } = state.committed;
  const fresh = log.slice(length, commit).map((entry) => ({ term: entry, by: term }));
  const committed = fresh.length === 0 ? state.committed : [...state.committed, ...fresh];
  return { at: state.at.with(index, to), flying, leaders, committed, before: { state, move } };
}

/** What an exploration has found. */
export interface Found {
  readonly problem: string | undefined;
  /** What led to the problem, in order. */
  readonly story: readonly string[];
  /** The same, done once more by three fresh servers from the beginning, leads to the same. */
  readonly isReal: boolean;
  readonly statesSeen: number;
  readonly serverStates: number;
  readonly messages: number;
  /** There is nothing else within the bounds. */
  readonly isComplete: boolean;
}

/** Goes through the states of three servers under these rules, until something is wrong with one. */
export function explore(bounds: Bounds, rules: Partial<Rules>, manner: Manner): Found {
  return new Exploration(bounds, rules, manner).run();
}

class Exploration {
  readonly #bounds: Bounds;
  readonly #rules: Partial<Rules>;
  readonly #manner: Manner;
  readonly #space: Space;
  readonly #seen = new Seen();
  readonly #frontier: Frontier;
  readonly #untouched: readonly number[];
  #wrong: { readonly problem: string; readonly last: Global } | undefined;

  constructor(bounds: Bounds, rules: Partial<Rules>, manner: Manner) {
    this.#bounds = bounds;
    this.#rules = rules;
    this.#manner = manner;
    this.#space = new Space(rules);
    this.#frontier = manner.order === 'depth' ? new Queue() : new RareFirst(this.#space);
    this.#untouched = servers.map((id) => this.#space.beginning(id));
  }

  run(): Found {
    const first = { at: this.#untouched, flying: [], leaders: [], committed: [], before: undefined };
    const begun = this.#manner.prefix.reduce<Global>((state, words) => this.#act(state, words), first);
    this.#meet(begun);
    for (let state = this.#next(); state !== undefined; state = this.#next()) {
      for (const move of this.#moves(state)) this.#make(state, move);
      if (this.#manner.order === 'rare') for (const wants of strides(this.#space, state)) this.#stride(state, wants);
    }
    const isComplete = this.#wrong === undefined && this.#seen.size < this.#bounds.states;
    const { locals, messages } = this.#space;
    return {
      problem: this.#wrong?.problem,
      ...told(this.#space, this.#wrong?.last, this.#rules),
      ...{ isComplete, statesSeen: this.#seen.size, serverStates: locals.length, messages: messages.length },
    };
  }

  #next(): Global | undefined {
    if (this.#wrong !== undefined || this.#seen.size >= this.#bounds.states) return undefined;
    return this.#frontier.pop();
  }

  #moves(state: Global): Generator<Move> {
    return moves(this.#space, state, this.#bounds, this.#untouched);
  }

  /** Moves of the prefix: real ones, of whose states the last is the first to go on from. */
  #act(from: Global, words: string): Global {
    if (words === 'lose') return { ...from, flying: [] };
    const [what = '', ...ids] = words.split(' ');
    const [index = -1, voter = -1] = ids.map((id) => servers.indexOf(id));
    const wants: Wants =
      what === 'elect'
        ? election(this.#space, index, voter)
        : (state, possible) => (state === from ? local(possible, index, what) : undefined);
    let state = from;
    for (let move = wants(state, [...this.#moves(state)]); move !== undefined;) {
      const result = this.#space.step(state.at[move.index] as number, move.key, move.action);
      const after = typeof result === 'string' ? undefined : follow(this.#space, state, move, result);
      if (after === undefined) break;
      state = after;
      move = wants(state, [...this.#moves(state)]);
    }
    if (state === from) throw new Error(`"${words}" cannot happen there`);
    return state;
  }

  #stride(from: Global, wants: Wants): void {
    let state: Global | undefined = from;
    for (let length = 0; length < strideMax && state !== undefined; length++) {
      const move = wants(state, [...this.#moves(state)]);
      if (move === undefined) return;
      state = this.#make(state, move);
    }
  }

  /** Undefined: it leads to nothing else, or to something wrong. */
  #make(state: Global, move: Move): Global | undefined {
    const result = this.#space.step(state.at[move.index] as number, move.key, move.action);
    if (typeof result === 'string') {
      this.#wrong ??= { problem: result, last: { ...state, before: { state, move } } };
      return undefined;
    }
    const after = follow(this.#space, state, move, result);
    if (after === undefined || !this.#meet(after)) return after;
    const problem = judge(this.#space, after, move.index);
    if (problem !== undefined) this.#wrong ??= { problem, last: after };
    return after;
  }

  /** False: it was known. */
  #meet(state: Global): boolean {
    if (!this.#seen.add(state)) return false;
    this.#frontier.push(this.#manner.tellsStory ? state : { ...state, before: undefined });
    return true;
  }
}

/** The moves that led to a state, in words, and whether fresh servers can make them. */
function told(space: Space, last: Global | undefined, rules: Partial<Rules>): Pick<Found, 'story' | 'isReal'> {
  const path: Move[] = [];
  for (let at = last?.before; at !== undefined; at = at.state.before) path.unshift(at.move);
  const story = path.map(({ index, action }) => {
    const id = servers[index] as string;
    return typeof action === 'string' ? `${action} ${id}` : `${action.from}→${id} ${inWords(action.message)}`;
  });
  const locals = (last?.at ?? []).map((number) => space.locals[number] as Local);
  return { story, isReal: path.length > 0 && isPossible(path, locals, rules) };
}

/** Whether three fresh servers can do all this, one thing after the other, and are then in the states that were judged. */
function isPossible(path: readonly Move[], last: readonly Local[], rules: Partial<Rules>): boolean {
  const fresh = servers.map((id) => new Server(id, rules));
  const flying = new Set<string>();
  for (const [place, { index, action }] of path.entries()) {
    const server = fresh[index] as Server;
    if (typeof action !== 'string' && !flying.delete(messageKey(action.from, server.id, action.message))) return false;
    try {
      server.act(action);
    } catch {
      return place === path.length - 1; // an invariant of the core, which is what was found
    }
    for (const { to, message } of server.sent) flying.add(messageKey(server.id, to, message));
  }
  return fresh.every((server, index) => server.digest() === last[index]?.digest);
}

function inWords(message: Message): string {
  const { type, term } = message;
  if (type === 'append-request') {
    const { previous, entries, commit } = message;
    const terms = entries.map((entry) => entry.term).join();
    return `${type} of term ${term}: after ${previous.index} [${terms}], commit ${commit}`;
  }
  if (type === 'append-response')
    return `${type} of term ${term}: ${message.mismatch === undefined ? message.match : 'mismatch'}`;
  if (type === 'vote-response') return `${type} of term ${term}: ${message.isGranted ? 'yes' : 'no'}`;
  return `${type} of term ${term}`;
}
