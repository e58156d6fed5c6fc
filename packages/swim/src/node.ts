import {
  BandwidthMeter,
  drive,
  Events,
  silentLogger,
  systemClock,
  systemRandom,
  type Clock,
  type Driver,
  type Keyring,
  type Logger,
  type NodeId,
  type Random,
  type Streams,
  type Transport,
} from '@grp/core';
import {
  compoundOverheadBytes,
  datagramOverheadBytes,
  openDatagram,
  sealDatagram,
  type Message,
} from '@grp/memberlist-wire';
import type { JoinResult, KeyReport, Member, QueryOptions, QueryResult, Swim, SwimEvent, Tags } from './api.ts';
import { kindOfPart } from './bandwidth-kinds.ts';
import { swimConfig, swimPresets, type SwimConfig, type SwimPreset } from './config.ts';
import type { Effect, Input } from './effects.ts';
import { swimError } from './errors.ts';
import { checkedMeta, checkSize, defaultName } from './checks.ts';
import { SwimMachine } from './machine.ts';
import type { SeedResolver } from './ports.ts';
import { Requests } from './requests.ts';
import { userEventBytes } from './serf/events.ts';
import { eventBytesMax } from './serf/limits.ts';
import { StreamEdge } from './stream-edge.ts';

/** What a member needs from the world. All but the first two have defaults. */
export interface SwimPorts {
  readonly transport: Transport;
  /** On the same address as the transport, as memberlist expects. */
  readonly streams: Streams;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Counts datagrams when the transport does; message types are counted in any case. */
  readonly meter?: BandwidthMeter;
  /** Seals everything with AES-GCM; every member needs a key in common. */
  readonly keyring?: Keyring | undefined;
  /** Turns seeds into addresses (DNS); without it, seeds are IP addresses with ports. */
  readonly resolve?: SeedResolver;
}

/** Who a member is, and how it behaves. */
export interface SwimOptions {
  /** Unique among the living, `[A-Za-z0-9.-]{1,63}`; default: the address with `-` for `:`. */
  readonly name?: string | undefined;
  readonly tags?: Tags | undefined;
  /** Clusters with different labels never merge (1 … 255 bytes). */
  readonly label?: string | undefined;
  readonly preset?: SwimPreset | undefined;
  readonly config?: Partial<SwimConfig> | undefined;
}

/**
 * Makes one member of a swim cluster. Nothing starts before `start()`.
 * @throws GrpError SWIM_NAME_INVALID, SWIM_TAGS_TOO_LONG, CONFIG_INVALID
 * @example
 * const network = await openNetwork({ bind: '127.0.0.1:0' });
 * const swim = createSwim(network, { name: 'ann' });
 * swim.start();
 * await swim.join(['127.0.0.1:7946']);
 */
export function createSwim(ports: SwimPorts, options: SwimOptions = {}): Swim {
  return new SwimNode(ports, options);
}

type Phase = 'new' | 'running' | 'leaving' | 'stopped';

class SwimNode implements Swim {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #meter: BandwidthMeter;
  readonly #keyring: Keyring | undefined;
  readonly #label: string | undefined;
  readonly #config: SwimConfig;
  readonly #machine: SwimMachine;
  readonly #streams: StreamEdge;
  readonly #events: Events<SwimEvent>;
  readonly #requests: Requests;
  readonly #startedAt: number;
  #driver: Driver<Input> | undefined;
  #phase: Phase = 'new';
  #told: Promise<void> | undefined;
  #cancelReceive: () => void = () => {};

