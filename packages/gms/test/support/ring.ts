import { below, chance, pick, type Address, type NodeId, type Random, wake } from '@grp/core';
import { seededRandom, type GroupEvent } from '@grp/sim';
import type { DeliveryLevel, GroupMember } from '../../src/api.ts';
import { decode, encode } from '../../src/codec.ts';
import { gmsConfig, type GmsConfig } from '../../src/config.ts';
import type { Effect, Input } from '../../src/effects.ts';
import { eachPayload } from '../../src/frames.ts';
import { GroupMachine } from '../../src/machine.ts';
import type { GroupMessage } from '../../src/messages.ts';
import type { QuorumRule } from '../../src/rules.ts';
import { digest, earliest } from './helpers.ts';

export interface RingOptions {
  readonly seed: number;
  readonly delivery?: DeliveryLevel;
  readonly quorum?: QuorumRule;
  readonly config?: Partial<GmsConfig>;
  readonly frameBytes?: number;
  /** Mean ms of a message on its way. */
  readonly delayMs?: number;
}

interface Flight {
  readonly from: string;
  readonly to: string;
  /** The lives of both ends: what was sent to a dead one never arrives. */
  readonly toLife: number;
  readonly bytes: Uint8Array;
  readonly at: number;
}

interface Peer {
  readonly name: string;
  readonly life: number;
  readonly machine: GroupMachine;
  readonly member: GroupMember;
  /** What the application has: a copy of its row. */
  state: string[];
  isPaused: boolean;
  inbox: Input[];
  restoring: { transfer: number; text: string } | undefined;
  stateEvent: GroupEvent | undefined;
  captures: Map<number, string>;
}

const text = new TextEncoder();
const plain = new TextDecoder();

/**
 * Ring 1: bare machines over perfect links, in virtual time. Every message goes through the codec. Messages of one pair
 * stay in order; pairs race. Crashes lose a random tail of what each peer would still get.
 */
export class Ring {
  readonly random: Random;
  readonly peers = new Map<string, Peer>();
  readonly events: GroupEvent[] = [];
  readonly #options: RingOptions;
  readonly #config: GmsConfig;
  readonly #flights = new Map<string, Flight[]>();
  readonly #cut = new Set<string>();
  readonly #lives = new Map<string, number>();
  readonly #timers: { at: number; action: () => void }[] = [];
  readonly failures: string[] = [];
  now = 0;
  counters: Record<string, number> = {};
  #serial = 0;
  /** Called before a frame of a fan-out goes to one of its peers; true: crash here. */
  crashAt: (name: string, effect: Effect) => boolean = () => false;

