import type { Address, Keyring, Millis, Random } from '@grp/core';
import { decodeSerf, encodeSerf, isMalformed, type SerfMessage } from '@grp/memberlist-wire';
import type { QueryOptions } from '../api.ts';
import { AskedQueries } from './asked.ts';
import type { SerfContext } from './context.ts';
import { UserEvents } from './events.ts';
import { Intents } from './intents.ts';
import { InternalQueries } from './internal.ts';
import { keyQueries, type KeyAction } from './keys.ts';
import { LamportClock, isLamportTime } from './lamport.ts';
import { responseBytesMax } from './limits.ts';
import { internalPrefix, Queries, responseBytes } from './queries.ts';

export interface SerfOptions {
  readonly random: Random;
  /** The ring that seals this node's traffic: key queries of the cluster change it. Without one they are refused. */
  readonly keyring?: Keyring | undefined;
  readonly gossipIntervalMs: Millis;
}

type Relay = Extract<SerfMessage, { type: 'relay' }>;

/**
 * What a Serf agent does above memberlist: intents, user events, queries and key management, as agents of 0.9.4 to
 * 0.10.x do it, so that they take this node for one of their own. Pure and bounded; whatever peers send is handled or
 * counted, never thrown.
 */
export class SerfLayer {
  readonly #context: SerfContext;
  readonly #queryClock = new LamportClock();
  readonly #intents: Intents;
  readonly #events: UserEvents;
  readonly #queries: Queries;
  readonly #asked: AskedQueries;

  constructor(context: SerfContext, { random, keyring, gossipIntervalMs }: SerfOptions) {
    this.#context = context;
    this.#intents = new Intents(context);
    this.#events = new UserEvents(context);
    const clock = this.#queryClock;
    this.#queries = new Queries({
      context,
      clock,
      random: random.fork('serf-relay'),
      internal: new InternalQueries({
        context,
        keyring,
        fits: (payload) => responseBytes(context.name, payload) <= responseBytesMax,
      }),
      deliver: (response) => this.#asked.receive(response),
    });
    this.#asked = new AskedQueries({
      context,
      clock,
      gossipIntervalMs,
      random: random.fork('serf-query'),
      askSelf: (query) => this.#queries.receiveOwn(query),
    });
  }

  /** The body of a user message of memberlist, by gossip or straight from `from`. */
  receive(body: Uint8Array, from: Address): void {
    const message = decodeSerf(body);
    if (isMalformed(message)) {
      this.#drop(`serf-${message.malformed}`);
      return;
    }
    switch (message.type) {
      case 'leave':
      case 'join':
        return this.#intents.receive(message, body);
      case 'user-event':
        return this.#events.receive(message, body);
      case 'query':
        return this.#queries.receive(message, body, from);
      case 'query-response':
        return this.#asked.receive(message);
      case 'relay':
        return this.#relay(message);
      default:
        this.#drop('serf-out-of-place'); // belongs into a response or a push-pull
    }
  }

  /** The user state of this node's side of a push-pull. */
  localState(): Uint8Array {
    return encodeSerf({
      type: 'push-pull',
      ...this.#intents.state(),
      ...this.#events.state(),
      queryTime: this.#queryClock.time,
    });
  }

  /**
   * The user state of the other side, after its member list has been merged. `join`: this node asked for the exchange in
   * order to join, so events from before it are not replayed; false for the side that was asked.
   */
  mergeState(state: Uint8Array, join: boolean): void {
    const message = decodeSerf(state);
    if (isMalformed(message) || message.type !== 'push-pull') {
      this.#drop(isMalformed(message) ? `serf-${message.malformed}` : 'serf-out-of-place');
      return;
    }
    const { queryTime } = message;
    if (isLamportTime(queryTime) && queryTime > 0) this.#queryClock.witness(queryTime - 1);
    this.#intents.merge(message);
    this.#events.merge(message, join);
  }

  /** Tells that this node is a member: after a join, when the states have been exchanged. Nothing once it leaves. */
  announceJoin(): void {
    this.#intents.announceJoin();
  }

  /** Tells that this node goes, before its memberlist record says so; agents would take its end for a failure else. */
  announceLeave(): void {
    this.#intents.announceLeave();
  }

  /** A member is live that was unknown, down or had left. */
  memberJoined(name: string): void {
    this.#intents.memberJoined(name);
  }

  /** A member is down or has left. */
  memberGone(name: string): void {
    this.#intents.memberGone(name);
  }

  /** A member is not remembered any longer. */
  memberForgotten(name: string): void {
    this.#intents.memberForgotten(name);
  }

  /** Sends an event to every member, this one included; longer than `eventBytesMax` it is dropped (`userEventBytes`). */
  sendEvent(name: string, payload: Uint8Array, coalesce: boolean): void {
    this.#events.send(name, payload, coalesce);
  }

  /** Asks members; `query-result` or `refused` with this ticket follows, perhaps before this returns. */
  ask(ticket: number, name: string, options: QueryOptions): void {
    this.#asked.ask({ ticket, purpose: 'query', name, options });
  }

  /** Answers a query once; nothing after its deadline, nor longer than `responseBytesMax` (`responseBytes`). */
  respond(queryKey: string, payload: Uint8Array): void {
    this.#queries.respond(queryKey, payload);
  }

  /** Has every member, this one included, carry out a key action; `key-report` or `refused` with this ticket follows. */
  manageKeys(ticket: number, action: KeyAction, key: Uint8Array = new Uint8Array()): void {
    const payload = encodeSerf({ type: 'key-request', key });
    const name = internalPrefix + keyQueries[action];
    this.#asked.ask({ ticket, purpose: 'keys', name, options: { payload } });
  }

  nextDeadline(): Millis | undefined {
    return this.#asked.nextDeadline();
  }

  /** Ends the queries whose deadline has come. */
  wake(): void {
    this.#asked.wake();
  }

  /** Passes a response on for another member; nothing else, and to nobody but members. */
  #relay({ to, body }: Relay): void {
    const message = decodeSerf(body);
    if (isMalformed(message) || message.type !== 'query-response' || body.length > responseBytesMax) {
      this.#drop('relay-content');
    } else if (to === this.#context.address) {
      this.#asked.receive(message);
    } else if (this.#context.memberAt(to) !== undefined) {
      this.#context.sendTo(to, body.slice());
    } else {
      this.#drop('relay-target');
    }
  }

  #drop(reason: string): void {
    this.#context.output({ type: 'dropped', reason });
  }
}
