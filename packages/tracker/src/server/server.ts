import {
  drive,
  Events,
  silentLogger,
  systemClock,
  systemRandom,
  type Address,
  type Cancel,
  type Clock,
  type Disk,
  type Driver,
  type GrpError,
  type Logger,
  type Random,
  type Streams,
} from '@grp/core';
import { trackerConfig, type TrackerConfig } from '../config.ts';
import { fromBase64, randomBytes, toBase64 } from '../encoding.ts';
import { trackerError } from '../errors.ts';
import type { Signer, TrackerCrypto } from '../ports.ts';
import type { Command, GroupInfo } from '../wire/messages.ts';
import { ConnectionEdge, type EdgeCounts } from './edge.ts';
import type { Effect, Input } from './effects.ts';
import { Journal } from './journal.ts';
import { TrackerMachine } from './machine.ts';
import type { GroupMetrics, TrackerHealth } from './reports.ts';

/** What a tracker needs from the world. */
export interface TrackerPorts {
  readonly streams: Streams;
  readonly crypto: TrackerCrypto;
  /** Its own folder. Without it everything is forgotten at the end, and the tracker has a new key each time. */
  readonly disk?: Disk | undefined;
  readonly clock?: Clock | undefined;
  /** Secrets are drawn from it: a cryptographic source (`systemRandom`, the default) outside of tests. */
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
}

/** How a tracker introduces itself, and how it behaves. */
export interface TrackerOptions {
  /** Message of the day, at most 1,000 characters. */
  readonly motd?: string | undefined;
  /** Whoever names it over the wire may administrate. Without it only this process may. */
  readonly adminToken?: string | undefined;
  readonly config?: Partial<TrackerConfig> | undefined;
}

/** What a tracker has measured: its own health, what was refused at its door, and what members reported, by group. */
export interface TrackerMetrics {
  readonly health: TrackerHealth;
  readonly edge: EdgeCounts;
  readonly journalBytes: number;
  readonly groups: readonly GroupMetrics[];
}

/** The tracker has stopped by itself. */
export interface TrackerFault {
  readonly type: 'fault';
  readonly error: GrpError | Error;
}

/** A tracker that runs in this process. */
export interface Tracker {
  readonly address: Address;
  /** 32 bytes: what members verify tickets with. */
  readonly publicKey: Uint8Array;
  /** Reads the journal, then listens. @throws GrpError TRACKER_JOURNAL_CORRUPT, TRACKER_JOURNAL_NEWER, DISK_IO */
  start(): Promise<void>;
  /** Says goodbye and lets go of everything; sessions and groups stay on the disk. Bounded by the disk alone. */
  stop(): Promise<void>;
  metrics(): TrackerMetrics;
  groups(): readonly GroupInfo[];
  /** Carries out a command as an administrator: `kick`, `ban`, `policy`, `motd`, … @throws GrpError TRACKER_* */
  execute(command: Command): Promise<Readonly<Record<string, unknown>>>;
  onFault(listener: (fault: TrackerFault) => void): Cancel;
}

const keyFile = 'tracker.key';

/**
 * Makes a tracker. Nothing starts before `start()`.
 * @throws GrpError CONFIG_INVALID
 * @example
 * const network = await openNetwork({ bind: '127.0.0.1:0', maxStreams: 12_000, maxStreamsPerPeer: 1_024 });
 * const tracker = createTracker({ streams: network.streams, crypto: nodeCrypto() });
 * await tracker.start();
 */
export function createTracker(ports: TrackerPorts, options: TrackerOptions = {}): Tracker {
  return new TrackerServer(ports, options);
}

interface Waiting {
  readonly resolve: (answer: Readonly<Record<string, unknown>>) => void;
  readonly reject: (cause: Error) => void;
}

const localMax = 256;

