import type { Address, Millis } from '@grp/core';
import { encodeMessage, type Message } from '@grp/memberlist-wire';
import type { MemberRecord } from './members.ts';
import type { Runtime } from './runtime.ts';

interface Relayed {
  readonly requester: Address;
  readonly sequence: number;
  readonly target: Address;
}

export interface RelayHooks {
  newSequence(): number;
  timeoutMs(target: MemberRecord): Millis;
}

const relaysMax = 1_024;

/** Probes on behalf of others: pings their target, and tells them of its ack, or that there was none. SWIM §4.1. */
export class Relays {
  readonly #runtime: Runtime;
  readonly #hooks: RelayHooks;
  readonly #relayed = new Map<number, Relayed>();

  constructor(runtime: Runtime, hooks: RelayHooks) {
    this.#runtime = runtime;
    this.#hooks = hooks;
  }

  has(sequence: number): boolean {
    return this.#relayed.has(sequence);
  }

  onRequest(request: Extract<Message, { type: 'indirect-ping' }>, from: Address): void {
    const { list, deadlines, now } = this.#runtime;
    const target = list.get(request.node);
    const known = target !== undefined && target.address === request.target;
    if (!known || this.#relayed.size >= relaysMax) {
      if (request.nack) this.#nack(from, request.sequence);
      this.#runtime.drop(known ? 'relay-limit' : 'unknown-target');
      return;
    }
    const sequence = this.#hooks.newSequence();
    this.#relayed.set(sequence, { requester: from, sequence: request.sequence, target: target.address });
    this.#runtime.sendProbe(target.address, [encodePing(this.#runtime, sequence, target)], { piggyback: false });
    // Whether to nack is decided when the time comes; those who did not ask for one are given none.
    deadlines.set(`${request.nack ? 'relay' : 'hush'}:${sequence}`, now + this.#hooks.timeoutMs(target));
  }

  /** False: the ack answers nothing that is relayed here. */
  onAck(sequence: number, from: Address): boolean {
    const relayed = this.#relayed.get(sequence);
    if (relayed === undefined) return false;
    if (from !== relayed.target) {
      this.#runtime.drop('source');
      return true;
    }
    this.#relayed.delete(sequence);
    this.#runtime.deadlines.delete(`relay:${sequence}`);
    this.#runtime.deadlines.delete(`hush:${sequence}`);
    const ack = encodeMessage({ type: 'ack', sequence: relayed.sequence, payload: new Uint8Array(0) });
    this.#runtime.sendProbe(relayed.requester, [ack], { piggyback: false });
    return true;
  }

  /** The target has not answered in time: whoever asked is told. */
  expire(sequence: number): void {
    const relayed = this.#relayed.get(sequence);
    if (relayed === undefined) return;
    this.#nack(relayed.requester, relayed.sequence);
    // A late ack is still worth forwarding, so the entry stays for one more interval.
    this.#runtime.deadlines.set(`hush:${sequence}`, this.#runtime.now + this.#runtime.config.probeIntervalMs);
  }

  /** Ends a relay that has nothing more to say. */
  hush(sequence: number): void {
    this.#relayed.delete(sequence);
  }

  #nack(to: Address, sequence: number): void {
    this.#runtime.sendProbe(to, [encodeMessage({ type: 'nack', sequence })], { piggyback: false });
  }
}

/** A ping that says who asks as far as its target needs it. */
export function encodePing({ self }: Runtime, sequence: number, target: MemberRecord): Uint8Array {
  // Between grp members the datagram's source says who asks; a Serf agent is told in full.
  const source = target.startedAt === undefined ? { address: self.address, name: self.name } : undefined;
  return encodeMessage({ type: 'ping', sequence, node: target.name, source });
}
