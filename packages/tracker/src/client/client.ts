import {
  drive,
  Events,
  silentLogger,
  systemClock,
  systemRandom,
  type Address,
  type Cancel,
  type Clock,
  type Driver,
  type GrpError,
  type Logger,
  type NodeId,
  type Random,
  type Streams,
} from '@grp/core';
import { trackerClientConfig, type TrackerClientConfig } from '../config.ts';
import { toBase64 } from '../encoding.ts';
import { trackerError } from '../errors.ts';
import { checkName } from '../names/names.ts';
import type { Signer, TrackerCrypto } from '../ports.ts';
import { checkSuccession, type Succession } from '../succession.ts';
import type { Command, CommandBody, CommandName } from '../wire/messages.ts';
import type { ResultOf } from '../wire/results.ts';
import type {
  JoinedGroup,
  RequestOptions,
  TrackerClient,
  TrackerClientState,
  TrackerEvent,
  TrackerSession,
} from './api.ts';
import { ClientEdge } from './edge.ts';
import type { ClientEffect, ClientInput } from './effects.ts';
import { safeInfo } from './groups.ts';
import { ClientMachine } from './machine.ts';

/** Bytes that one `relay` takes: what fits a line as base64. */
export const relayBytesMax = 5_632;

/** Where the tracker is, and who asks it. */
export interface TrackerClientOptions {
  /** Dials the tracker: plain (`openNetwork`), with TLS (`tlsStreams`), or simulated. */
  readonly streams: Pick<Streams, 'dial'>;
  /** The tracker's address. */
  readonly tracker: Address;
  /** One to 32 letters and digits of one script, and `.`, `_`, `-` after the first. */
  readonly nick: string;
  /** Where other members find this one: its UDP address, an IP address with a port. */
  readonly address: Address;
  /** This member's key; the same key takes its nick back from a session that is in the way. */
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** From an earlier `reserve`. */
  readonly nickToken?: string | undefined;
  /** Keeps the nick for the holder of this key, for 30 days after its last use. */
  readonly reserve?: boolean | undefined;
  /** 32 bytes: any other tracker is refused. Without it every tracker is trusted that can be reached; use TLS. */
  readonly trackerKey?: Uint8Array | undefined;
  /** Groups that the tracker has forgotten are made again by the first member that is back (default true). */
  readonly recreate?: boolean | undefined;
  readonly config?: Partial<TrackerClientConfig> | undefined;
}

/**
 * Makes a client. Nothing starts before `start()`.
 * @throws GrpError CONFIG_INVALID, TRACKER_NICK_INVALID
 * @example
 * const client = createTrackerClient({ streams, tracker, nick: 'ann', address, signer, crypto });
 * await client.start();
 * const { view } = await client.join('tea', { create: true, order: 'total' });
 */
export function createTrackerClient(options: TrackerClientOptions): TrackerClient {
  return new Client(options);
}

interface Waiting {
  readonly resolve: (body: unknown) => void;
  readonly reject: (cause: Error) => void;
  readonly cleanUp: () => void;
}

class Client implements TrackerClient {
  readonly #options: TrackerClientOptions;
  readonly #config: TrackerClientConfig;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #machine: ClientMachine;
  readonly #edge: ClientEdge;
  readonly #events: Events<TrackerEvent>;
  readonly #waiting = new Map<number, Waiting>();
  #driver: Driver<ClientInput> | undefined;
  #ticket = 0;
  #isHalted = false;
  #ended: Promise<void> = Promise.resolve();
  #state: TrackerClientState = 'new';
  #starting:
    | { readonly resolve: (session: TrackerSession) => void; readonly reject: (cause: Error) => void }
    | undefined;

