import {
  fraction,
  invariant,
  systemRandom,
  type Address,
  type Cancel,
  type Clock,
  type Millis,
  type Random,
  type Streams,
} from '@grp/core';
import { ClientConnection, type Asked } from './client-connection.ts';
import { raftError } from './errors.ts';
import type { LogIndex } from './types.ts';
import type { ClientResponse } from './wire/client-frames.ts';

/** What a client runs on. */
export interface RaftClientPorts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly random?: Random;
}

/** Which servers a client asks, and in which group. */
export interface RaftClientOptions {
  /** Where servers listen; one that runs is enough to find the leader. */
  readonly servers: readonly Address[];
  /** Default `raft`. */
  readonly group?: string;
  /** How long an answer may take, all attempts together (default 5 s). */
  readonly timeoutMs?: Millis;
}

/** How a client repeats a request. */
export interface RequestOptions {
  /** Makes it exactly-once, as in `ProposeOptions`: it is then repeated even when its outcome is not known. */
  readonly session?: { readonly id: LogIndex; readonly sequence: number; readonly acknowledged: number };
}

const sweepMs = 50;
const pauseMsMin = 10;
const pauseMsMax = 40;
const waitingMax = 65_536;

/**
 * Sends commands to the leader of a group over one stream, many at a time: finds it, follows it, and repeats what surely was
 * not done. Without a session, what was under way when a connection broke ends as RAFT_OUTCOME_UNKNOWN.
 */
export class RaftClient {
  readonly #ports: RaftClientPorts;
  readonly #servers: readonly Address[];
  readonly #group: string;
  readonly #timeoutMs: Millis;
  readonly #random: Random;
  /** Where new requests go. */
  #current: ClientConnection | undefined;
  /** Those of a former leader, until everything on them is answered. */
  readonly #old = new Set<ClientConnection>();
  /** What waits for the next attempt. */
  #waiting: Asked[] = [];
  #next: number;
  #pauseMs = pauseMsMin;
  #cancelPause: Cancel | undefined;
  #cancelSweep: Cancel | undefined;
  #isClosed = false;

  constructor(ports: RaftClientPorts, { servers, group = 'raft', timeoutMs = 5_000 }: RaftClientOptions) {
    this.#ports = ports;
    this.#servers = servers;
    this.#group = group;
    this.#timeoutMs = timeoutMs;
    this.#random = ports.random ?? systemRandom();
    this.#next = Math.floor(fraction(this.#random) * servers.length);
  }

  /**
   * The state machine's answer, once the command is applied.
   * @throws GrpError RAFT_OUTCOME_UNKNOWN, RAFT_SESSION_REFUSED, RAFT_NO_LEADER or RAFT_OVERLOADED (nothing was done)
   */
  async propose(command: Uint8Array, { session }: RequestOptions = {}): Promise<Uint8Array> {
    const { id = 0, sequence = 0, acknowledged = 0 } = session ?? {};
    const done = await this.#ask({ type: 'command', session: id, sequence, acknowledged, command });
    return done.answer;
  }

