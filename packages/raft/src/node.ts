import {
  Events,
  silentLogger,
  systemClock,
  systemRandom,
  type Address,
  type Cancel,
  type Clock,
  type GrpError,
  type Logger,
  type Millis,
  type Random,
} from '@grp/core';
import type { Log } from '@grp/storage';
import { raftConfig, raftPresets, type RaftConfig, type RaftPreset } from './config.ts';
import type { MembershipStep } from './effects.ts';
import { raftError } from './errors.ts';
import { openRaftStorage, type LogStorage } from './log-storage.ts';
import type { RaftNetwork } from './network.ts';
import { RaftMachine, type RaftStatus } from './protocol/machine.ts';
import { Replica, type Ended } from './replica.ts';
import { SessionedStateMachine, type StateMachine } from './state-machine.ts';
import type { Configuration, LogIndex, RoleName, ServerId, Term } from './types.ts';
import { isClientRefusal, type ClientRequest, type ClientResponse } from './wire/client-frames.ts';
import { PayloadCodec } from './wire/payload.ts';

/** One command; a session of a megabyte would not fit between two heartbeats. */
export const commandBytesMax = 1_000_000;
const answerTimeoutMs = 5_000;

/** What a server runs on. */
export interface RaftPorts {
  /** Where the log lives; opened, and closed, by its owner. */
  readonly log: Log;
  readonly network: RaftNetwork;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Calls back at the end of this turn of the event loop, so that one step serves all that came in it (`setImmediate`). */
  readonly defer?: (callback: () => void) => void;
}

/** Who a server is, and what it replicates. */
export interface RaftOptions {
  /** Unique, and bound to this log: a server whose disk was emptied needs another one. */
  readonly id: ServerId;
  /** Groups of one process share its port (default `raft`). */
  readonly group?: string;
  readonly stateMachine: StateMachine;
  /** Where others reach this server (default: where the network listens). */
  readonly address?: Address;
  /** The first servers, the same on each of them, with addresses; absent: this server waits to be added. */
  readonly bootstrap?: Pick<Configuration, 'voters' | 'addresses'>;
  /** Other things being equal, the greatest leads; then the greatest id (default 0). */
  readonly priority?: number;
  /** Takes commands from `RaftClient`s, on the port of raft (default false). Whoever reaches the port may then write. */
  readonly clients?: boolean;
  readonly preset?: RaftPreset;
  readonly config?: Partial<RaftConfig>;
}

/** What a server tells of itself. */
export type RaftEvent =
  | { readonly type: 'role'; readonly role: RoleName; readonly term: Term; readonly leader: ServerId | undefined }
  | { readonly type: 'configuration'; readonly index: LogIndex; readonly configuration: Configuration }
  | { readonly type: 'applied'; readonly index: LogIndex }
  | { readonly type: 'recovered' }
  /** The disk failed, or a bug was found: this server has stopped. */
  | { readonly type: 'fault'; readonly error: GrpError };

/** How long a proposal waits, and under which session. */
export interface ProposeOptions {
  /** How long to wait for the answer (default 5 s). */
  readonly timeoutMs?: Millis;
  /** Makes it exactly-once: the session's id, the command's number, and the first number that is not answered yet. */
  readonly session?: { readonly id: LogIndex; readonly sequence: number; readonly acknowledged: number };
}

export interface ReadOptions {
  /** `lease`: no message, as long as clocks drift less than `clockDriftMax` (default `read-index`). */
  readonly mode?: 'read-index' | 'lease';
  readonly timeoutMs?: Millis;
}

/** One server of a Raft group. */
export interface Raft {
  /** Reads the disk, restores the state machine, and takes part. */
  start(): Promise<void>;
  /** Hands leadership over and stops; what is pending is rejected. The log and the network stay open. */
  stop(): Promise<void>;
  /**
   * The state machine's answer, once the command is applied here.
   * @throws GrpError RAFT_NOT_LEADER, RAFT_NO_LEADER, RAFT_TRANSFERRING, RAFT_OVERLOADED, RAFT_LOW_ON_SPACE,
   * RAFT_OVERWRITTEN (in all of these nothing was done), RAFT_OUTCOME_UNKNOWN, RAFT_SESSION_REFUSED
   */
  propose(command: Uint8Array, options?: ProposeOptions): Promise<Uint8Array>;
  /** Opens a session; its id. @throws as `propose` */
  openSession(options?: { readonly timeoutMs?: Millis }): Promise<LogIndex>;
  /** Calls `query` when the state machine may be read, linearizably, on any server. @throws as `propose` */
  read<Value>(query: () => Value, options?: ReadOptions): Promise<Value>;
  /** Changes the configuration; several steps together are one joint change. @throws as `propose`, RAFT_CHANGE_REFUSED */
  change(steps: readonly MembershipStep[], options?: { readonly timeoutMs?: Millis }): Promise<void>;
  /** Hands leadership over; false when nobody took it. */
  transfer(to?: ServerId): Promise<boolean>;
  /** Asks for a snapshot now; `snapshotIndex` of the status tells when it is there. @throws GrpError RAFT_STOPPED */
  snapshot(): void;
  status(): RaftStatus;
  on(listener: (event: RaftEvent) => void): Cancel;
}