class TrackerServer implements Tracker {
  readonly #ports: TrackerPorts;
  readonly #options: TrackerOptions;
  readonly #config: TrackerConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #faults = new Events<TrackerFault>();
  readonly #local = new Map<number, Waiting>();
  #ticket = 0;
  #phase: 'new' | 'starting' | 'running' | 'stopped' = 'new';
  #signer: Signer | undefined;
  #machine: TrackerMachine | undefined;
  #driver: Driver<Input> | undefined;
  #edge: ConnectionEdge | undefined;
  #journal: Journal | undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor(ports: TrackerPorts, options: TrackerOptions) {
    const { clock = systemClock(), random = systemRandom(), logger = silentLogger } = ports;
    this.#ports = ports;
    this.#options = options;
    this.#config = trackerConfig.resolve(options.config);
    this.#clock = clock;
    this.#random = random.fork('tracker');
    this.#logger = logger;
  }

  get address(): Address {
    return this.#ports.streams.self;
  }

  get publicKey(): Uint8Array {
    if (this.#signer === undefined) throw trackerError('TRACKER_STOPPED');
    return this.#signer.publicKey.slice();
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') throw trackerError('TRACKER_STOPPED');
    this.#phase = 'starting';
    const { crypto, disk, streams } = this.#ports;
    const signer = crypto.signer(await this.#seed(disk));
    const journal = disk && this.#openJournal(disk);
    const entries = await journal?.load();
    if (this.#isStopped()) return;
    const wallOrigin = this.#clock.wallMs() - this.#clock.now();
    const machine = new TrackerMachine({
      ...{ config: this.#config, crypto, signer, now: this.#clock.now() },
      random: this.#random.fork('secrets'),
      wallMs: (at) => wallOrigin + at,
      ...(entries && { entries }),
      adminToken: this.#options.adminToken,
      motd: this.#options.motd,
    });
    for (const key of machine.refusedKeys) this.#logger.log('warn', 'tracker.entry-refused', { key });
    [this.#signer, this.#machine, this.#journal] = [signer, machine, journal];
    this.#edge = new ConnectionEdge({
      ...{ streams, clock: this.#clock, config: this.#config },
      push: (input) => this.#push(input),
    });
    this.#driver = drive<Input, Effect>({
      machine,
      clock: this.#clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => this.#fail(cause instanceof Error ? cause : new Error(String(cause))),
    });
    this.#phase = 'running';
    this.#edge.start();
    this.#logger.log('info', 'tracker.started', { address: this.address, key: toBase64(signer.publicKey) });
  }

  async stop(): Promise<void> {
    if (this.#phase === 'running') this.#push({ type: 'stop' });
    this.#halt();
    await Promise.all([this.#journal?.close(), this.#closed]);
  }

  metrics(): TrackerMetrics {
    const [machine, edge] = [this.#machine, this.#edge];
    if (machine === undefined || edge === undefined) throw trackerError('TRACKER_STOPPED');
    return {
      health: machine.health(this.#clock.now()),
      edge: edge.counts(),
      journalBytes: this.#journal?.bytes ?? 0,
      groups: machine.groupMetrics(),
    };
  }

  groups(): readonly GroupInfo[] {
    return this.#machine?.groups() ?? [];
  }

  async execute(command: Command): Promise<Readonly<Record<string, unknown>>> {
    if (this.#phase !== 'running') throw trackerError('TRACKER_STOPPED');
    if (this.#local.size >= localMax) throw trackerError('TRACKER_BUSY', { context: { what: 'commands under way' } });
    const ticket = ++this.#ticket;
    return new Promise((resolve, reject) => {
      this.#local.set(ticket, { resolve, reject });
      this.#push({ type: 'local', ticket, command });
    });
  }

  onFault(listener: (fault: TrackerFault) => void): Cancel {
    return this.#faults.on(listener);
  }

  /** The secret of the tracker's key: the one from last time, or a new one that is safe on the disk before it is used. */
  async #seed(disk: Disk | undefined): Promise<Uint8Array> {
    const fresh = randomBytes(this.#random.fork('key'), 32);
    if (disk === undefined) return fresh;
    const names = await disk.list('');
    if (names.includes(keyFile)) {
      const stored = await disk.read(keyFile, 0, 64);
      const seed = fromBase64(new TextDecoder().decode(stored).trim());
      if (seed?.length === 32) return seed;
      this.#logger.log('warn', 'tracker.key-unreadable', {});
    }
    await disk.write(`${keyFile}.new`, 0, new TextEncoder().encode(`${toBase64(fresh)}\n`));
    await disk.sync(`${keyFile}.new`);
    await disk.rename(`${keyFile}.new`, keyFile);
    await disk.syncDirectory('');
    return fresh;
  }

  #openJournal(disk: Disk): Journal {
    return new Journal({
      ...{ disk, crypto: this.#ports.crypto, logger: this.#logger },
      onDurable: (record) => this.#push({ type: 'durable', record }),
      onFailure: (error) => this.#fail(error),
    });
  }

  #push(input: Input): void {
    this.#driver?.push(input);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#edge?.send(effect.connection, effect.line, effect.isDroppable === true);
        break;
      case 'close':
        this.#edge?.close(effect.connection);
        break;
      case 'registered':
        this.#edge?.registered(effect.connection);
        break;
      case 'persist':
        this.#persist(effect);
        break;
      case 'settled':
        this.#take(effect.ticket)?.resolve(effect.answer);
        break;
      case 'refused':
        this.#take(effect.ticket)?.reject(effect.cause);
        break;
      case 'log':
        this.#logger.log(effect.level, effect.event, effect.fields);
        break;
    }
  }

  #persist({ record, key, value }: Extract<Effect, { type: 'persist' }>): void {
    if (this.#journal === undefined) {
      this.#push({ type: 'durable', record });
      return;
    }
    this.#journal.put(record, key, value);
    if (this.#journal.waitingCount <= this.#config.recordsWaitingMax) return;
    this.#fail(trackerError('TRACKER_DISK', { context: { problem: 'it has not answered for long' } }));
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#local.get(ticket);
    this.#local.delete(ticket);
    return waiting;
  }

  #fail(error: Error): void {
    if (this.#phase === 'stopped') return;
    this.#logger.log('error', 'tracker.fault', { message: error.message });
    this.#halt();
    this.#faults.emit({ type: 'fault', error });
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  #halt(): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#driver?.stop();
    if (this.#edge !== undefined) this.#closed = this.#edge.stop();
    for (const { reject } of this.#local.values()) reject(trackerError('TRACKER_STOPPED'));
    this.#local.clear();
  }
}
