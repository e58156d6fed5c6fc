import { sample, type Address, type Millis, type Random } from '@grp/core';
import { encodeSerf, type Endpoint, type SerfMessage } from '@grp/memberlist-wire';
import type { SerfContext } from './context.ts';
import { readFilters } from './filters.ts';
import type { InternalQueries } from './internal.ts';
import { RecentTimes, isLamportTime, type LamportClock } from './lamport.ts';
import { answerableMax, passOnBytesMax, queriesPerTimeMax, queryTimeoutMsMax, responseBytesMax } from './limits.ts';

export type QueryMessage = Extract<SerfMessage, { type: 'query' }>;
export type ResponseMessage = Extract<SerfMessage, { type: 'query-response' }>;

export const queryFlags = { acknowledge: 1, noBroadcast: 2 } as const;
export const internalPrefix = '_serf_';

/** What a response takes on the wire, in bytes, from a member of this name; at most `responseBytesMax` are sent. */
export function responseBytes(from: string, payload: Uint8Array): number {
  return encodeSerf({ type: 'query-response', time: 0xffff_ffff, id: 0xffff_ffff, from, flags: 0, payload }).length;
}

/** A query that this node has seen and may still answer. */
interface Answerable extends Pick<QueryMessage, 'time' | 'id' | 'source' | 'relayCount'> {
  readonly deadline: Millis;
}

export interface QueriesOptions {
  readonly context: SerfContext;
  readonly random: Random;
  readonly clock: LamportClock;
  readonly internal: InternalQueries;
  /** Takes a response to a query of this very node. */
  readonly deliver: (response: ResponseMessage) => void;
}

/** The answering side of queries: each is taken once, passed on, and answered when this node is meant. */
export class Queries {
  readonly #context: SerfContext;
  readonly #random: Random;
  readonly #clock: LamportClock;
  readonly #internal: InternalQueries;
  readonly #deliver: (response: ResponseMessage) => void;
  readonly #recent: RecentTimes<Set<number>>;
  readonly #answerable = new Map<string, Answerable>();

  constructor({ context, random, clock, internal, deliver }: QueriesOptions) {
    this.#context = context;
    this.#random = random;
    this.#clock = clock;
    this.#internal = internal;
    this.#deliver = deliver;
    this.#recent = new RecentTimes(clock);
  }

  /** A query that came by gossip; `body` is passed on as it is. */
  receive(message: QueryMessage, body: Uint8Array, from: Address): void {
    if (!this.#isNew(message)) return;
    if ((message.flags & queryFlags.noBroadcast) === 0) {
      if (body.length <= passOnBytesMax) this.#context.broadcast(body.slice(), broadcastKey(message));
      else this.#drop('too-long-to-pass-on');
    }
    if (!this.#isMeant(message)) return;
    if (this.#isMember(message.source, from)) this.#take(message);
    else this.#drop('query-source');
  }

  /** A query of this node's own: it is asked like everyone else. */
  receiveOwn(message: QueryMessage): void {
    if (this.#isNew(message) && this.#isMeant(message)) this.#take(message);
  }

  /** Answers once; ignored after the deadline. What is too long is refused and counted. */
  respond(queryKey: string, payload: Uint8Array): void {
    const query = this.#answerable.get(queryKey);
    if (query === undefined) return;
    if (responseBytes(this.#context.name, payload) > responseBytesMax) {
      this.#drop('response-too-long');
      return;
    }
    this.#answerable.delete(queryKey);
    if (this.#context.now() <= query.deadline) this.#send(query, 0, payload);
  }

  #isNew({ time, id }: QueryMessage): boolean {
    if (!isLamportTime(time)) return this.#drop('time-limit');
    this.#clock.witness(time);
    if (this.#recent.isOver(time)) return this.#drop('query-old');
    const seen = this.#recent.get(time) ?? new Set();
    if (seen.has(id)) return false;
    if (seen.size >= queriesPerTimeMax) return this.#drop('queries-limit');
    if (seen.size === 0) this.#recent.set(time, seen);
    seen.add(id);
    return true;
  }

  #isMeant({ filters }: QueryMessage): boolean {
    if (filters.length === 0) return true;
    const { name } = this.#context;
    const tags = this.#context.member(name)?.tags ?? {};
    return readFilters(filters)?.({ name, tags }) ?? this.#drop('filter');
  }

  /** Answers go to members, or back where the query came from: a forged source must not turn the cluster on a stranger. */
  #isMember({ address }: Endpoint, from: Address): boolean {
    return address === from || this.#context.memberAt(address) !== undefined;
  }

  #take(query: QueryMessage): void {
    const { time, id, source, relayCount, name, flags } = query;
    const payload = query.payload.slice();
    const timeoutMs = Math.min(Math.max(query.timeoutMs, 0), queryTimeoutMsMax);
    const answerable: Answerable = { time, id, source, relayCount, deadline: this.#context.now() + timeoutMs };
    if ((flags & queryFlags.acknowledge) !== 0) this.#send(answerable, queryFlags.acknowledge, new Uint8Array());
    if (name.startsWith(internalPrefix)) {
      const answer = this.#internal.answer(name.slice(internalPrefix.length), payload);
      if (answer !== undefined) this.#send(answerable, 0, answer);
      return;
    }
    const queryKey = queryKeyOf(query);
    this.#remember(queryKey, answerable);
    this.#context.output({ type: 'query', queryKey, name, payload, from: source.name });
  }

  #remember(queryKey: string, query: Answerable): void {
    if (this.#answerable.size >= answerableMax) this.#makeRoom();
    this.#answerable.set(queryKey, query);
  }

  #makeRoom(): void {
    const now = this.#context.now();
    for (const [key, { deadline }] of this.#answerable) if (deadline < now) this.#answerable.delete(key);
    if (this.#answerable.size < answerableMax) return;
    for (const oldest of this.#answerable.keys()) {
      this.#answerable.delete(oldest);
      this.#drop('answers-limit');
      return;
    }
  }

  #send({ time, id, source, relayCount }: Answerable, flags: number, payload: Uint8Array): void {
    const response: ResponseMessage = { type: 'query-response', time, id, from: this.#context.name, flags, payload };
    if (source.address === this.#context.address) {
      this.#deliver(response);
      return;
    }
    const body = encodeSerf(response);
    this.#context.sendTo(source.address, body);
    if (relayCount > 0) this.#relay(source, relayCount, body);
  }

  /** Sends the response through others too, in case the direct way loses it; not in a cluster too small to be worth it. */
  #relay(source: Endpoint, relayCount: number, body: Uint8Array): void {
    if (this.#context.memberCount() < relayCount + 1) return;
    const wrapped = encodeSerf({ type: 'relay', to: source.address, toName: source.name, body });
    if (wrapped.length > responseBytesMax) {
      this.#drop('relay-too-long');
      return;
    }
    const others: Address[] = [];
    for (const { name, address, status } of this.#context.members()) {
      if (status === 'alive' && name !== this.#context.name && address !== source.address) others.push(address);
    }
    for (const address of sample(this.#random, others, relayCount)) this.#context.sendTo(address, wrapped);
  }

  #drop(reason: string): false {
    this.#context.output({ type: 'dropped', reason });
    return false;
  }
}

/** One query of the whole cluster. */
export function queryKeyOf({ time, id }: Pick<QueryMessage, 'time' | 'id'>): string {
  return `${time}.${id}`;
}

export function broadcastKey(message: Pick<QueryMessage, 'time' | 'id'>): string {
  return `serf|query|${queryKeyOf(message)}`;
}