/**
 * Makes one server of a Raft group. Nothing starts before `start()`.
 * @throws GrpError CONFIG_INVALID
 */
export function createRaft(ports: RaftPorts, options: RaftOptions): Raft {
  return new RaftNode(ports, options);
}

interface Life {
  readonly replica: Replica;
  readonly storage: LogStorage;
  readonly peers: { close(): void };
}

class RaftNode implements Raft {
  readonly #ports: RaftPorts;
  readonly #options: RaftOptions;
  readonly #config: RaftConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #events: Events<RaftEvent>;
  readonly #payloads = new PayloadCodec();
  #life: Life | undefined;
  #endedFor: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(ports: RaftPorts, options: RaftOptions) {
    const { clock = systemClock(), random = systemRandom(), logger = silentLogger } = ports;
    this.#ports = ports;
    this.#options = options;
    this.#config = raftConfig.resolve({ ...raftPresets[options.preset ?? 'lan'], ...options.config });
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
    this.#events = new Events((cause) => logger.log('error', 'raft.listener-threw', { problem: String(cause) }));
  }

  async start(): Promise<void> {
    const { id, group = 'raft', priority = 0, bootstrap, stateMachine } = this.#options;
    const { log, network, defer } = this.#ports;
    const payloads = this.#payloads;
    const random = this.#random.fork(`raft:${id}`);
    const { storage, restored, snapshot } = await openRaftStorage(log, { payloads, random: random.fork('snapshots') });
    const sessioned = new SessionedStateMachine(stateMachine);
    if (snapshot !== undefined) await sessioned.restore(snapshot);
    const machine = new RaftMachine({
      id,
      priority,
      config: this.#config,
      random,
      ...(bootstrap && { bootstrap: { ...bootstrap, outgoing: [], learners: [] } }),
      ...(restored && { restored }),
    });
    const peers = network.join({
      group,
      self: id,
      address: this.#options.address,
      payloads,
      receive: (from, message) => this.#life?.replica.receive(from, message),
      connected: (peer) => this.#life?.replica.connected(peer),
      disconnected: (peer) => this.#life?.replica.disconnected(peer),
      serveClient: this.#options.clients === true ? (payload, answer) => this.#serve(payload, answer) : undefined,
    });
    peers.configure(machine.status().configuration);
    const replica = new Replica({
      machine,
      stateMachine: sessioned,
      storage,
      peers,
      clock: this.#clock,
      onEffect: (effect) => {
        if (effect.type === 'role' || effect.type === 'configuration' || effect.type === 'recovered')
          this.#events.emit(effect);
        else if (effect.type === 'apply')
          this.#events.emit({ type: 'applied', index: effect.entries.at(-1)?.index ?? 0 });
        else if (effect.type === 'stopped') this.#fault(effect.reason);
      },
      onFatal: (cause) => this.#fault(String(cause), cause),
      ...(defer && { defer }),
    });
    this.#life = { replica, storage, peers };
    storage.onSpace = (isLow) => replica.setLowOnSpace(isLow);
    replica.start();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  propose(command: Uint8Array, { timeoutMs, session }: ProposeOptions = {}): Promise<Uint8Array> {
    return this.#within(timeoutMs, (resolve, reject) => {
      if (command.length > commandBytesMax)
        throw raftError('RAFT_COMMAND_TOO_LONG', { context: { bytes: command.length, bytesMax: commandBytesMax } });
      const { id = 0, sequence = 0, acknowledged = 0 } = session ?? {};
      const payload = this.#payloads.prepare({ type: 'command', session: id, sequence, acknowledged, command });
      this.#running().replica.propose(payload, (ended) =>
        ended.type === 'done' ? resolve(ended.answer) : reject(this.#failure(ended)),
      );
    });
  }

  async openSession({ timeoutMs }: { readonly timeoutMs?: Millis } = {}): Promise<LogIndex> {
    const ended = await this.#ended((replica, done) => replica.propose({ type: 'register' }, done), timeoutMs);
    return ended.index;
  }

  async change(steps: readonly MembershipStep[], { timeoutMs }: { readonly timeoutMs?: Millis } = {}): Promise<void> {
    await this.#ended((replica, done) => replica.change(steps, done), timeoutMs);
  }

  async read<Value>(query: () => Value, { mode = 'read-index', timeoutMs }: ReadOptions = {}): Promise<Value> {
    const { replica } = this.#running();
    return this.#within<Value>(timeoutMs, (resolve, reject) =>
      replica.read(
        mode,
        (answer) => answer(query()),
        (ended) =>
          ended.type === 'done' ? resolve(ended.value as Value) : reject(this.#refusal(ended.reason, ended.leader)),
      ),
    );
  }

  transfer(to?: ServerId): Promise<boolean> {
    const { replica } = this.#running();
    return new Promise((resolve) => replica.transfer(to, resolve));
  }

  snapshot(): void {
    this.#running().replica.snapshot();
  }

  status(): RaftStatus {
    return this.#running().replica.status();
  }

  on(listener: (event: RaftEvent) => void): Cancel {
    return this.#events.on(listener);
  }

  async #stop(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    if (this.#endedFor === undefined && life.replica.status().role === 'leader') await this.transfer();
    this.#end('it was told to');
  }

  #end(reason: string): void {
    this.#endedFor ??= reason;
    const life = this.#life;
    life?.replica.stop();
    life?.storage.close();
    life?.peers.close();
  }

  #fault(reason: string, cause?: unknown): void {
    if (this.#endedFor !== undefined) return;
    this.#logger.log('error', 'raft.fault', { id: this.#options.id, reason });
    this.#endedFor = reason;
    const error = raftError('RAFT_STOPPED', { context: { id: this.#options.id, reason }, cause });
    // What the machine still has to say, a last word to its successor for example, goes out first.
    queueMicrotask(() => {
      this.#end(reason);
      this.#events.emit({ type: 'fault', error });
    });
  }

  #serve(payload: ClientRequest['payload'], answer: (response: ClientResponse) => void): void {
    const life = this.#life;
    if (life === undefined || this.#endedFor !== undefined)
      return answer({ type: 'not-done', reason: 'stopped', leader: '' });
    return life.replica.propose(payload, (ended) => {
      if (ended.type === 'done' || ended.type === 'unknown') answer(ended);
      else if (ended.type === 'refused') answer({ type: 'session-refused', reason: ended.reason });
      else {
        const { addresses } = life.replica.status().configuration;
        const reason = isClientRefusal(ended.reason) ? ended.reason : 'refused';
        answer({ type: 'not-done', reason, leader: (ended.leader && addresses[ended.leader]) ?? '' });
      }
    });
  }

  #running(): Life {
    const { id } = this.#options;
    if (this.#endedFor !== undefined) throw raftError('RAFT_STOPPED', { context: { id, reason: this.#endedFor } });
    if (this.#life === undefined) throw raftError('RAFT_NOT_STARTED', { context: { id } });
    return this.#life;
  }

  async #ended(
    ask: (replica: Replica, done: (ended: Ended) => void) => void,
    timeoutMs?: Millis,
  ): Promise<Extract<Ended, { type: 'done' }>> {
    const { replica } = this.#running();
    return this.#within(timeoutMs, (resolve, reject) =>
      ask(replica, (ended) => (ended.type === 'done' ? resolve(ended) : reject(this.#failure(ended)))),
    );
  }

  #failure(ended: Exclude<Ended, { type: 'done' }>): GrpError {
    if (ended.type === 'unknown') return raftError('RAFT_OUTCOME_UNKNOWN');
    if (ended.type === 'refused') return raftError('RAFT_SESSION_REFUSED', { context: { reason: ended.reason } });
    return this.#refusal(ended.reason, ended.leader);
  }

  /** What `begin` throws is a refusal, too. */
  #within<Value>(
    timeoutMs: Millis = answerTimeoutMs,
    begin: (resolve: (value: Value) => void, reject: (error: GrpError) => void) => void,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.wakeAt(this.#clock.now() + timeoutMs, () => reject(raftError('RAFT_OUTCOME_UNKNOWN')));
      const refuse = (error: unknown): void => {
        cancel();
        reject(error);
      };
      try {
        begin((value) => {
          cancel();
          resolve(value);
        }, refuse);
      } catch (cause) {
        refuse(cause);
      }
    });
  }

  #refusal(reason: Extract<Ended, { type: 'not-done' }>['reason'], leader: ServerId | undefined): GrpError {
    const { id } = this.#options;
    switch (reason) {
      case 'not-leader':
        return leader === undefined || leader === id
          ? raftError('RAFT_NO_LEADER', { context: { id } })
          : raftError('RAFT_NOT_LEADER', { context: { id, leader } });
      case 'transferring':
        return raftError('RAFT_TRANSFERRING', { context: { id } });
      case 'overloaded':
        return raftError('RAFT_OVERLOADED', { context: { id } });
      case 'low-on-space':
        return raftError('RAFT_LOW_ON_SPACE', { context: { id } });
      case 'overwritten':
        return raftError('RAFT_OVERWRITTEN');
      case 'stopped':
        return raftError('RAFT_STOPPED', { context: { id, reason: this.#endedFor ?? 'its disk failed' } });
      default:
        return raftError('RAFT_CHANGE_REFUSED', { context: { reason } });
    }
  }
}
