import { drive, type Address, type Driver } from '@grp/core';
import type { GroupDelivery, GroupView, Host, TypedMessages } from '@grp/sim';
import { Gms1 } from './gms1.ts';
import { Gms2 } from './gms2.ts';
import { Gms3 } from './gms3.ts';
import { Gms4 } from './gms4.ts';
import {
  labelOf,
  type ColourChange,
  type LevelEffect,
  type LevelInput,
  type WorkerState,
  type Wire,
} from './messages.ts';
import type { PacketBook } from './packets.ts';

export const levelPort = 7_947;

/** A message under way, with the number by which a trace finds its arrival. */
export interface Letter {
  readonly serial: number;
  readonly wire: Wire;
}

/** What a member tells of itself; the run adds the time and the name. */
export type Told =
  | { readonly type: 'send'; readonly message: ColourChange }
  | { readonly type: 'order'; readonly message: ColourChange; readonly view: number }
  | {
      readonly type: 'deliver';
      readonly message: ColourChange;
      readonly view: number;
      readonly sequence?: number;
      readonly worker: WorkerState;
    }
  | { readonly type: 'install'; readonly view: GroupView; readonly sequence?: number }
  /** It took over a worker's state; `sequence` as of the last message in it. */
  | { readonly type: 'state'; readonly view: number; readonly sequence?: number; readonly worker: WorkerState }
  | { readonly type: 'exclude' }
  | {
      readonly type: 'transmit';
      readonly to: string;
      readonly serial: number;
      readonly label: string;
      readonly kind: string;
      readonly number?: number;
    }
  | { readonly type: 'receive'; readonly from: string; readonly serial: number };

/** What a level gets for one member. */
export interface MemberEnvironment {
  readonly host: Host;
  /** The members of the first view, in order; a member that is not among them joins later. */
  readonly founders: readonly string[];
  readonly delivery: GroupDelivery;
  readonly addressOf: (name: string) => Address;
  readonly nameOf: (address: Address) => string;
  /** Shared by all members of the run. */
  readonly letters: TypedMessages<Letter>;
  readonly packets: PacketBook;
  readonly nextSerial: () => number;
  readonly tell: (told: Told) => void;
  /** To be called after each send of a multicast: here a plan may let the process crash. */
  readonly sent: () => void;
  readonly isAlive: () => boolean;
}

/** One process of the group, worker included. */
export interface LevelMember {
  /** Whether it would number a message now. */
  readonly isLeader: boolean;
  readonly isMember: boolean;
  multicast(message: ColourChange): void;
  join(contact: string): void;
  /** The detector says, rightly or wrongly, that a member is down. */
  suspect(member: string): void;
  /** It takes that back. The classical levels never hear of it: their detector is held to be perfect. */
  trust(member: string): void;
}

export type StartMember = (environment: MemberEnvironment) => LevelMember;

const machines = { gms1: Gms1, gms2: Gms2, gms3: Gms3, gms4: Gms4 };

/** Starts members of one of the classical levels. */
export function classicLevel(level: keyof typeof machines): StartMember {
  return (environment) => new ClassicMember(level, environment);
}

class ClassicMember implements LevelMember {
  readonly #machine: Gms1;
  readonly #isNumbered: boolean;
  readonly #environment: MemberEnvironment;
  readonly #driver: Driver<LevelInput>;
  readonly #send: (to: string, wire: Wire) => void;

  constructor(level: keyof typeof machines, environment: MemberEnvironment) {
    const { host, founders, letters, addressOf, nameOf, nextSerial, tell } = environment;
    const isFounder = founders.includes(host.name);
    const view = { id: 1, members: founders };
    this.#environment = environment;
    this.#machine = new machines[level](host.name, isFounder ? view : undefined);
    this.#isNumbered = level === 'gms3' || level === 'gms4';
    const transport = letters.over(host.transport(levelPort));
    this.#driver = drive<LevelInput, LevelEffect>({
      machine: this.#machine,
      clock: host.clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => {
        throw cause;
      },
    });
    transport.onReceive((address, { serial, wire }) => {
      const from = nameOf(address);
      tell({ type: 'receive', from, serial });
      this.#driver.push({ type: 'receive', from, wire });
    });
    this.#send = (to, wire) => {
      const serial = nextSerial();
      const number = this.#isNumbered && 'number' in wire ? { number: wire.number } : {};
      tell({ type: 'transmit', to, serial, label: labelOf(wire), kind: wire.type, ...number });
      transport.send(addressOf(to), { serial, wire });
    };
    if (isFounder) tell({ type: 'install', view: { ...view, leader: founders[0] as string } });
  }

  get isLeader(): boolean {
    return this.#machine.isLeader;
  }

  get isMember(): boolean {
    return this.#machine.isMember;
  }

  multicast(message: ColourChange): void {
    this.#environment.tell({ type: 'send', message });
    this.#driver.push({ type: 'multicast', message });
  }

  join(contact: string): void {
    this.#driver.push({ type: 'join', contact });
  }

  suspect(member: string): void {
    this.#driver.push({ type: 'down', member });
  }

  trust(): void {}

  #perform(effect: LevelEffect): void {
    const { tell, sent, isAlive } = this.#environment;
    if (!isAlive()) return; // it crashed after an earlier effect of the same step
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.wire);
        if (effect.inMulticast) sent();
        break;
      case 'order':
        tell(effect);
        break;
      case 'deliver': {
        const { message, view, number: sequence, worker } = effect;
        tell({ type: 'deliver', message, view, worker, ...(this.#isNumbered && { sequence }) });
        break;
      }
      case 'install': {
        const { view, number: sequence, state: worker } = effect;
        const place = this.#isNumbered ? { sequence } : {};
        if (worker !== undefined)
          tell({ type: 'state', view: view.id, worker, ...(this.#isNumbered && { sequence: sequence - 1 }) });
        tell({ type: 'install', view: { ...view, leader: view.members[0] as string }, ...place });
      }
    }
  }
}