  constructor(options: RingOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed).fork('ring');
    this.#config = gmsConfig.resolve(options.config);
  }

  idOf(name: string): NodeId {
    return `${name}#${this.#lives.get(name) ?? 0}` as NodeId;
  }

  peer(name: string): Peer {
    const peer = this.peers.get(name);
    if (peer === undefined) throw new Error(`${name} does not run`);
    return peer;
  }

  start(name: string, seeds: readonly string[]): void {
    const life = (this.#lives.get(name) ?? 0) + 1;
    this.#lives.set(name, life);
    const member = { id: this.idOf(name), name, address: name as Address };
    const { delivery = 'agreed', quorum = 'majority', frameBytes = 300 } = this.#options;
    const machine = new GroupMachine({
      self: member,
      group: 'test',
      delivery,
      quorum,
      config: this.#config,
      random: this.random.fork(member.id),
      frameBytes,
    });
    this.peers.set(name, {
      name,
      life,
      machine,
      member,
      state: [],
      isPaused: false,
      inbox: [],
      restoring: undefined,
      stateEvent: undefined,
      captures: new Map(),
    });
    this.events.push({ type: 'start', at: this.now, node: member.id });
    this.push(name, { type: 'join', seeds: seeds as readonly Address[] });
  }

  post(name: string): boolean {
    const peer = this.peer(name);
    const message = `${peer.member.id}:${++this.#serial}`;
    const { status } = peer.machine;
    if (status !== 'joined' && status !== 'blocked') return false;
    const number = peer.machine.post(text.encode(message.padEnd(10 + below(this.random, 60))));
    if (number === undefined) return false;
    this.events.push({ type: 'send', at: this.now, node: peer.member.id, message });
    this.push(name, { type: 'flush' });
    return true;
  }

  crash(name: string): void {
    const peer = this.peer(name);
    this.peers.delete(name);
    this.events.push({ type: 'crash', at: this.now, node: peer.member.id });
    for (const [pair, flights] of this.#flights) {
      if (!pair.startsWith(`${name}>`)) continue;
      // A part of what it had sent is still on its way, the rest was in its buffers.
      flights.splice(below(this.random, flights.length + 1));
    }
  }

  /** The detectors of the others say so, each in its time. */
  suspectEverywhere(id: NodeId, withinMs: number): void {
    for (const { name, member } of this.peers.values())
      if (member.id !== id)
        this.later(below(this.random, withinMs + 1), () => this.tell(name, { type: 'suspect', member: id }));
  }

  trustEverywhere(id: NodeId): void {
    for (const { name, member } of this.peers.values())
      if (member.id !== id) this.tell(name, { type: 'trust', member: id });
  }

  tell(name: string, input: Input): void {
    if (this.peers.has(name)) this.push(name, input);
  }

  pause(name: string, isPaused: boolean): void {
    this.peer(name).isPaused = isPaused;
    if (!isPaused) this.push(name);
  }

  /** Messages between the two sides wait. */
  cut(side: readonly string[], other: readonly string[]): void {
    for (const a of side) for (const b of other) this.#cut.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  /** The links between two begin anew: what is under way is lost, and both are told. */
  resetLinks(a: string, b: string): void {
    for (const pair of [`${a}>${b}`, `${b}>${a}`]) this.#flights.get(pair)?.splice(0);
    this.tell(a, { type: 'reset', peer: b as Address });
    this.tell(b, { type: 'reset', peer: a as Address });
  }

  heal(): void {
    this.#cut.clear();
  }

  later(ms: number, action: () => void): void {
    this.#timers.push({ at: this.now + ms, action });
  }

  runFor(ms: number): void {
    const until = this.now + ms;
    while (this.#next(until));
    this.now = until;
  }

  runUntil(condition: () => boolean, withinMs: number): boolean {
    const until = this.now + withinMs;
    while (!condition()) if (!this.#next(until)) return condition();
    return true;
  }

  /** One event; false: nothing more happens until then. */
  #next(until: number): boolean {
    const timer = earliest(this.#timers);
    const flight = this.#nextFlight();
    const wakeUp = this.#nextWake();
    const at = Math.min(timer?.at ?? Infinity, flight?.at ?? Infinity, wakeUp?.at ?? Infinity);
    if (at > until || at === Infinity) return false;
    this.now = Math.max(this.now, at);
    if (timer?.at === at) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.action();
    } else if (flight?.at === at) this.#arrive(flight);
    else if (wakeUp !== undefined) this.#step(wakeUp.peer, [wake]);
    return true;
  }

  push(name: string, input?: Input): void {
    const peer = this.peer(name);
    if (input !== undefined) peer.inbox.push(input);
    if (peer.isPaused) return;
    const inputs = peer.inbox;
    peer.inbox = [];
    this.#step(peer, inputs);
  }

  #step(peer: Peer, inputs: Parameters<GroupMachine['step']>[0]): void {
    for (const effect of peer.machine.step(inputs, this.now)) {
      if (this.peers.get(peer.name) !== peer) return; // it crashed in the middle
      this.#perform(peer, effect);
    }
    if (this.peers.get(peer.name) === peer && peer.inbox.length > 0 && !peer.isPaused) this.push(peer.name);
  }

  #perform(peer: Peer, effect: Effect): void {
    const { member, name } = peer;
    const at = this.now;
    switch (effect.type) {
      case 'send':
        return this.#send(peer, effect.to, effect.message, effect);
      case 'fan-out':
        this.events.push({ type: 'order', at, node: member.id, view: effect.message.epoch });
        for (const to of effect.to) this.#send(peer, to, effect.message, effect);
        return;
      case 'deliver': {
        const { batch } = effect;
        let sequence = batch.first;
        for (const segment of batch.segments) {
          const sender = batch.table.view.members[segment.rank]?.id ?? '?';
          eachPayload(batch.message.frame, segment, (start, end) => {
            const message = plain.decode(batch.message.frame.subarray(start, end)).trimEnd();
            peer.state.push(message);
            const view = batch.table.view.id;
            const soFar = digest(peer.state);
            this.events.push({ type: 'deliver', at, node: member.id, message, sender, view, sequence, digest: soFar });
            sequence++;
          });
        }
        return;
      }
      case 'view': {
        const { id, members } = effect.change.view;
        const ids = members.map((one) => one.id);
        this.events.push({
          type: 'install',
          at,
          node: member.id,
          view: { id, members: ids, leader: ids[0] as string },
        });
        if (peer.stateEvent !== undefined) this.events.push(peer.stateEvent);
        peer.stateEvent = undefined;
        return;
      }
      case 'excluded':
        this.events.push({ type: 'exclude', at, node: member.id });
        return;
      case 'state':
        // Told after the view in which it came: what happens in a view counts for those who go on from it.
        peer.stateEvent = {
          type: 'state',
          at,
          node: member.id,
          view: effect.view,
          sequence: effect.sequence,
          digest: digest(peer.state),
        };
        if (peer.state.length !== effect.sequence)
          this.failures.push(`${member.id}: state of ${peer.state.length} at ${effect.sequence}`);
        return;
      case 'capture':
        peer.captures.set(effect.donation, JSON.stringify(peer.state));
        return;
      case 'draw': {
        const rest = peer.captures.get(effect.donation) ?? '';
        const piece = rest.slice(0, 100);
        peer.captures.set(effect.donation, rest.slice(100));
        peer.inbox.push({
          type: 'chunk',
          donation: effect.donation,
          bytes: text.encode(piece),
          isLast: rest.length <= 100,
        });
        return;
      }
      case 'restore':
        peer.restoring = { transfer: effect.transfer, text: '' };
        return;
      case 'restore-chunk': {
        if (peer.restoring?.transfer !== effect.transfer) return;
        peer.restoring.text += plain.decode(effect.bytes);
        const { transfer } = effect;
        peer.inbox.push({ type: 'consumed', transfer, bytes: effect.bytes.length });
        if (effect.isLast) {
          peer.state = JSON.parse(peer.restoring.text) as string[];
          peer.inbox.push({ type: 'restored', transfer, isOk: true, reason: '' });
        }
        return;
      }
      case 'left':
        this.events.push({ type: 'leave', at, node: member.id });
        this.peers.delete(name);
        return;
      case 'log':
        this.counters[effect.event] = (this.counters[effect.event] ?? 0) + 1;
        return;
      default:
        return;
    }
  }

  #send(peer: Peer, to: string, message: GroupMessage, effect: Effect): void {
    if (this.peers.get(peer.name) !== peer) return;
    if (this.crashAt(peer.name, effect)) {
      this.crash(peer.name);
      return;
    }
    const pair = `${peer.name}>${to}`;
    const flights = this.#flights.get(pair) ?? [];
    this.#flights.set(pair, flights);
    if (this.#cut.has(pair) && 'isRetry' in effect && effect.isRetry && flights.length > 0) return;
    const { delayMs = 1 } = this.#options;
    const earliestAt = flights.at(-1)?.at ?? 0;
    // Now and then one pair is much slower than the others.
    const delay = delayMs * (chance(this.random, 0.05) ? below(this.random, 40) : below(this.random, 100) / 50);
    const toLife = this.#lives.get(to) ?? 0;
    flights.push({ from: peer.name, to, toLife, bytes: encode(message), at: Math.max(earliestAt, this.now + delay) });
  }

  #nextFlight(): Flight | undefined {
    let first: Flight | undefined;
    for (const [pair, flights] of this.#flights) {
      const head = flights[0];
      if (head === undefined || this.#cut.has(pair)) continue;
      if (first === undefined || head.at < first.at) first = head;
    }
    return first;
  }

  #arrive(flight: Flight): void {
    (this.#flights.get(`${flight.from}>${flight.to}`) as Flight[]).shift();
    const peer = this.peers.get(flight.to);
    if (peer === undefined || peer.life !== flight.toLife) return;
    const message = decode(flight.bytes);
    if (message === undefined) throw new Error('what is encoded can be decoded');
    this.push(flight.to, { type: 'message', from: flight.from as Address, message });
  }

  #nextWake(): { readonly at: number; readonly peer: Peer } | undefined {
    let first: { at: number; peer: Peer } | undefined;
    for (const peer of this.peers.values()) {
      const at = peer.machine.nextDeadline();
      if (at === undefined || peer.isPaused || at >= (first?.at ?? Infinity)) continue;
      first = { at, peer };
    }
    return first;
  }

  statuses(): string {
    return [...this.peers.values()]
      .map(
        ({ name, machine }) =>
          `${name} ${machine.status} view ${machine.view?.id ?? '-'} (${machine.view?.members.map(({ name: n }) => n).join() ?? ''}) at ${machine.delivered.sequence}`,
      )
      .join('; ');
  }

  /** All that run are in one view of them, and have delivered the same row. */
  isWhole(): boolean {
    const running = [...this.peers.values()];
    const wanted = running
      .map(({ member }) => member.id)
      .toSorted()
      .join();
    const marks = new Set(running.map(({ machine }) => `${machine.delivered.sequence} ${machine.delivered.orderHash}`));
    return (
      marks.size <= 1 &&
      running.every(({ machine, name }) => {
        const ids = machine.view?.members
          .map(({ id }) => id)
          .toSorted()
          .join();
        return machine.status === 'joined' && ids === wanted && machine.queues.ownBytes === 0 && this.peers.has(name);
      })
    );
  }

  anyone(): string | undefined {
    return pick(this.random, [...this.peers.keys()]);
  }
}