  constructor(options: TrackerClientOptions) {
    const { clock = systemClock(), random = systemRandom(), logger = silentLogger, tracker } = options;
    const { nick, address, signer, crypto, nickToken, reserve, trackerKey, recreate } = options;
    this.#options = options;
    this.#config = trackerClientConfig.resolve(options.config);
    this.#clock = clock;
    this.#logger = logger;
    const problem = checkName(nick);
    if (typeof problem === 'string') throw trackerError('TRACKER_NICK_INVALID', { context: { problem } });
    this.#machine = new ClientMachine({
      ...{ tracker, nick, address, signer, crypto, nickToken, reserve, trackerKey, recreate },
      config: this.#config,
      random: random.fork('tracker-client'),
    });
    this.#edge = new ClientEdge({
      ...{ streams: options.streams, tracker, clock, dialTimeoutMs: this.#config.dialTimeoutMs },
      push: (input) => void this.#driver?.push(input),
    });
    this.#events = new Events((cause) => logger.log('warn', 'tracker-client.listener', { message: String(cause) }));
  }

  get state(): TrackerClientState {
    return this.#state;
  }

  get session(): TrackerSession | undefined {
    return this.#machine.session;
  }

  groups(): readonly JoinedGroup[] {
    return this.#machine.groups.list();
  }

  group(name: string): JoinedGroup | undefined {
    return this.#machine.groups.get(name);
  }

  rttMs(): number | undefined {
    return this.#machine.rttMs;
  }

  trackerWallMs(): number {
    const { wallOffsetMs } = this.#machine;
    return wallOffsetMs === undefined ? this.#clock.wallMs() : this.#clock.now() + wallOffsetMs;
  }

  async start({ timeoutMs, signal }: RequestOptions = {}): Promise<TrackerSession> {
    if (this.#state !== 'new') throw trackerError('TRACKER_CLIENT_STOPPED');
    signal?.throwIfAborted();
    this.#state = 'connecting';
    const driver = drive<ClientInput, ClientEffect>({
      machine: this.#machine,
      clock: this.#clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => this.#onBug(cause),
    });
    this.#driver = driver;
    const { clock, tracker } = { clock: this.#clock, tracker: this.#options.tracker };
    const lost = (): void => this.#failStart(trackerError('TRACKER_LOST', { context: { address: tracker } }));
    const cancelTimer = clock.wakeAt(clock.now() + (timeoutMs ?? this.#config.requestTimeoutMs), lost);
    const onAbort = (): void => this.#failStart(abortReason(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<TrackerSession>((resolve, reject) => {
        this.#starting = { resolve, reject };
        driver.push({ type: 'start' });
      });
    } finally {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async request<Name extends CommandName>(
    name: Name,
    body: CommandBody<Name>,
    options: RequestOptions = {},
  ): Promise<ResultOf<Name>> {
    return this.#ask({ do: name, ...body } as unknown as Command, options) as Promise<ResultOf<Name>>;
  }

  async join(
    group: string,
    { timeoutMs, signal, ...body }: Omit<CommandBody<'join'>, 'group'> & RequestOptions = {},
  ): Promise<JoinedGroup> {
    const result = await this.request('join', { group, ...body }, { timeoutMs, signal });
    // Another notice may have put this client out again before the promise is looked at.
    const nothing = { number: result.number, members: [] };
    return this.group(group) ?? { info: safeInfo(result), view: nothing, ticket: undefined };
  }

  async relay(group: string, to: NodeId, payload: Uint8Array): Promise<void> {
    if (payload.length > relayBytesMax)
      throw trackerError('TRACKER_LINE_TOO_LONG', { context: { max: relayBytesMax } });
    await this.request('relay', { group, to, payload: toBase64(payload) });
  }

  adopt(succession: Succession): boolean {
    const group = this.group(succession.group);
    if (group === undefined || this.#state === 'stopped') return false;
    if (checkSuccession(succession, group.view, this.#options.crypto) !== 'valid') return false;
    this.#driver?.push({ type: 'adopt', succession: { ...succession, group: group.info.group } });
    return true;
  }

  on(listener: (event: TrackerEvent) => void): Cancel {
    return this.#events.on(listener);
  }

  events(options?: Parameters<TrackerClient['events']>[0]): AsyncIterable<TrackerEvent> {
    return this.#events.iterate(options);
  }

  async stop({ reason = '', timeoutMs = 1_000 }: { reason?: string; timeoutMs?: number } = {}): Promise<void> {
    if (this.#state === 'ready') {
      this.#state = 'stopped'; // no new requests
      await this.#goodbye(reason, timeoutMs);
    }
    this.#halt(trackerError('TRACKER_CLIENT_STOPPED'));
    await this.#ended;
  }

  #goodbye(reason: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const ticket = ++this.#ticket;
      const done = (): void => {
        this.#waiting.get(ticket)?.cleanUp();
        this.#waiting.delete(ticket);
        resolve();
      };
      const cleanUp = this.#clock.wakeAt(this.#clock.now() + timeoutMs, done);
      this.#waiting.set(ticket, { resolve: done, reject: done, cleanUp });
      this.#driver?.push({ type: 'bye', ticket, reason });
    });
  }

  async #ask(
    command: Command,
    { timeoutMs = this.#config.requestTimeoutMs, signal }: RequestOptions,
  ): Promise<unknown> {
    if (this.#driver === undefined || this.#state === 'stopped') throw trackerError('TRACKER_CLIENT_STOPPED');
    signal?.throwIfAborted();
    const ticket = ++this.#ticket;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#driver?.push({ type: 'cancel', ticket });
        this.#take(ticket)?.reject(abortReason(signal));
      };
      const cleanUp = (): void => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(ticket, { resolve, reject, cleanUp });
      if (this.#driver?.push({ type: 'request', ticket, command, timeoutMs }) === false) {
        this.#take(ticket)?.reject(trackerError('TRACKER_CLIENT_BUSY'));
      }
    });
  }

  #perform(effect: ClientEffect): void {
    switch (effect.type) {
      case 'dial':
        this.#edge.dial(effect.connection);
        break;
      case 'write':
        this.#edge.write(effect.connection, effect.line);
        break;
      case 'hang-up':
        this.#edge.hangUp(effect.connection);
        break;
      case 'resolve':
        this.#take(effect.ticket)?.resolve(effect.body);
        break;
      case 'reject':
        this.#take(effect.ticket)?.reject(effect.error);
        break;
      case 'ready':
        this.#onReady(effect.session);
        break;
      case 'fatal':
        this.#failStart(effect.error);
        this.#halt(effect.error);
        break;
      case 'event':
        this.#onEvent(effect.event);
        break;
    }
  }

  #onReady(session: TrackerSession): void {
    this.#state = 'ready';
    this.#starting?.resolve(session);
    this.#starting = undefined;
  }

  #onEvent(event: TrackerEvent): void {
    if (event.type === 'lost' && this.#state === 'ready') this.#state = 'lost';
    if (event.type === 'back' && this.#state === 'lost') this.#state = 'ready';
    if (event.type === 'lost' || event.type === 'back') {
      const { tracker } = this.#options;
      this.#logger.log(event.type === 'lost' ? 'warn' : 'info', `tracker-client.${event.type}`, { tracker });
    }
    this.#events.emit(event);
  }

  #failStart(cause: Error): void {
    const starting = this.#starting;
    this.#starting = undefined;
    if (starting === undefined) return;
    this.#halt(cause);
    starting.reject(cause);
  }

  #onBug(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#logger.log('error', 'tracker-client.bug', { message: error.stack ?? error.message });
    this.#events.emit({ type: 'fault', error });
    this.#failStart(error);
    this.#halt(error);
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    waiting?.cleanUp();
    return waiting;
  }

  #halt(cause: GrpError | Error): void {
    if (this.#isHalted) return;
    this.#isHalted = true;
    this.#state = 'stopped';
    this.#driver?.stop();
    this.#ended = this.#edge.end();
    for (const ticket of [...this.#waiting.keys()]) this.#take(ticket)?.reject(cause);
    this.#starting?.reject(cause);
    this.#starting = undefined;
    this.#events.close();
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted');
}
