import type { Address, Clock, Millis } from '@grp/core';
import {
  decodeMapCommand,
  MapStateMachine,
  RaftMachine,
  Replica,
  SessionedStateMachine,
  type Configuration,
  type Effect,
  type Message,
  type RaftConfig,
  type Restored,
  type Rules,
  type SessionRules,
} from '@grp/raft';
import type { CommandEvent, Host, RaftEvent, TypedTransport } from '@grp/sim';
import type { Platter } from './platter.ts';
import { SimStorage } from './storage.ts';

export const raftPort = 7_950;

/** Moments at which a crash hurts most. */
export type Moment = 'vote-sent' | 'synced' | 'leader-appended';

export interface RaftServerOptions {
  readonly host: Host;
  readonly platter: Platter;
  readonly config: RaftConfig;
  readonly priority: number;
  readonly bootstrap: Configuration;
  readonly rules?: Partial<Rules> | undefined;
  readonly sessionRules?: SessionRules | undefined;
  /** Says what a life reads from its disk, when a test wants it to be told otherwise. */
  readonly retell?: ((restored: Restored | undefined) => Restored | undefined) | undefined;
  readonly messages: TypedTransport<{ readonly from: string; readonly message: Message }>;
  readonly address: (name: string) => Address | undefined;
  readonly now: () => Millis;
  readonly observe: (event: RaftEvent | CommandEvent) => void;
  /** True: the server dies of it. */
  readonly onMoment: (name: string, moment: Moment) => boolean;
  readonly onFatal: (name: string, cause: unknown) => void;
  readonly onStopped: (name: string) => void;
  readonly onRecovered: (name: string) => void;
}

/** One life of a server in the simulator: production's machine and replica, on a simulated disk. */
export class RaftServer {
  readonly replica: Replica;
  readonly storage: SimStorage;
  readonly map: MapStateMachine;
  readonly #options: RaftServerOptions;
  readonly #machine: RaftMachine;
  #role = 'follower';

  constructor(options: RaftServerOptions) {
    this.#options = options;
    const { host, platter, config, priority, bootstrap, rules, messages, onFatal } = options;
    const { name, clock } = host;
    this.storage = new SimStorage({
      platter,
      clock,
      random: host.random.fork('disk'),
      name,
      diesAfterSync: () => options.onMoment(name, 'synced'),
    });
    const { base, entries } = platter.image;
    this.#observe({ type: 'start', base, entries: [...entries] });
    const restored = platter.restore(host.random.fork('restore'));
    this.#machine = new RaftMachine({
      id: name,
      priority,
      config,
      random: host.random,
      bootstrap,
      ...maybe('restored', options.retell === undefined ? restored : options.retell(restored)),
      ...maybe('rules', rules),
    });
    this.map = new ObservedMap((command, index) => this.#executed(command, index));
    const stateMachine = new SessionedStateMachine(this.map, options.sessionRules);
    const { snapshot } = platter.image;
    if (snapshot !== undefined) stateMachine.restore([snapshot.bytes]);
    this.#observe({ type: 'restore', index: snapshot?.info.index ?? 0 });
    this.replica = new Replica({
      machine: this.#machine,
      stateMachine,
      storage: this.storage,
      clock,
      peers: {
        send: (to, message) => {
          const address = options.address(to);
          if (address !== undefined) messages.send(address, { from: name, message });
        },
        configure: () => {},
      },
      onEffect: (effect) => this.#onEffect(effect),
      onApplied: (entry) => this.#observe({ type: 'apply', entry }),
      onRestored: (index) => this.#observe({ type: 'restore', index }),
      onFatal: (cause) => onFatal(name, cause),
    });
    messages.onReceive((_, { from, message }) => this.replica.receive(from, message));
    this.replica.start();
  }

  get clock(): Clock {
    return this.#options.host.clock;
  }

  get isLeader(): boolean {
    return this.#role === 'leader';
  }

  #onEffect(effect: Effect): void {
    const { host, onMoment, onStopped, onRecovered } = this.#options;
    if (effect.type === 'persist') {
      const { reset, truncateFrom, entries } = effect;
      if (reset !== undefined) this.#observe({ type: 'start', base: reset, entries: [] });
      if (truncateFrom !== undefined || entries.length > 0)
        this.#observe({ type: 'log', ...maybe('truncateFrom', truncateFrom), entries });
      if (this.#role === 'leader' && entries.length > 0) onMoment(host.name, 'leader-appended');
    } else if (effect.type === 'install-snapshot') {
      this.#observe({ type: 'start', base: effect.snapshot, entries: [] });
    } else if (effect.type === 'role') this.#onRole(effect);
    else if (effect.type === 'send') {
      const { message } = effect;
      if (message.type === 'vote-response' && message.isGranted && !message.isPreVote) onMoment(host.name, 'vote-sent');
    } else if (effect.type === 'stopped') onStopped(host.name);
    else if (effect.type === 'recovered') onRecovered(host.name);
  }

  #onRole({ role, term }: Extract<Effect, { type: 'role' }>): void {
    this.#role = role;
    const machine = this.#machine;
    this.#observe({
      type: 'role',
      role: role === 'pre-candidate' ? 'follower' : role,
      term,
      termAt: (index) => machine.termAt(index),
      firstIndex: machine.status().firstIndex,
    });
  }

  #executed(command: string, index: number): void {
    const { host, observe, now } = this.#options;
    observe({ type: 'executed', at: now(), node: host.name, command, index });
  }

  #observe(event: WithoutPlace<RaftEvent>): void {
    const { host, observe, now } = this.#options;
    observe({ ...event, at: now(), node: host.name });
  }
}

type WithoutPlace<Event> = Event extends unknown ? Omit<Event, 'at' | 'node'> : never;

function maybe<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: Value };
}

/** Tells which commands are carried out: each carries a value of its own, and that is its name. */
class ObservedMap extends MapStateMachine {
  readonly #executed: (command: string, index: number) => void;

  constructor(executed: (command: string, index: number) => void) {
    super();
    this.#executed = executed;
  }

  override apply(bytes: Uint8Array, index = 0): Uint8Array {
    const command = decodeMapCommand(bytes);
    if (command?.type === 'put' || command?.type === 'compare-and-set') this.#executed(command.value, index);
    return super.apply(bytes);
  }
}