  /** Opens a session; its id. @throws as `propose` */
  async openSession(): Promise<LogIndex> {
    return (await this.#ask({ type: 'register' })).index;
  }

  /** What is under way ends as RAFT_OUTCOME_UNKNOWN. */
  close(): void {
    this.#isClosed = true;
    this.#cancelPause?.();
    this.#cancelSweep?.();
    for (const connection of [this.#current, ...this.#old]) connection?.close();
    this.#old.clear();
    for (const asked of this.#waiting.splice(0)) asked.fail(raftError('RAFT_OUTCOME_UNKNOWN'));
  }

  #ask(payload: Asked['payload']): Promise<Extract<ClientResponse, { type: 'done' }>> {
    return new Promise((resolve, reject) => {
      const deadline = this.#ports.clock.now() + this.#timeoutMs;
      this.#send({ payload, deadline, done: resolve, fail: reject });
      this.#sweepLater();
    });
  }

  #send(asked: Asked): void {
    if (this.#isClosed) return asked.fail(raftError('RAFT_OUTCOME_UNKNOWN'));
    if (this.#cancelPause === undefined) return this.#connection().ask(asked);
    if (this.#waiting.length >= waitingMax)
      return asked.fail(raftError('RAFT_OVERLOADED', { context: { id: 'client' } }));
    this.#waiting.push(asked);
    return undefined;
  }

  #connection(to?: Address): ClientConnection {
    if (this.#current !== undefined && (to === undefined || to === this.#current.address)) return this.#current;
    const former = this.#current;
    if (former !== undefined) {
      if (former.size === 0) former.close();
      else this.#old.add(former);
    }
    const address = to ?? this.#servers[this.#next++ % this.#servers.length];
    invariant(address !== undefined, 'a client knows a server');
    this.#current = new ClientConnection(this.#ports.streams, { address, group: this.#group }, (asked, response) =>
      this.#settle(asked, response),
    );
    this.#current.onGone = (connection) => this.#gone(connection);
    return this.#current;
  }

  #gone(connection: ClientConnection): void {
    this.#old.delete(connection);
    if (this.#current === connection) this.#current = undefined;
  }

  #settle(asked: Asked, response: ClientResponse | 'not-sent'): void {
    if (response === 'not-sent') return this.#again(asked);
    if (response.type === 'done') {
      this.#pauseMs = pauseMsMin;
      return asked.done(response);
    }
    if (response.type === 'session-refused')
      return asked.fail(raftError('RAFT_SESSION_REFUSED', { context: { reason: response.reason } }));
    if (response.type === 'unknown') {
      const isSafe = asked.payload.type === 'command' && asked.payload.session !== 0;
      return isSafe ? this.#again(asked) : asked.fail(raftError('RAFT_OUTCOME_UNKNOWN'));
    }
    const { leader, reason } = response;
    return this.#again(asked, reason === 'not-leader' && leader !== '' ? (leader as Address) : undefined);
  }

  /** Another attempt: at once where the leader is said to be, else elsewhere after a moment. */
  #again(asked: Asked, leader?: Address): void {
    const { clock } = this.#ports;
    if (this.#isClosed) return asked.fail(raftError('RAFT_OUTCOME_UNKNOWN'));
    if (leader !== undefined && this.#cancelPause === undefined && leader !== this.#current?.address) {
      this.#connection(leader).ask(asked);
      return undefined;
    }
    if (this.#cancelPause === undefined) {
      const waitMs = this.#pauseMs * (0.5 + fraction(this.#random) / 2);
      this.#pauseMs = Math.min(this.#pauseMs * 1.5, pauseMsMax);
      this.#cancelPause = clock.wakeAt(clock.now() + waitMs, () => this.#retry());
    }
    this.#waiting.push(asked);
    return undefined;
  }

  #retry(): void {
    this.#cancelPause = undefined;
    const former = this.#current;
    this.#current = undefined;
    if (former !== undefined) {
      if (former.size === 0) former.close();
      else this.#old.add(former);
    }
    for (const asked of this.#waiting.splice(0)) this.#send(asked);
  }

  // One timer for all requests: most are answered long before their time.
  #sweepLater(): void {
    if (this.#cancelSweep !== undefined) return;
    const { clock } = this.#ports;
    this.#cancelSweep = clock.wakeAt(clock.now() + sweepMs, () => {
      this.#cancelSweep = undefined;
      const now = clock.now();
      const isLate = ({ deadline }: Asked): boolean => deadline <= now;
      for (const asked of this.#waiting.filter(isLate))
        asked.fail(raftError('RAFT_NO_LEADER', { context: { id: 'the client' } }));
      this.#waiting = this.#waiting.filter((asked) => !isLate(asked));
      let left = this.#waiting.length;
      for (const connection of [this.#current, ...this.#old]) {
        for (const asked of connection?.drop(isLate) ?? []) asked.fail(raftError('RAFT_OUTCOME_UNKNOWN'));
        left += connection?.size ?? 0;
      }
      if (left > 0) this.#sweepLater();
    });
  }
}
