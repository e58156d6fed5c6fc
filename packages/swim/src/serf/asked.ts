import { Deadlines, type Millis, type Random } from '@grp/core';
import { encodeSerf } from '@grp/memberlist-wire';
import type { QueryOptions } from '../api.ts';
import type { SerfContext } from './context.ts';
import { encodeFilters, readFilters } from './filters.ts';
import { reportKeys } from './keys.ts';
import type { LamportClock } from './lamport.ts';
import {
  askedMax,
  queryBytesMax,
  queryTimeoutFactor,
  queryTimeoutMsMax,
  relayCountMax,
  responseBytesMax,
} from './limits.ts';
import { broadcastKey, queryFlags, queryKeyOf, type QueryMessage, type ResponseMessage } from './queries.ts';

/** gossip interval × 16 × ⌈log10(n + 1)⌉, as Serf has it; counted in whole numbers, so that every engine agrees. */
export function queryTimeoutMs(gossipIntervalMs: Millis, memberCount: number): Millis {
  let digits = 0;
  for (let power = 1; power < memberCount + 1; power *= 10) digits++;
  return gossipIntervalMs * queryTimeoutFactor * digits;
}

type Purpose = 'query' | 'keys';

/** A query of this node that is open. */
interface Asked {
  readonly ticket: number;
  readonly purpose: Purpose;
  readonly memberCount: number;
  readonly acknowledgements: Set<string>;
  readonly responses: Map<string, Uint8Array>;
  /** Live members that are meant and have not answered, or not acknowledged: when nobody is left, it is over early. */
  readonly awaited: Set<string>;
  readonly unacknowledged: Set<string>;
  /** False when it cannot be known here who is meant. */
  readonly endsEarly: boolean;
  readonly answersMax: number;
  responseBytes: number;
}

export interface Question {
  readonly ticket: number;
  readonly purpose: Purpose;
  readonly name: string;
  readonly options: QueryOptions;
}

export interface AskedOptions {
  readonly context: SerfContext;
  readonly random: Random;
  readonly clock: LamportClock;
  readonly gossipIntervalMs: Millis;
  /** Asks this node too. */
  readonly askSelf: (query: QueryMessage) => void;
}

/** The asking side of queries: collects what comes back until the deadline, or until everyone who could answer has. */
export class AskedQueries {
  readonly #context: SerfContext;
  readonly #random: Random;
  readonly #clock: LamportClock;
  readonly #gossipIntervalMs: Millis;
  readonly #askSelf: (query: QueryMessage) => void;
  readonly #open = new Map<string, Asked>();
  readonly #deadlines = new Deadlines<string>();

  constructor({ context, random, clock, gossipIntervalMs, askSelf }: AskedOptions) {
    this.#context = context;
    this.#random = random;
    this.#clock = clock;
    this.#gossipIntervalMs = gossipIntervalMs;
    this.#askSelf = askSelf;
  }

  ask(question: Question): void {
    const { ticket } = question;
    const message = this.#message(question);
    const body = encodeSerf(message);
    if (body.length > queryBytesMax || this.#open.size >= askedMax) {
      const reason = body.length > queryBytesMax ? 'query-too-long' : 'busy';
      this.#context.output({ type: 'refused', ticket, reason, bytes: body.length });
      return;
    }
    this.#clock.take();
    const key = queryKeyOf(message);
    this.#open.set(key, this.#expect(question, message));
    this.#deadlines.set(key, this.#context.now() + message.timeoutMs);
    this.#context.broadcast(body, broadcastKey(message));
    this.#askSelf(message);
  }

  receive(response: ResponseMessage): void {
    const key = queryKeyOf(response);
    const asked = this.#open.get(key);
    if (asked === undefined) {
      this.#drop('no-such-query'); // over, or never asked
      return;
    }
    const news =
      (response.flags & queryFlags.acknowledge) === 0
        ? this.#takeAnswer(asked, response)
        : this.#takeAck(asked, response);
    if (news && asked.endsEarly && asked.awaited.size === 0 && asked.unacknowledged.size === 0) this.#finish(key);
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  wake(): void {
    const now = this.#context.now();
    for (let key = this.#deadlines.takeDue(now); key !== undefined; key = this.#deadlines.takeDue(now))
      this.#finish(key);
  }

  #message({ name, options }: Question): QueryMessage {
    const { name: self, address } = this.#context;
    const { payload = new Uint8Array(), timeoutMs, acknowledge = false, relayCount = 0 } = options;
    const wanted = timeoutMs ?? queryTimeoutMs(this.#gossipIntervalMs, this.#context.memberCount());
    return {
      type: 'query',
      time: this.#clock.time,
      id: this.#random.nextU32() >>> 1, // Serf draws 31 bits
      source: { address, name: self },
      filters: encodeFilters(options),
      flags: acknowledge ? queryFlags.acknowledge : 0,
      relayCount: bounded(Math.trunc(relayCount), 0, relayCountMax),
      timeoutMs: bounded(wanted, 1, queryTimeoutMsMax),
      name,
      payload,
    };
  }

  #expect({ ticket, purpose, options }: Question, { filters }: QueryMessage): Asked {
    const awaited = new Set<string>();
    const selects = readFilters(filters);
    let known = selects !== undefined;
    for (const member of this.#context.members()) {
      if (member.status !== 'alive' && member.status !== 'suspect') continue;
      const selected = selects?.(member);
      if (selected === undefined) known = false;
      else if (selected) awaited.add(member.name);
    }
    const memberCount = this.#context.memberCount();
    return {
      ticket,
      purpose,
      memberCount,
      acknowledgements: new Set(),
      responses: new Map(),
      unacknowledged: new Set(options.acknowledge === true ? awaited : []),
      endsEarly: known && awaited.size > 0,
      awaited,
      answersMax: Math.max(64, 2 * memberCount), // members may join while it is open
      responseBytes: 0,
    };
  }

  /** True when it is news. Relayed copies are no news. */
  #takeAck(asked: Asked, { from }: ResponseMessage): boolean {
    if (asked.acknowledgements.has(from)) return false;
    if (asked.acknowledgements.size >= asked.answersMax) return this.#drop('responses-limit');
    asked.acknowledgements.add(from);
    return asked.unacknowledged.delete(from);
  }

  #takeAnswer(asked: Asked, { from, payload }: ResponseMessage): boolean {
    if (asked.responses.has(from)) return false;
    const bytes = asked.responseBytes + payload.length;
    if (asked.responses.size >= asked.answersMax || bytes > asked.answersMax * responseBytesMax) {
      return this.#drop('responses-limit');
    }
    asked.responses.set(from, payload.slice());
    asked.responseBytes = bytes;
    return asked.awaited.delete(from);
  }

  #finish(key: string): void {
    const asked = this.#open.get(key);
    if (asked === undefined) return;
    this.#open.delete(key);
    this.#deadlines.delete(key);
    const { ticket, purpose, acknowledgements, memberCount } = asked;
    const responses = [...asked.responses].map(([from, payload]) => ({ from, payload }));
    if (purpose === 'keys') {
      this.#context.output({ type: 'key-report', ticket, report: reportKeys(responses, memberCount) });
    } else {
      const result = { acknowledgements: [...acknowledgements], responses };
      this.#context.output({ type: 'query-result', ticket, result });
    }
  }

  #drop(reason: string): false {
    this.#context.output({ type: 'dropped', reason });
    return false;
  }
}

/** What is no number becomes the least. */
function bounded(value: number, min: number, max: number): number {
  return value > min ? Math.min(value, max) : min;
}