  constructor(ports: SwimPorts, options: SwimOptions) {
    const { transport, streams, clock = systemClock(), random = systemRandom(), logger = silentLogger } = ports;
    this.#transport = transport;
    this.#clock = clock;
    this.#logger = logger;
    this.#meter = ports.meter ?? new BandwidthMeter(clock);
    this.#keyring = ports.keyring;
    this.#label = options.label;
    this.#config = swimConfig.resolve({ ...swimPresets[options.preset ?? 'lan'], ...options.config });
    this.#startedAt = Math.round(clock.wallMs());
    const name = options.name ?? defaultName(transport.self);
    if (!/^[A-Za-z0-9.-]{1,63}$/.test(name)) throw swimError('SWIM_NAME_INVALID', { context: { name } });
    const wallOrigin = clock.wallMs() - clock.now();
    this.#machine = new SwimMachine({
      name,
      address: transport.self,
      meta: checkedMeta(options.tags ?? {}, this.#startedAt),
      incarnation: Math.floor(this.#startedAt / 1_000),
      config: this.#config,
      random: random.fork(`swim:${name}`),
      datagramBytes: transport.maxPayloadBytes - datagramOverheadBytes(this.#wrapping()) - compoundOverheadBytes,
      wallMs: (at) => wallOrigin + at,
      keyring: ports.keyring,
    });
    this.#events = new Events((cause) => this.#fault('SWIM_LISTENER', String(cause)));
    this.#requests = new Requests({
      clock,
      push: (input) => this.#push(input),
      ...(ports.resolve && { resolve: ports.resolve }),
    });
    this.#streams = new StreamEdge({
      streams,
      clock,
      meter: this.#meter,
      wrapping: this.#wrapping(),
      compress: this.#config.compress,
      timeoutMs: this.#config.streamTimeoutMs,
      streamsMax: this.#config.streamsMax,
      push: (input) => this.#push(input),
    });
  }

  get self(): Member {
    return this.#machine.self();
  }

  members(): readonly Member[] {
    return this.#machine.members();
  }

  start(): void {
    if (this.#phase === 'stopped') throw swimError('SWIM_STOPPED');
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    this.#driver = drive<Input, Effect>({
      machine: this.#machine,
      clock: this.#clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => this.#onFatal(cause),
    });
    this.#cancelReceive = this.#transport.onReceive((from, payload) => this.#receive(from, payload));
    this.#streams.start();
    this.#push({ type: 'start' });
  }

  join(seeds: readonly string[], options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<JoinResult> {
    return this.#running(() => this.#requests.join(seeds, { timeoutMs: this.#config.streamTimeoutMs, ...options }));
  }

  async leave({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#phase === 'running') {
      this.#phase = 'leaving';
      this.#told = this.#requests.leave(timeoutMs);
      this.#push({ type: 'leave' });
    }
    await this.#told; // a second call waits for the first
    this.stop();
  }

  stop(): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#cancelReceive();
    this.#driver?.stop();
    this.#streams.stop();
    this.#requests.failAll(swimError('SWIM_STOPPED'));
    this.#events.close();
  }

  setTags(tags: Tags): void {
    const meta = checkedMeta(tags, this.#startedAt);
    this.#requireDriver();
    this.#push({ type: 'set-meta', meta });
  }

  sendEvent(name: string, payload: Uint8Array, { coalesce = false }: { coalesce?: boolean } = {}): void {
    this.#requireDriver();
    checkSize('SWIM_EVENT_TOO_LONG', userEventBytes(name, payload), eventBytesMax);
    this.#push({ type: 'send-event', name, payload, coalesce });
  }

  query(name: string, options: QueryOptions = {}): Promise<QueryResult> {
    return this.#running(() => this.#requests.query(name, options));
  }

  readonly keys: Swim['keys'] = {
    list: () => this.#manageKeys('list'),
    install: (key) => this.#manageKeys('install', key),
    use: (key) => this.#manageKeys('use', key),
    remove: (key) => this.#manageKeys('remove', key),
  };

  rtt(): ReturnType<Swim['rtt']> {
    return this.members()
      .filter(({ id }) => id !== this.self.id)
      .map(({ name, rttMs }) => ({ name, measuredMs: rttMs, estimatedMs: this.#machine.estimatedRttMs(name) }));
  }

  health(): ReturnType<Swim['health']> {
    const { healthScore: score, broadcastsQueued } = this.#machine;
    return { score, broadcastsQueued, dropped: this.#meter.report().dropped };
  }

  bandwidth(): ReturnType<Swim['bandwidth']> {
    return this.#meter.report();
  }

  resetBandwidth(): void {
    this.#meter.reset();
  }

  on(listener: (event: SwimEvent) => void): () => void {
    return this.#events.on(listener);
  }

  events(options?: Parameters<Swim['events']>[0]): AsyncIterable<SwimEvent> {
    return this.#events.iterate(options);
  }

  onSuspect(listener: (member: NodeId) => void): () => void {
    return this.on((event) => {
      if (event.type === 'down' || event.type === 'leave') listener(event.member.id);
    });
  }

  onTrust(listener: (member: NodeId) => void): () => void {
    return this.on((event) => {
      if (event.type === 'join' || event.type === 'alive') listener(event.member.id);
    });
  }

  hint(member: string): void {
    this.#push({ type: 'hint', member });
  }

  #manageKeys(action: 'list' | 'install' | 'use' | 'remove', key?: Uint8Array): Promise<KeyReport> {
    return this.#running(() => {
      if (this.#keyring === undefined) throw swimError('SWIM_NO_KEYRING');
      return this.#requests.manageKeys(action, key);
    });
  }

  /** Runs a request of a started member; whatever is wrong with it becomes a rejection, never a throw. */
  async #running<Result>(request: () => Promise<Result>): Promise<Result> {
    this.#requireDriver();
    return request();
  }

  #requireDriver(): Driver<Input> {
    if (this.#phase === 'stopped') throw swimError('SWIM_STOPPED');
    if (this.#driver === undefined) throw swimError('SWIM_NOT_STARTED');
    return this.#driver;
  }

  #push(input: Input): boolean {
    if (this.#driver?.push(input) !== false) return true;
    if (this.#phase !== 'stopped') this.#meter.drop('inbox-limit');
    return false;
  }

  #wrapping(): { keyring?: Keyring; label?: string } {
    const keyring = this.#keyring;
    const label = this.#label;
    return { ...(keyring && { keyring }), ...(label !== undefined && { label }) };
  }

  #receive(from: Parameters<Transport['send']>[0], payload: Uint8Array): void {
    const parts = openDatagram(payload, this.#wrapping());
    if ('malformed' in parts) {
      this.#meter.drop(parts.malformed);
      return;
    }
    const messages: Message[] = [];
    for (const part of parts) {
      if (part.message === undefined) {
        this.#meter.drop(part.malformed);
      } else {
        this.#meter.message('in', part.message.type, part.bytes);
        messages.push(part.message);
      }
    }
    const bytes = payload.length - datagramOverheadBytes(this.#wrapping());
    if (messages.length > 0) this.#push({ type: 'datagram', from, bytes, messages });
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        for (const part of effect.parts) this.#meter.message('out', kindOfPart(part), part.length);
        this.#transport.send(effect.to, sealDatagram(effect.parts, { ...this.#wrapping(), crc: effect.crc }));
        break;
      case 'exchange':
        this.#streams.exchange(effect);
        break;
      case 'answer':
        this.#streams.answer(effect.ticket, effect.message);
        break;
      case 'hang-up':
        this.#streams.hangUp(effect.ticket);
        break;
      case 'member':
        this.#onMember(effect);
        break;
      case 'output':
        this.#onOutput(effect.output);
        break;
      case 'joined':
        this.#requests.settle(effect.ticket, effect);
        break;
      case 'left':
        this.#requests.onLeft();
        break;
      case 'conflict':
        this.#onConflict(effect.address);
        break;
      case 'drop':
        this.#meter.drop(effect.reason);
        break;
    }
  }

  #onMember({ kind, member }: Extract<Effect, { type: 'member' }>): void {
    const { name, address, incarnation } = member;
    this.#logger.log(kind === 'suspect' ? 'debug' : 'info', `swim.${kind}`, { name, address, incarnation });
    this.#events.emit({ type: kind, member });
  }

  #onOutput(output: Extract<Effect, { type: 'output' }>['output']): void {
    if (output.type === 'query-result') {
      this.#requests.settle(output.ticket, output.result);
    } else if (output.type === 'key-report') {
      this.#requests.settle(output.ticket, output.report);
    } else if (output.type === 'refused') {
      const { reason, bytes, ticket } = output;
      this.#requests.fail(
        ticket,
        reason === 'busy'
          ? swimError('SWIM_BUSY', { context: { what: 'queries' } })
          : swimError('SWIM_QUERY_TOO_LONG', { context: { bytes, max: 1_024 } }),
      );
    } else if (output.type === 'user-event') {
      this.#events.emit(output);
    } else if (output.type === 'query') {
      const { queryKey, name, payload, from } = output;
      const respond = (response: Uint8Array): void => void this.#push({ type: 'respond', queryKey, payload: response });
      this.#events.emit({ type: 'query', name, payload, from, respond });
    }
  }

  #onConflict(address: Member['address']): void {
    const { name } = this.self;
    const error = swimError('SWIM_NAME_TAKEN', { context: { name, address } });
    this.#logger.log('error', 'swim.conflict', { name, address });
    this.#requests.failAll(error);
    this.#events.emit({ type: 'conflict', name, address });
    this.stop();
  }

  #onFatal(cause: unknown): void {
    const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.#logger.log('error', 'swim.bug', { message });
    this.#events.emit({ type: 'fault', code: 'SWIM_BUG', message });
    this.stop();
  }

  #fault(code: string, message: string): void {
    this.#logger.log('warn', 'swim.fault', { code, message });
  }
}
