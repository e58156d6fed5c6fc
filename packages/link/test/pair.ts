// Two link machines and the wire between them, by hand: a test sees each packet, and decides what arrives.
import { wake, type Address } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { LinkMachine, type LinkEffect, type LinkInput, type LinkSettings, type PeerStats } from '@grp/link';

export type Name = 'a' | 'b';
export interface Packet {
  readonly from: Name;
  readonly to: Name;
  readonly kind: 'data' | 'ack' | 'hello' | 'welcome' | 'reset';
  readonly payload: Uint8Array;
}

const kinds = { 0x10: 'data', 0x20: 'ack', 0x30: 'hello', 0x40: 'welcome', 0x50: 'reset' } as const;

export const address = (name: string): Address => `${name}:1` as Address;
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);

export class Pair {
  now = 0;
  readonly machines: Record<Name, LinkMachine>;
  /** On the wire, in the order of sending. */
  wire: Packet[] = [];
  /** `a < b hello` for what a heard, `a ! reset`, `a ! silent`, … */
  log: string[] = [];
  readonly #config: Partial<LinkSettings>;
  readonly datagramBytes: number;
  #lives = 0;

  constructor(config: Partial<LinkSettings> = {}, datagramBytes = 1_400) {
    this.#config = config;
    this.datagramBytes = datagramBytes;
    this.machines = { a: this.#machine(), b: this.#machine() };
  }

  #machine(): LinkMachine {
    const { datagramBytes } = this;
    return new LinkMachine({ random: seededRandom(++this.#lives), datagramBytes, config: this.#config });
  }

  /** A new life at the same address. */
  restart(name: Name): void {
    this.machines[name] = this.#machine();
  }

  step(name: Name, ...inputs: LinkInput[]): readonly LinkEffect[] {
    const effects = this.machines[name].step(inputs, this.now);
    for (const effect of effects) this.#perform(name, effect);
    return effects;
  }

  /** Messages of one turn. */
  say(from: Name, ...messages: (string | Uint8Array)[]): void {
    const to = address(from === 'a' ? 'b' : 'a');
    this.step(from, ...messages.map((message): LinkInput => ({ type: 'send', to, message: asBytes(message) })));
  }

  /** Brings the packets that are on the wire, in one turn for each side; those that `keep` refuses are lost. */
  carry(keep: (packet: Packet, index: number) => boolean = () => true): Packet[] {
    const packets = this.wire;
    this.wire = [];
    const arriving = packets.filter(keep);
    for (const name of ['a', 'b'] as const) {
      const own = arriving.filter(({ to }) => to === name);
      if (own.length > 0)
        this.step(
          name,
          ...own.map(({ from, payload }) => ({ type: 'datagram', from: address(from), payload }) as const),
        );
    }
    return packets;
  }

  /** Until nothing is on the wire. */
  settle(keep?: (packet: Packet, index: number) => boolean): void {
    for (let turn = 0; this.wire.length > 0; turn++) {
      if (turn > 10_000) throw new Error('the wire never falls silent');
      this.carry(keep);
    }
  }

  /** Lets time pass; what is due happens, and what is sent arrives, when `keep` lets it. */
  pass(ms: number, keep?: (packet: Packet, index: number) => boolean): void {
    const until = this.now + ms;
    for (let turn = 0; turn < 100_000; turn++) {
      this.settle(keep);
      const due = (['a', 'b'] as const).map((name) => this.machines[name].nextDeadline() ?? Infinity);
      const next = Math.min(...due);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      for (const [index, name] of (['a', 'b'] as const).entries()) {
        if ((due[index] as number) > this.now) continue;
        for (const effect of this.machines[name].step([wake], this.now)) this.#perform(name, effect);
      }
    }
    this.now = until;
  }

  /** One message there and back, so that both sides are sure. */
  meet(): void {
    this.say('a', 'hi');
    this.settle();
    this.say('b', 'hi');
    this.settle();
    this.pass(50);
    this.log = [];
  }

  peer(name: Name): PeerStats {
    const [first] = this.machines[name].stats().peers;
    if (first === undefined) throw new Error(`${name} knows nobody`);
    return first;
  }

  #perform(name: Name, effect: LinkEffect): void {
    if (effect.type === 'transmit') {
      const kind = kinds[((effect.payload[1] as number) & 0xf0) as keyof typeof kinds];
      this.wire.push({ from: name, to: effect.to.slice(0, 1) as Name, kind, payload: effect.payload });
    } else if (effect.type === 'deliver') {
      this.log.push(`${name} < ${effect.from.slice(0, 1)} ${brief(effect.message)}`);
    } else if (effect.type === 'refuse') this.log.push(`${name} ! refuse`);
    else if (effect.type === 'trouble') this.log.push(`${name} ! ${effect.reason}`);
    else this.log.push(`${name} ! ${effect.type}`);
  }
}

function asBytes(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? bytesOf(message) : message;
}

function brief(message: Uint8Array): string {
  return message.length < 40 ? text(message) : `${message.length} bytes`;
}
