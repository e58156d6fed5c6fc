import type { Address, NodeId } from '@grp/core';
import {
  decodeMessage,
  encodeMessage,
  OrderingMachine,
  type Effect,
  type Input,
  type Message,
  type Order,
  type OrderingConfig,
  type OrderingMember,
} from '../../src/index.ts';

/** One message between two members that the test has not let through yet. */
export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

export type Choose = (packet: Packet) => boolean;
const all: Choose = () => true;

/** A group whose every message passes through the test's hands, in the wire format. Names are one letter each. */
export class Hand {
  now = 0;
  readonly packets: Packet[] = [];
  readonly delivered: Record<string, string[]> = {};
  readonly positions: Record<string, number[]> = {};
  readonly installed: Record<string, number[]> = {};
  readonly effects: Effect[] = [];
  readonly #machines = new Map<string, OrderingMachine>();

  constructor(order: Order, names: string, config: Partial<OrderingConfig> = {}) {
    for (const name of names) {
      this.delivered[name] = [];
      this.positions[name] = [];
      this.installed[name] = [];
      this.#machines.set(name, new OrderingMachine({ self: member(name), order, config }));
    }
  }

  machine(name: string): OrderingMachine {
    return this.#machines.get(name) as OrderingMachine;
  }

  /** A view of these members, told to all of them or to some. */
  view(number: number, names: string, told: string = names): void {
    const view = { number, members: Array.from(names, (name) => member(name)) };
    for (const name of told) this.step(name, { type: 'view', view });
  }

  /** A view, and everything that it takes to install it. */
  found(names: string, number = 1): void {
    this.view(number, names);
    this.flow();
  }

  send(name: string, ...texts: readonly string[]): void {
    this.step(name, ...texts.map((text): Input => ({ type: 'send', payload: new TextEncoder().encode(text) })));
  }

  receive(to: string, from: string, message: Message): void {
    this.step(to, { type: 'receive', from: member(from).address, message });
  }

  /** Lets through what waits and what comes of it, oldest first, as far as the choice goes. Returns how many messages. */
  flow(choose: Choose = all): number {
    let count = 0;
    for (let index = this.packets.findIndex(choose); index >= 0; index = this.packets.findIndex(choose)) {
      const [packet] = this.packets.splice(index, 1) as [Packet];
      count++;
      const decoded = decodeMessage(encodeMessage(packet.message));
      this.step(packet.to, { type: 'receive', from: member(packet.from).address, message: decoded });
    }
    return count;
  }

  /** Lets through one round of what waits now, and nothing of what comes of it. */
  once(choose: Choose = all): void {
    for (const packet of this.packets.splice(0)) {
      if (choose(packet)) this.receive(packet.to, packet.from, packet.message);
      else this.packets.push(packet);
    }
  }

  lose(choose: Choose = all): void {
    const kept = this.packets.filter((packet) => !choose(packet));
    this.packets.splice(0, this.packets.length, ...kept);
  }

  /** It says nothing more; what it has sent is still under way. */
  crash(name: string): void {
    this.#machines.delete(name);
  }

  /** Time passes for all. */
  wait(ms: number): void {
    this.now += ms;
    for (const name of this.#machines.keys()) this.step(name, { type: 'wake' });
  }

  step(name: string, ...inputs: readonly (Input | { readonly type: 'wake' })[]): void {
    const machine = this.#machines.get(name);
    if (machine === undefined) return;
    for (const effect of machine.step(inputs, this.now)) this.#perform(name, effect);
  }

  #perform(name: string, effect: Effect): void {
    this.effects.push(effect);
    if (effect.type === 'transmit') {
      for (const to of effect.to) this.packets.push({ from: name, to: to[0] as string, message: effect.message });
    } else if (effect.type === 'deliver') {
      for (const { payload, position } of effect.deliveries) {
        this.delivered[name]?.push(new TextDecoder().decode(payload));
        this.positions[name]?.push(position);
      }
    } else if (effect.type === 'install') this.installed[name]?.push(effect.installed.view.number);
  }
}

export function member(name: string): OrderingMember {
  return { id: `${name}#1` as NodeId, address: `${name}:1` as Address };
}

/** Messages of one kind, from and to whom. */
export function of(types: string, path = '>'): Choose {
  const kinds = types.split(' ');
  const [from = '', to = ''] = path.split('>');
  return (packet) =>
    kinds.includes(packet.message.type) &&
    (from === '' || from.includes(packet.from)) &&
    (to === '' || to.includes(packet.to));
}
